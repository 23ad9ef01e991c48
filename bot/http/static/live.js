// Follows a stream of events, over restarts of the bot, and says how that goes.

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;
const ENDED_WAIT = 10_000; // until it is asked whether somebody let an ended task go on
const AGAIN = 5_000; // until a page that could not be had is asked for once more
const SILENCE = 50_000; // the bot says something every 15 seconds: a line so still is cut
export const PAUSE = 2_000; // between two looks at the page: requests are counted
const OUT_OF_SIGHT = 30_000; // after so long a page that nobody sees lets go of its connection

/**
 * The stream is read with `fetch`: an `EventSource` takes several times as long for the tens of
 * thousands of lines of a long log, and does not tell why it was refused.
 *
 * @param {string} path where the events are
 * @param {number} after the last event that is known
 * @param {{event: (event: object) => void, state: (state: string) => void}} hear
 *   `state` is one of: live, lost, refused (the reader may not, or not any more), ended
 */
export function follow(path, after, hear) {
  let last = after;
  let wait = FIRST_WAIT;
  let told = ""; // the state that was told last
  let timer = 0;
  let reading = null; // what ends the connection there is

  async function open() {
    clearTimeout(timer);
    if (reading) return;
    const mine = (reading = new AbortController());
    const found = await attempt(mine);
    if (reading !== mine) return; // it was closed
    reading = null;
    // Somebody who looks at what has ended need not know that it cannot be asked about just now.
    if (found !== "lost" || told !== "ended") tell(found);
    if (document.visibilityState !== "visible") return; // it opens when it is
    if (found === "ended") {
      timer = setTimeout(open, ENDED_WAIT); // an ended task may go on, if somebody wants it to
    } else {
      timer = setTimeout(open, wait * (0.75 + Math.random() / 2)); // not all pages at once
      wait = Math.min(2 * wait, LONGEST_WAIT);
    }
  }

  function tell(state) {
    if (state !== told) hear.state(state);
    told = state;
  }

  /** Follow as long as it goes; how it stands after that. */
  async function attempt(mine) {
    const answer = await unlessSilent(mine, (signal) =>
      fetch(`${path}?after=${last}`, { headers: { Accept: "text/event-stream" }, signal }));
    if (!answer) return "lost";
    if (answer.status === 204) return "ended"; // all there is, is known
    if ([401, 403, 404].includes(answer.status)) return "refused";
    if (!answer.ok) return "lost";
    wait = FIRST_WAIT;
    tell("live");
    return read(mine, answer.body.pipeThrough(new TextDecoderStream()).getReader());
  }

  async function read(mine, reader) {
    let rest = "";
    for (;;) {
      const piece = await unlessSilent(mine, () => reader.read());
      if (!piece || piece.done) return "lost";
      const blocks = (rest + piece.value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const { event: type, data } = fields(block);
        if (type === "end") return "ended";
        if (!data) continue;
        const event = JSON.parse(data);
        last = Math.max(last, event.id);
        hear.event(event);
      }
    }
  }

  function close() {
    clearTimeout(timer);
    reading?.abort();
    reading = null;
  }

  // A browser has few connections for one server: pages in the background share none of them.
  function look() {
    if (document.visibilityState === "visible") open();
    else timer = setTimeout(close, OUT_OF_SIGHT);
  }

  open();
  if (document.visibilityState !== "visible") look();
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    look();
  });
}

/** What somebody on the other side of a line says; null where it is cut, or silent for too long. */
async function unlessSilent(line, hear) {
  const silence = setTimeout(() => line.abort(), SILENCE);
  try {
    return await hear(line.signal);
  } catch {
    return null;
  } finally {
    clearTimeout(silence);
  }
}

/** The fields of one event, each a line, as the bot sends them. */
function fields(block) {
  const found = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) found[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return found;
}

/** Whether an event is a line of a worker's log: those come in thousands and change nothing. */
export function isLine(event) {
  return ["info", "command"].includes(event.type) && Object.keys(event.data).length === 0;
}

const WORDS = {
  live: "Live",
  lost: "Connection lost, trying again …",
  refused: "Not shown any more, trying again …",
  ended: "Ended",
};

/** Shows the state of a stream in an element. */
export function showState(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.textContent = WORDS[state];
  element.hidden = false;
}

/** Calls a function at once, and then at most every `pause` milliseconds; again if it says false. */
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
    const done = await work();
    setTimeout(() => {
      busy = false;
      if (again || !done) run();
    }, done ? pause : AGAIN);
  }
  return run;
}

/**
 * Shows a page as the server has it now, unless nobody looks: whoever may not see it any more gets
 * what the server has to say about that instead. False where the server does not answer.
 */
export async function withFreshPage(path, show) {
  if (document.visibilityState === "hidden") return true; // it is asked for when somebody looks
  const line = new AbortController();
  const answer = await unlessSilent(line, (signal) => fetch(path, { headers: { Accept: "text/html" }, signal }));
  const text = answer && (await unlessSilent(line, () => answer.text()));
  if (text === null) return false;
  const gone = answer.redirected && new URL(answer.url).pathname === "/sign-in";
  if (gone || answer.status === 404) location.replace(path);
  else if (answer.ok) show(new DOMParser().parseFromString(text, "text/html"));
  return true;
}
