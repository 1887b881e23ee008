"use strict";

window.addEventListener("load", () => {
  window.SwaggerUIBundle({
    url: document.body.dataset.description,
    dom_id: "#swagger",
    deepLinking: true,
    tryItOutEnabled: true,
  });
});
