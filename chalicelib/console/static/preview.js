// The form of a mailing: the preview is updated on input.
import "./moments.js";
import { localize } from "./times.js";

const form = document.querySelector("form[data-preview]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const zones = form.querySelector("select[data-zone]"); // of a new form: the zone of the days on which it repeats
if (zones?.value === "UTC" && [...zones.options].some((option) => option.value === zone)) zones.value = zone;

const preview = document.getElementById("preview");
let timer, latest = 0;

const placeOf = (element) => element?.getBoundingClientRect().top ?? 0;

// `named`: the element that the address names. What appears above it does not push it out of sight.
async function refresh(named = null) {
  const number = (latest += 1);
  const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok || number !== latest) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  localize(fresh);
  if (preview.querySelector("details[open]")) fresh.querySelector("details")?.setAttribute("open", "");
  const said = [...form.querySelectorAll("[id$=-error]")].map((error) => error.textContent);
  for (const problem of fresh.querySelectorAll(".error")) if (said.includes(problem.textContent)) problem.remove();
  const summary = fresh.querySelector("#summary");
  document.getElementById("summary").replaceWith(summary); // out of `fresh`, into the bar with the buttons
  const place = placeOf(named);
  preview.replaceChildren(...fresh.childNodes);
  if (named) scrollBy(0, placeOf(named) - place);
}

form.addEventListener("input", (event) => {
  if (event.target.id === "test_phone") return;
  clearTimeout(timer);
  timer = setTimeout(() => refresh(), 400);
});
// After Back the browser restores what was typed: some browsers before this script runs, some after it.
addEventListener("pageshow", () => refresh(document.querySelector(":target")));
