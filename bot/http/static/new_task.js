// The form of a new task: repositories and issues are found while one types.

import { suggest } from "./combobox.js";

const NAME = /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/;

async function ask(path, words, signal) {
  let answer;
  try {
    answer = await fetch(`${path}?${new URLSearchParams({ q: words, limit: 20 })}`, {
      headers: { Accept: "application/json" }, signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("Bellhop cannot be reached. What you type counts all the same.");
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw new Error(body.detail ?? "Nothing can be suggested now. What you type counts all the same.");
}

function many(count, one, more) {
  return count === 1 ? `1 ${one}` : `${count} ${more}`;
}

async function repositories(words, signal) {
  const found = await ask("/api/github/repositories", words, signal);
  const options = found.repositories
    .filter((one) => !one.archived)
    .map((one) => ({
      value: one.repository,
      label: one.repository + (one.private ? " (private)" : ""),
      detail: one.description,
    }));
  const note = options.length ? many(found.count, "repository", "repositories") : "No repository is called so.";
  return { options, note };
}

/** A search of the open issues of whatever repository is named at the time. */
function issuesOf(repository) {
  return async (words, signal) => {
    const name = repository.value.trim();
    if (!NAME.test(name)) return { options: [], note: "Choose a repository first." };
    const place = name.split("/").map(encodeURIComponent).join("/");
    const found = await ask(`/api/github/issues/${place}`, words, signal);
    const options = found.issues.map((one) => ({
      value: String(one.number),
      label: `#${one.number} ${one.title}`,
      detail: `${one.isPullRequest ? "pull request" : "issue"} by ${one.author}${one.state === "closed" ? ", closed" : ""}`,
    }));
    const note = options.length ? many(options.length, "suggestion", "suggestions") : "No open issue is called so.";
    return { options, note };
  };
}

/** The list of repositories as a field that suggests. */
function asField(select) {
  if (select instanceof HTMLInputElement) return select;
  const input = document.createElement("input");
  input.value = select.value;
  for (const name of ["id", "name", "required", "aria-describedby", "aria-invalid"]) {
    if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  }
  input.setAttribute("autocapitalize", "none");
  input.spellcheck = false;
  select.replaceWith(input);
  return input;
}

const list = document.getElementById("repository");
if (list) {
  const search = document.getElementById("search");
  if (search) search.hidden = true;
  const repository = asField(list);
  const issue = document.getElementById("issue");
  const title = document.createElement("p");
  title.className = "hint";
  title.setAttribute("role", "status");
  issue.parentElement.append(title);
  suggest(repository, repositories, () => issue.focus());
  suggest(issue, issuesOf(repository), (option) => { title.textContent = option.label; });
  issue.addEventListener("input", () => { title.textContent = ""; });
  repository.addEventListener("change", () => { title.textContent = ""; });
  // A second press before the answer is there would do nothing more, but looks as if it did.
  const form = repository.form;
  const button = form.querySelector("button.primary");
  form.addEventListener("submit", () => { button.disabled = true; });
  addEventListener("pageshow", () => { button.disabled = false; });
}
