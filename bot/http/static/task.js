// Keeps a task's page as it is now: the log line by line, the rest as the server shows it.

import { PAUSE, follow, gently, isLine, showState, withFreshPage } from "./live.js";
import { LogView } from "./log.js";
import { now, span } from "./times.js";

const task = document.getElementById("task");
const live = document.getElementById("live");
const known = Number(task.dataset.after); // the page shows what happened up to here
const path = `/tasks/${task.dataset.task}`; // the page may stand at the address of a form of it
const log = new LogView(document.getElementById("log"));

const refresh = gently(() => withFreshPage(path, (page) => {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh) replace(part, fresh);
  }
  for (const part of document.querySelectorAll("[data-live-look]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) part.className = fresh.className;
  }
  document.title = page.title;
}), PAUSE);

/** Puts the new part in the place of the old one, unless somebody is about to use it. */
function replace(part, fresh) {
  if (part.isEqualNode(fresh)) return;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  if (focused?.tagName === "SELECT") return; // it may be open; the next change comes soon
  part.replaceWith(fresh);
  if (focused?.id) document.getElementById(focused.id)?.focus();
}

function tick() {
  for (const clock of document.querySelectorAll("[data-since]")) {
    clock.textContent = span((now() - Date.parse(clock.dataset.since)) / 1000);
  }
}

let lost = false;
follow(`/api${path}/events`, 0, {
  event: (event) => {
    log.add(event);
    if (event.id > known && !isLine(event)) refresh();
  },
  state: (state) => {
    if ((state === "live" && lost) || state === "ended" || state === "refused") refresh();
    lost = state === "lost" || state === "refused";
    showState(live, state);
  },
});
setInterval(tick, 1_000);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") refresh();
});
