"use strict";

const TOKEN = /^[0-9a-f]{40}$/;

// The token is printed without the word that the API expects before it.
const withWord = (request) => {
  const sent = (request.headers.Authorization || "").trim();
  if (TOKEN.test(sent)) request.headers.Authorization = `Token ${sent}`;
  return request;
};

window.addEventListener("load", () => {
  window.SwaggerUIBundle({
    url: document.body.dataset.description,
    dom_id: "#swagger",
    deepLinking: true,
    tryItOutEnabled: true,
    requestInterceptor: withWord,
  });
});
