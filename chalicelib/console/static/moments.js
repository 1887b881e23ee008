// Moments are entered in the browser's time zone, and submitted in UTC.
import { inWords } from "./times.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const two = (number) => String(number).padStart(2, "0");

function local(moment) {
  const day = `${String(moment.getFullYear()).padStart(4, "0")}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}

const isDate = (moment) => !Number.isNaN(moment.getTime());

for (const input of document.querySelectorAll("[data-moment]")) {
  const form = input.form;
  const output = form.querySelector(`output[for=${input.id}]`);
  const isRestored = new Date(input.value).getTime() !== new Date(input.defaultValue).getTime();
  const given = new Date(input.value + "Z");
  const isGiven = isDate(given) && !isRestored;
  if (isGiven) input.value = local(given);
  const asGiven = input.value; // in an hour that the clocks repeat it says two moments: the given one, until it is changed
  const moment = () => (isGiven && input.value === asGiven ? given : new Date(input.value));
  const showUtc = () => (output.textContent = input.value ? `${inWords(moment(), "UTC")} UTC` : "");
  input.labels[0].querySelector(".zone").textContent = zone;
  input.addEventListener("input", showUtc);
  form.addEventListener("formdata", (event) => {
    const utc = isDate(moment()) ? moment().toISOString().slice(0, 19) + "Z" : input.value;
    if (!input.disabled) event.formData.set(input.name, utc);
  });
  addEventListener("pageshow", showUtc);
}
