// A text field that suggests what it may hold: the combobox of the ARIA Authoring Practices,
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ with a list and no completion in the field.

const PAUSE = 180; // milliseconds without a key before it is asked

let count = 0;

/**
 * Let `input` suggest. `find(text, signal)` gives `{options: [{value, label, detail}], note}`, and
 * throws an Error whose message is for people; `chosen(option)` is told of a choice.
 */
export function suggest(input, find, chosen = () => {}) {
  const id = `suggestions-${(count += 1)}`;
  const list = element("ul", { id, role: "listbox", class: "suggestions", hidden: "" });
  list.setAttribute("aria-label", input.labels[0]?.textContent.trim() ?? "");
  const said = element("p", { class: "sr-only", role: "status" });
  const box = element("div", { class: "combobox" });
  input.before(box);
  box.append(input, list, said);
  for (const [name, value] of Object.entries({
    role: "combobox", autocomplete: "off", "aria-autocomplete": "list",
    "aria-expanded": "false", "aria-controls": id,
  })) input.setAttribute(name, value);

  let options = [];
  let active = -1;
  let timer;
  let asking;

  function close() {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    active = -1;
  }

  function open() {
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  function mark(index) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = index;
    const item = list.children[active];
    if (!item) return input.removeAttribute("aria-activedescendant");
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", item.id);
  }

  function choose(option) {
    input.value = option.value;
    close();
    chosen(option);
  }

  function show(found) {
    options = found.options;
    active = -1;
    input.removeAttribute("aria-activedescendant");
    list.replaceChildren(...options.map((option, index) => {
      const item = element("li", { id: `${id}-${index}`, role: "option", "aria-selected": "false" });
      item.append(element("span", {}, option.label));
      if (option.detail) item.append(element("span", { class: "muted" }, option.detail));
      item.addEventListener("click", () => choose(option));
      return item;
    }));
    say(found.note);
    if (options.length) open();
    else close();
  }

  function say(text) {
    said.textContent = text;
    // What goes wrong is for those who see, too.
    said.className = options.length ? "sr-only" : "hint";
  }

  async function ask() {
    asking?.abort();
    const mine = (asking = new AbortController());
    try {
      const found = await find(input.value.trim(), mine.signal);
      if (!mine.signal.aborted && document.activeElement === input) show(found);
    } catch (error) {
      if (mine.signal.aborted) return;
      options = [];
      close();
      say(error.message);
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  }

  input.addEventListener("input", soon);
  input.addEventListener("click", () => list.hidden && ask());
  // A click on an option must not take the focus away before it counts.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    const last = options.length - 1;
    switch (event.key) {
      case "ArrowDown":
        if (list.hidden) ask();
        else mark(active < last ? active + 1 : 0);
        break;
      case "ArrowUp":
        if (list.hidden) ask();
        else mark(active > 0 ? active - 1 : last);
        break;
      case "Enter":
        if (list.hidden || active < 0) return;
        choose(options[active]);
        break;
      case "Escape":
        if (list.hidden) return;
        close();
        break;
      default:
        return;
    }
    event.preventDefault();
  });
}

function element(name, attributes, text) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
