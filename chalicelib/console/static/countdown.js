// Counts the seconds to the start of a mailing. Without it the page shows those at its answer.
for (const part of document.querySelectorAll("[data-countdown]")) {
  const startsAt = Date.now() + Number(part.textContent) * 1000; // the clock of the browser may differ from the service's
  const show = () => (part.textContent = Math.max(0, Math.ceil((startsAt - Date.now()) / 1000)));
  setInterval(show, 250);
}
