// Keyboard shortcuts. /console/shortcuts lists them and turns them off: a single key may clash with other programs (WCAG 2.1.4).
const OFF = "notifications-shortcuts-off";
const PAUSE = 1500; // milliseconds between the two keys of a shortcut

const isOff = () => localStorage.getItem(OFF) !== null;
const isTyping = (target) => target.closest?.("input, select, textarea, [contenteditable]") != null;

// The letter on the key of a Latin layout, so that a Russian layout has the same shortcuts.
const keyOf = (event) => (event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : event.key);

let first = "", forgetting;

function act(keys) {
  if (keys === "/") {
    const search = document.querySelector("main form[method=get] input:not([type=hidden])");
    search?.focus();
    return search != null;
  }
  const link = document.querySelector(`a[data-keys="${CSS.escape(keys)}"]`);
  link?.click();
  return link != null;
}

document.addEventListener("keydown", (event) => {
  const isModified = event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
  if (isModified || event.key === "Shift" || isOff() || isTyping(event.target)) return;
  const keys = first ? `${first} ${keyOf(event)}` : keyOf(event);
  clearTimeout(forgetting);
  first = keys === "g" ? "g" : "";
  forgetting = setTimeout(() => (first = ""), PAUSE);
  if (!first && act(keys)) event.preventDefault();
});

const button = document.getElementById("shortcuts-switch");
if (button) {
  const show = () => (button.textContent = isOff() ? button.dataset.on : button.dataset.off);
  button.addEventListener("click", () => {
    if (isOff()) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
    show();
  });
  show();
  button.hidden = false;
}
