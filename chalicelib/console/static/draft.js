// Saves the draft while one types. Without a script its buttons save it. unsaved.js asks before a page is left whose save has failed.
import { localize } from "./times.js";

const PAUSE = 1000, RETRY = 5000, LEFT = "draft-left", LATE = 30000;
const form = document.querySelector("form[data-draft]");
const state = document.getElementById("draft-state");
let saved = typed(), turn = 0, timer, saving = null, stopped = false, leaving = false;

function content() {
  const fields = new URLSearchParams(new FormData(form)); // moments.js makes UTC of the times
  for (const name of ["test_phone", "template_name"]) fields.delete(name); // no part of the draft
  return fields;
}

function typed() {
  return content().toString();
}

function say(text, isError) {
  const line = document.createElement("p");
  line.className = isError ? "error" : "small";
  line.textContent = text;
  state.replaceChildren(line);
}

const isSaved = () => stopped || leaving || typed() === saved;

async function save() {
  if (isSaved()) return;
  const now = typed();
  const body = content();
  body.set("step", "keep");
  body.set("live", "1");
  body.set("turn", ++turn);
  try {
    const answer = await fetch(form.action, { method: "POST", body, keepalive: body.toString().length < 60000 });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.ok) {
      saved = now;
      form.dataset.saved = "";
      localize(page);
      state.replaceChildren(...page.querySelectorAll("#saved"));
    } else if (answer.status < 500) {
      delete form.dataset.saved;
      stopped = true; // what another page has saved, or the launch: the buttons show it
      say(answer.status === 401 ? form.dataset.signedOut : page.querySelector("[role=alert] p, main p")?.textContent, true);
    } else throw new Error(answer.status);
  } catch {
    delete form.dataset.saved;
    say(form.dataset.noConnection, true);
    timer = setTimeout(begin, RETRY);
  }
}

function begin() {
  clearTimeout(timer);
  const begun = (saving ? saving.then(save) : save()).finally(() => {
    if (saving === begun) saving = null;
  });
  saving = begun;
}

form.addEventListener("input", (event) => {
  if (event.target.id === "test_phone") return;
  clearTimeout(timer);
  timer = setTimeout(begin, PAUSE);
});
form.addEventListener("submit", (event) => {
  clearTimeout(timer);
  if (saving) {
    event.preventDefault(); // two saves of one page keep their order
    saving.then(() => form.requestSubmit(event.submitter));
  } else {
    leaving = true;
    form.elements.turn.value = ++turn;
  }
});
addEventListener("pagehide", () => {
  if (!isSaved()) sessionStorage.setItem(LEFT, Date.now());
  save(); // at once: a page that is gone waits for no earlier save
});
addEventListener("pageshow", () => (leaving = false));

// Back may show a draft as it was before the save that the person left behind.
async function lookAgain(pause) {
  const isLate = Date.now() - sessionStorage.getItem(LEFT) > LATE;
  if (isLate || typed() !== saved || saving) return;
  const answer = await fetch(location.href).catch(() => null); // without a connection, what is typed next says so
  const page = new DOMParser().parseFromString((await answer?.text()) ?? "", "text/html");
  const version = page.querySelector("form[data-draft] [name=version]")?.value;
  if (version && version !== form.elements.version.value && typed() === saved) location.reload();
  else setTimeout(lookAgain, pause, pause * 2);
}
setTimeout(lookAgain, PAUSE, 2 * PAUSE);
