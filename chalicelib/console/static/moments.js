// Moments are entered in the browser's time zone, and submitted in UTC.
import { inWords } from "./times.js";

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

for (const input of document.querySelectorAll("[data-moment]")) {
  const form = input.form;
  const output = form.querySelector(`output[for=${input.id}]`);
  const showUtc = () => (output.textContent = input.value ? `${inWords(new Date(input.value), "UTC")} UTC` : "");
  const isRestored = new Date(input.value).getTime() !== new Date(input.defaultValue).getTime();
  const given = input.value && new Date(input.value + "Z");
  if (given && !Number.isNaN(given.getTime()) && !isRestored) input.value = local(given);
  input.labels[0].querySelector(".zone").textContent = zone;
  input.addEventListener("input", showUtc);
  form.addEventListener("formdata", (event) => {
    if (!input.disabled) event.formData.set(input.name, utc(input));
  });
  addEventListener("pageshow", showUtc);
}
