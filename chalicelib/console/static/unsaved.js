// Warns before a page is left whose form has been typed into and not submitted. A form marked data-saved is kept by the server;
// one that the server has marked data-unsaved shows what was typed before, such as after "Count" or "Preview".
const forms = [...document.querySelectorAll("form[method=post]")];
const isRefused = document.querySelector("[data-not-saved]") !== null; // the page shows again what was typed
let isSubmitted = false;

for (const form of forms) {
  if (form.querySelector("[name=password]") && !("unsaved" in form.dataset)) continue; // a sign-in has nothing to lose
  if (isRefused && form.querySelector("input:not([type=hidden]), textarea")) form.dataset.unsaved = "";
  form.addEventListener("input", () => (form.dataset.unsaved = ""));
  form.addEventListener("submit", () => (isSubmitted = true));
}

addEventListener("beforeunload", (event) => {
  const isLost = forms.some((form) => "unsaved" in form.dataset && !("saved" in form.dataset));
  if (isLost && !isSubmitted) event.preventDefault();
});

// The page may come back from the browser's memory after a submission.
addEventListener("pageshow", () => (isSubmitted = false));
