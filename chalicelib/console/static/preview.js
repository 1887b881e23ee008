// The form of a mailing: dates are picked in the operator's own zone, and what would come of it is said while typing.
import { localize } from "./times.js";

const form = document.querySelector("form[data-preview]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const two = (number) => String(number).padStart(2, "0");

function local(moment) {
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}

function utc(input) {
  const moment = new Date(input.value);
  return Number.isNaN(moment.getTime()) ? input.value : moment.toISOString().slice(0, 19) + "Z";
}

for (const input of form.querySelectorAll("[data-moment]")) {
  const output = form.querySelector(`output[for=${input.id}]`);
  const say = () => (output.textContent = input.value ? utc(input).replace("T", " ").replace("Z", " UTC") : "");
  const given = input.value && new Date(input.value + "Z");
  if (given && !Number.isNaN(given.getTime())) input.value = local(given);
  input.labels[0].querySelector(".zone").textContent = zone;
  input.addEventListener("input", say);
  form.addEventListener("formdata", (event) => {
    if (!input.disabled) event.formData.set(input.name, utc(input));
  });
  say();
}

const place = document.getElementById("preview");
let waiting, asked = 0;

async function ask() {
  const turn = (asked += 1);
  const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok || turn !== asked) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  localize(fresh);
  if (place.querySelector("details[open]")) fresh.querySelector("details")?.setAttribute("open", "");
  place.replaceChildren(...fresh.childNodes);
}

form.addEventListener("input", (event) => {
  if (event.target.id === "test_phone") return;
  clearTimeout(waiting);
  waiting = setTimeout(ask, 400);
});
ask();
