// Keeps "3 min ago" and the clock of a running task true.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something took, as the server says it. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) {
    const rest = whole < 10 * MINUTE && whole % MINUTE ? ` ${whole % MINUTE} s` : "";
    return `${Math.floor(whole / MINUTE)} min${rest}`;
  }
  if (whole < 2 * DAY) {
    const minutes = Math.floor((whole % HOUR) / MINUTE);
    return `${Math.floor(whole / HOUR)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(whole / DAY)} days`;
}

function ago(seconds) {
  return seconds < MINUTE ? "just now" : `${span(seconds - (seconds % MINUTE))} ago`;
}

// The server's clock: a browser's own may be wrong by hours.
const told = document.querySelector("[data-now]");
const offset = told ? Date.parse(told.dataset.now) - Date.now() : 0;

/** The time on the server, in milliseconds. */
export function now() {
  return Date.now() + offset;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    time.textContent = ago((now() - Date.parse(time.dateTime)) / 1000);
  }
}

tick();
setInterval(tick, 20_000);
