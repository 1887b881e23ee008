// Times stand in the page in UTC; here they are shown in the reader's own zone, with UTC on hover.
export function localize(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    element.title = element.dateTime.replace("T", " ").replace("Z", " UTC");
    element.textContent = moment.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  }
}

localize(document);
