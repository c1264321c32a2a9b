"use strict";
// Everything is found from this file's own address, so that any deployment prefix works.
const here = document.currentScript.src;
window.addEventListener("load", () => {
  const ui = SwaggerUIBundle({
    url: new URL("../openapi.json", here).href,
    dom_id: "#api",
    deepLinking: true,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    oauth2RedirectUrl: new URL("oauth2-redirect", here).href,
    presets: [SwaggerUIBundle.presets.apis],
  });
  ui.initOAuth({ usePkceWithAuthorizationCodeGrant: true });
});
