// Refreshes the sections of a page that change while a mailing or an import runs. The server renders them.
import { localize } from "./times.js";

const PAUSE = 2000;

// The lists of the page outside the section change with the state.
const stateOf = (element) => element.querySelector("[data-state]")?.dataset.state;

async function refresh(part) {
  if (document.hidden) return true;
  const answer = await fetch(part.dataset.live, { headers: { "X-Part": "1" } });
  if (answer.status === 401) location.reload();
  if (!answer.ok) return true;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  if ("reload" in part.dataset && stateOf(fresh) !== stateOf(part)) location.reload();
  localize(fresh);
  const open = [...part.querySelectorAll("details[open]")].map((element) => element.id);
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.replaceChildren(...fresh.childNodes);
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  if (focused) document.getElementById(focused)?.focus();
  return part.querySelector("[data-going]") !== null;
}

async function follow(part) {
  while (part.querySelector("[data-going]")) {
    await new Promise((done) => setTimeout(done, Number(part.dataset.pause ?? PAUSE)));
    try {
      if (await refresh(part)) continue;
      if ("reload" in part.dataset) location.reload();
      return;
    } catch {
      // no connection: the next round tries again
    }
  }
}

document.querySelectorAll("[data-live]").forEach(follow);
