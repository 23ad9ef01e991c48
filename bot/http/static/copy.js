// A button that copies what stands in a field, and says so, or says that it could not.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const told = button.closest("section").querySelector("[data-copied]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      told.textContent = "Copied.";
    } catch {
      field.focus();
      field.select();
      told.textContent =
        "Your browser does not let Bellhop copy. It is selected: copy it yourself, with Ctrl+C or ⌘C.";
    }
  });
}
