// Uploads files with progress, and downloads files by joining their parts.

// Columns with opt-outs.
const STOPS = ["opted_out_at", "status"];

// Characters of an address. API Gateway takes 10,240 for it and the headers, of which the cookie is one.
const LONGEST_URL = 6000;

const UTF8 = new TextDecoder("utf-8", { fatal: true });

// API Gateway changes text that is not UTF-8, so such a file is sent as bytes.
async function mediaTypeOf(file) {
  try {
    UTF8.decode(await file.arrayBuffer());
    return "text/csv";
  } catch {
    return "application/octet-stream";
  }
}

function send(url, token, type, file, onProgress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Content-Type", type);
    request.setRequestHeader("X-CSRF-Token", token);
    request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    request.onload = () => done(request);
    request.onerror = () => failed(new Error());
    request.send(file);
  });
}

// The file stays in the browser: the server first looks at its columns, then gets it again with what they mean.
async function sendFile(form, address, query) {
  const [file] = form.querySelector("[type=file]").files;
  const progress = form.querySelector("progress");
  progress.hidden = false;
  form.querySelector("#problem").hidden = true;
  const url = `${address}?${new URLSearchParams({ file_name: file.name, ...query })}`;
  if (url.length > LONGEST_URL) {
    showProblem(form, form.dataset.tooManyColumns);
    return null;
  }
  const answer = await send(url, form.dataset.token, await mediaTypeOf(file), file, (part) => (progress.value = part));
  if (answer.status < 400) progress.hidden = true;
  else if (answer.status === 413) showProblem(form, form.dataset.tooLarge);
  else {
    const page = new DOMParser().parseFromString(answer.responseText, "text/html");
    showProblem(form, page.querySelector("main .error")?.textContent ?? `HTTP ${answer.status}`);
  }
  return answer;
}

async function look(form) {
  const found = document.querySelector("#found");
  found.replaceChildren();
  const answer = await sendFile(form, form.dataset.look, {});
  if (answer?.status !== 200) return;
  const page = new DOMParser().parseFromString(answer.responseText, "text/html");
  found.replaceChildren(document.adoptNode(page.querySelector("#columns")));
  const columns = found.querySelector("form");
  columns.addEventListener("change", () => showLeftOut(columns));
  showLeftOut(columns);
  columns.addEventListener("submit", (event) => {
    event.preventDefault();
    importFile(form, columns, event.submitter?.value ?? "true");
  });
  columns.querySelector("select")?.focus();
}

// Without data-look the columns are known, and the file is imported at once.
async function importAtOnce(form) {
  const answer = await sendFile(form, form.dataset.upload, {});
  if (answer?.status === 201) location.assign(answer.getResponseHeader("Location"));
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

async function importFile(form, columns, dryRun) {
  const chosen = {};
  for (const select of columns.querySelectorAll("select")) {
    const isKnown = select.value !== "" && select.value === select.dataset.known;
    if (!isKnown) chosen[select.dataset.name] = select.value;
  }
  const query = { columns: JSON.stringify(chosen), dry_run: dryRun };
  const answer = await sendFile(form, form.dataset.upload, query);
  if (answer?.status === 201) location.assign(answer.getResponseHeader("Location"));
}

function showProblem(form, text) {
  const problem = form.querySelector("#problem");
  problem.textContent = text;
  problem.hidden = false;
  problem.scrollIntoView({ block: "center" });
  form.querySelector("progress").hidden = true;
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
  form.querySelector("[type=file]").addEventListener("change", () => document.querySelector("#found")?.replaceChildren());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.dataset.look) look(form);
    else importAtOnce(form);
  });
}

for (const link of document.querySelectorAll("a[download]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    download(link);
  });
}
