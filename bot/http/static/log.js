// A log of up to 50,000 lines that scrolls as if it were short: only the rows that can be seen are
// in the document. Lines are text and never markup.

const SPARE = 12; // rows above and below what can be seen
const LONGEST = 4_000; // characters of a row that are drawn
const NEAR = 4; // pixels from the end that count as the end

const LEVELS = {
  all: () => true,
  command: (type) => type === "command",
  warning: (type) => type === "warning" || type === "error",
  error: (type) => type === "error",
};
const KNOWN = new Set(["info", "command", "success", "warning", "error", "message"]);

export class LogView {
  /** @param {HTMLElement} root an element with the parts marked `data-log-…` */
  constructor(root) {
    const part = (name) => root.querySelector(`[data-log-${name}]`);
    this.root = root;
    this.view = part("view");
    this.all = part("all");
    this.rows = part("rows");
    this.count = part("count");
    this.said = part("said"); // what a screen reader is told: answers to a search, not each line
    this.search = part("search");
    this.level = part("level");
    this.followButton = part("follow");
    this.lines = []; // {time, type, text, lower}
    this.shown = null; // numbers of lines; null: all of them
    this.following = true;
    this.queued = false;
    this.attempt = 0;
    this.needle = "";
    this.lastTop = 0;
    this.lastHeight = 0;
    this.longest = 0;
    this.words = part("count").textContent;
    part("tools").hidden = false;
    part("pages").remove();
    root.classList.add("is-scripted");
    this.height = this.measure();
    this.rows.replaceChildren();
    this.view.addEventListener("scroll", () => this.onScroll(), { passive: true });
    this.search.addEventListener("input", () => this.filter());
    this.level.addEventListener("change", () => this.filter());
    this.followButton.addEventListener("click", () => this.follow(!this.following));
    new ResizeObserver(() => this.later()).observe(this.view);
    this.later();
  }

  /** Adds an event of the stream; one with line breaks is several lines. */
  add(event) {
    if (!KNOWN.has(event.type)) return;
    const time = event.timestamp.slice(11, 19);
    if (this.attempt && event.attempt !== this.attempt) {
      this.push(time, "attempt", `Attempt ${event.attempt}`);
    }
    this.attempt = event.attempt;
    for (const text of event.message.split("\n")) this.push(time, event.type, text);
    this.later();
  }

  push(time, type, text) {
    const line = { time, type, text, lower: text.toLowerCase() };
    this.lines.push(line);
    this.longest = Math.max(this.longest, Math.min(text.length, LONGEST));
    if (this.shown && this.matches(line)) this.shown.push(this.lines.length - 1);
  }

  follow(on) {
    this.following = on;
    this.followButton.setAttribute("aria-pressed", String(on));
    if (on) this.later();
  }

  matches(line) {
    return LEVELS[this.level.value](line.type) && line.lower.includes(this.needle);
  }

  filter() {
    this.needle = this.search.value.trim().toLowerCase();
    this.shown = null;
    if (this.needle || this.level.value !== "all") {
      this.shown = [];
      this.lines.forEach((line, number) => {
        if (this.matches(line)) this.shown.push(number);
      });
    }
    this.view.scrollTop = this.following ? this.view.scrollHeight : 0;
    this.said.textContent = this.shown ? this.found(this.shown.length) : "";
    this.later();
  }

  found(total) {
    return `${total.toLocaleString("en")} of ${this.lines.length.toLocaleString("en")} lines`;
  }

  onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.view;
    const atEnd = scrollTop + clientHeight >= scrollHeight - NEAR;
    // Growing, following and another size scroll too: only going up by hand lets go of the end.
    const sameSize = clientHeight === this.lastHeight;
    if (this.following && sameSize && !atEnd && scrollTop < this.lastTop) this.follow(false);
    else if (!this.following && atEnd && scrollTop > this.lastTop) this.follow(true);
    this.lastTop = scrollTop;
    this.lastHeight = clientHeight;
    this.later();
  }

  /** Draws once before the next frame, however much happened. */
  later() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.draw();
    });
  }

  draw() {
    const total = this.shown ? this.shown.length : this.lines.length;
    this.all.style.height = `${total * this.height}px`;
    this.rows.style.minWidth = `${this.longest + 12}ch`;
    if (this.following) this.view.scrollTop = this.view.scrollHeight;
    const first = Math.max(0, Math.floor(this.view.scrollTop / this.height) - SPARE);
    const room = Math.ceil(this.view.clientHeight / this.height) + 2 * SPARE;
    const count = Math.max(0, Math.min(room, total - first));
    this.rows.style.transform = `translateY(${first * this.height}px)`;
    while (this.rows.childElementCount > count) this.rows.lastElementChild.remove();
    while (this.rows.childElementCount < count) this.rows.append(newRow());
    for (let place = 0; place < count; place += 1) {
      const number = this.shown ? this.shown[first + place] : first + place;
      this.fill(this.rows.children[place], this.lines[number], number);
    }
    this.tell(total);
  }

  fill(row, line, number) {
    const [time, text] = row.children;
    const key = `${number}:${this.needle}`;
    if (row.dataset.line === key) return;
    row.dataset.line = key;
    row.className = `log-row is-${line.type}`;
    time.textContent = line.time;
    const drawn = line.text.length > LONGEST ? `${line.text.slice(0, LONGEST)} …` : line.text;
    text.replaceChildren(...marked(drawn, line.lower, this.needle));
  }

  tell(total) {
    this.root.dataset.lines = this.lines.length;
    this.root.dataset.shown = total;
    let words = this.words;
    if (this.shown) words = this.found(total);
    else if (total) words = `${total.toLocaleString("en")} ${total === 1 ? "line" : "lines"}, with times in UTC`;
    if (this.count.textContent !== words) this.count.textContent = words;
  }

  /** How high a row is, in pixels. */
  measure() {
    const row = newRow();
    row.lastElementChild.textContent = "x";
    this.rows.replaceChildren(row);
    return row.getBoundingClientRect().height;
  }
}

function newRow() {
  const row = document.createElement("li");
  row.append(document.createElement("time"), document.createElement("span"));
  return row;
}

/** A text as nodes, with what was searched for marked. */
function marked(text, lower, needle) {
  if (!needle) return [text];
  const nodes = [];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0 && at < text.length; at = lower.indexOf(needle, from)) {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + needle.length);
    nodes.push(text.slice(from, at), mark);
    from = at + needle.length;
  }
  nodes.push(text.slice(from));
  return nodes;
}
