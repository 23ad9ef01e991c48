// The feed fills itself: when something happened, the list is asked for again, and what is new in
// it or changed takes its place. What is to be seen is decided by the server alone.

import { PAUSE, follow, gently, isLine, showState, withFreshPage } from "./live.js";
import "./times.js";

const feed = document.getElementById("feed");
const live = document.getElementById("live");

const path = location.pathname + location.search;

const refresh = gently(() => withFreshPage(path, (page) => {
  const fresh = page.getElementById("feed");
  if (fresh) replace(fresh);
  else location.replace(path); // who has been signed out elsewhere is shown no tasks
}), PAUSE);

function replace(fresh) {
  const known = new Map();
  for (const item of feed.querySelectorAll("[data-task]")) known.set(item.dataset.task, item);
  const first = known.size === 0;
  const focused = feed.contains(document.activeElement)
    ? document.activeElement.getAttribute("href")
    : null;
  for (const item of fresh.querySelectorAll("[data-task]")) {
    const old = known.get(item.dataset.task);
    if (old && old.dataset.version === item.dataset.version) item.replaceWith(old);
    else if (!old && !first) item.classList.add("is-new");
  }
  feed.replaceChildren(...fresh.childNodes);
  if (focused) feed.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

if (feed.hasAttribute("data-follow")) {
  let lost = false;
  follow("/api/tasks/events", Number(feed.dataset.after), {
    event: (event) => isLine(event) || refresh(),
    state: (state) => {
      if ((state === "live" && lost) || state === "refused") refresh();
      lost = state === "lost" || state === "refused";
      showState(live, state);
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") refresh();
  });
}
