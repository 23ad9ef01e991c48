// Follows a stream of events, over restarts of the bot, and says how that goes.

const TYPES = ["status", "progress", "info", "command", "success", "warning", "error", "message", "usage"];
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;
const OUT_OF_SIGHT = 30_000; // after so long a page that nobody sees lets go of its connection

/**
 * @param {string} path where the events are
 * @param {number} after the last event that is known
 * @param {{event: (event: object) => void, state: (state: string) => void}} hear
 *   `state` is one of: live, lost, ended
 */
export function follow(path, after, hear) {
  let source = null;
  let last = after;
  let wait = FIRST_WAIT;
  let over = false;
  let timer = 0;

  function open() {
    source = new EventSource(`${path}?after=${last}`);
    source.onopen = () => {
      wait = FIRST_WAIT;
      hear.state("live");
    };
    source.onerror = onError;
    source.addEventListener("end", () => {
      over = true;
      source.close();
      hear.state("ended");
    });
    for (const type of TYPES) {
      source.addEventListener(type, (message) => {
        if (!message.data) return; // "error" is also what a lost connection is called
        const event = JSON.parse(message.data);
        last = Math.max(last, event.id);
        hear.event(event);
      });
    }
  }

  function onError(message) {
    if (message.data) return;
    hear.state("lost");
    // The browser tries again by itself unless the answer was none: then it is up to us.
    if (source.readyState === EventSource.CLOSED) {
      timer = setTimeout(open, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    }
  }

  function close() {
    clearTimeout(timer);
    source.close();
  }

  function reopen() {
    clearTimeout(timer);
    if (!over && source.readyState === EventSource.CLOSED) open();
  }

  open();
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && reopen());
  // A browser has few connections for one server: pages in the background share none of them.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") reopen();
    else timer = setTimeout(close, OUT_OF_SIGHT);
  });
}

const WORDS = {
  live: "Live",
  lost: "Connection lost, trying again …",
  ended: "Ended",
};

/** Shows the state of a stream in an element. */
export function showState(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.textContent = WORDS[state];
  element.hidden = false;
}

/** Calls a function at once, and then at most every `pause` milliseconds. */
export function gently(work, pause) {
  let busy = false;
  let again = false;
  async function run() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    await work();
    setTimeout(() => {
      busy = false;
      if (again) run();
    }, pause);
  }
  return run;
}

/** The page as the server shows it now; null where it does not, for the moment. */
export async function freshPage() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") location.reload();
    if (answer.status === 404) location.reload();
    if (!answer.ok) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null; // the stream will say that the connection is lost
  }
}
