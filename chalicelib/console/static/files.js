// Shows how much of a file is sent, what an import would leave out, and downloads files by joining their parts.

// Columns with opt-outs.
const STOPS = ["opted_out_at", "status"];

// Sends the form as the browser would. If the file is refused, the page stays as it is and says why.
function upload(form) {
  const progress = form.querySelector("progress");
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.upload.onprogress = (event) => (progress.value = event.loaded / event.total);
  request.onload = () => (request.status < 400 ? location.assign(request.responseURL) : refuse(form, reasonOf(form, request)));
  request.onerror = () => refuse(form, form.dataset.lost);
  form.querySelector("#problem").hidden = true;
  progress.hidden = false;
  request.send(new FormData(form));
}

function reasonOf(form, request) {
  if (request.status === 413) return form.dataset.tooLarge;
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  return page.querySelector("main .error")?.textContent ?? `HTTP ${request.status}`;
}

function refuse(form, text) {
  const problem = form.querySelector("#problem");
  problem.textContent = text;
  problem.hidden = false;
  problem.scrollIntoView({ block: "center" });
  form.querySelector("progress").hidden = true;
}

// Which columns the import would not keep.
function showLeftOut(columns) {
  const selects = [...columns.querySelectorAll("select")];
  const isLeftOut = (select) => STOPS.includes(select.dataset.known) && !STOPS.includes(select.value);
  columns.querySelector("#stops").hidden = !selects.some((select) => STOPS.includes(select.value));
  columns.querySelector("#ignored-stops").hidden = !selects.some(isLeftOut);
  const names = selects.filter((select) => select.value === "").map((select) => select.dataset.name);
  const note = columns.querySelector("#left-out");
  note.hidden = names.length === 0;
  note.querySelector("b").textContent = names.join(", ");
}

const next = (answer) => answer.headers.get("Link")?.match(/<([^>]+)>; rel="next"/)?.[1];

async function download(link) {
  const parts = [];
  for (let url = link.href; url; ) {
    const answer = await fetch(url);
    if (!answer.ok) return location.assign(link.href);
    parts.push(await answer.blob());
    url = next(answer);
  }
  const file = document.createElement("a");
  file.href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  file.download = link.download;
  file.click();
  URL.revokeObjectURL(file.href);
}

for (const form of document.querySelectorAll("[data-upload]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    upload(form);
  });
}

const columns = document.querySelector("#columns");
columns?.addEventListener("change", () => showLeftOut(columns));
if (columns) showLeftOut(columns);

for (const link of document.querySelectorAll("a[download]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    download(link);
  });
}
