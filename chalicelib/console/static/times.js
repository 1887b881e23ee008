// `zone`: that of the browser unless given.
export function inWords(moment, zone) {
  return moment.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
}

// The page has times in UTC. They are shown in the browser's time zone, with UTC in the tooltip.
export function localize(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    element.title = element.dateTime.replace("T", " ").replace("Z", " UTC");
    element.textContent = inWords(moment).replace(/ (?!\d+:)/g, "\u00a0"); // a line may break before the time only
  }
}

localize(document);

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const name of document.querySelectorAll("[data-zone-name]")) name.textContent = zone;

// Pages with days need the zone on the server.
const [prefix] = location.pathname.split("/console");
document.cookie = `zone=${zone}; Path=${prefix}/console; Max-Age=31536000; SameSite=Lax`;
