// Uploads files with progress, and downloads files by joining their parts.

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

async function upload(form) {
  const [file] = form.querySelector("[type=file]").files;
  const progress = form.querySelector("progress");
  progress.hidden = false;
  form.querySelector("#problem").hidden = true;
  const url = `${form.dataset.upload}?file_name=${encodeURIComponent(file.name)}`;
  const answer = await send(url, form.dataset.token, await mediaTypeOf(file), file, (part) => (progress.value = part));
  if (answer.status === 201) return location.assign(answer.getResponseHeader("Location"));
  if (answer.status === 413) return showProblem(form, form.dataset.tooLarge);
  const page = new DOMParser().parseFromString(answer.responseText, "text/html");
  showProblem(form, page.querySelector("main .error")?.textContent ?? `HTTP ${answer.status}`);
}

function showProblem(form, text) {
  const problem = form.querySelector("#problem");
  problem.textContent = text;
  problem.hidden = false;
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
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    upload(form);
  });
}

for (const link of document.querySelectorAll("a[download]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    download(link);
  });
}
