// What test_console_pages.py asks a page: how large its targets are, and where Tab leads.
const TARGETS = "a[href], button, input:not([type=hidden]), select, textarea, summary";
const LEAST = 24, ROUNDING = 0.1; // CSS pixels: WCAG 2.2, 2.5.8
const PARTS_OF_A_DATE = 7; // stops of Tab in one input

const isShown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0;
const targets = () => [...document.querySelectorAll(TARGETS)].filter((one) => isShown(one) && !one.matches(":disabled"));
const short = (one) => one.outerHTML.slice(0, 150);

const isInSentence = (one) =>
  one.matches("a") &&
  getComputedStyle(one).display === "inline" &&
  one.parentElement.textContent.trim() !== one.textContent.trim();

const isSmall = (box) => Math.min(box.width, box.height) < LEAST - ROUNDING;

// Whether a circle around the middle of the first box meets the second one.
function isNear(box, other) {
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  const across = Math.max(other.left - x, 0, x - other.right);
  return Math.hypot(across, Math.max(other.top - y, 0, y - other.bottom)) < LEAST / 2;
}

function smallTargets() {
  const all = targets().filter((one) => !one.matches(".skip"));
  const boxes = new Map(all.map((one) => [one, (one.closest("label") ?? one).getBoundingClientRect()]));
  const isCrowded = (one) => all.some((other) => other !== one && isNear(boxes.get(one), boxes.get(other)));
  return all.filter((one) => isSmall(boxes.get(one)) && !isInSentence(one) && isCrowded(one)).map(short);
}

const visited = [], unclear = [];

// Another element, such as a bar that stays in place, may not lie above the one with the focus.
const isSeen = (one) =>
  [...one.getClientRects()].some((box) => {
    const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return hit !== null && (one.contains(hit) || hit.contains(one));
  });

// Returns how often Tab must be pressed at most.
function followFocus() {
  Object.defineProperty(document, "hidden", { value: true }); // live sections stay as they are
  document.addEventListener("focusin", ({ target }) => {
    if (visited.includes(target)) return;
    visited.push(target);
    if (getComputedStyle(target).outlineStyle === "none" || !isSeen(target)) unclear.push(`not seen: ${short(target)}`);
  });
  const dates = targets().filter((one) => one.matches("[type=time], [type=datetime-local], [type=date]"));
  return targets().length + dates.length * PARTS_OF_A_DATE + 2;
}

function faultsOfFocus() {
  const missed = targets().filter((one) => !visited.includes(one));
  const places = targets().filter((one) => visited.includes(one)).map((one) => visited.indexOf(one));
  const turns = places.filter((place, at) => at > 0 && place < places[at - 1]).length;
  const allowed = document.querySelector("[autofocus]") ? 1 : 0; // the focus comes round to the beginning of the page
  const order = turns > allowed ? ["the order is not that of the page"] : [];
  return [...unclear, ...missed.map((one) => `not reached: ${short(one)}`), ...order];
}

window.pageChecks = { smallTargets, followFocus, faultsOfFocus };
