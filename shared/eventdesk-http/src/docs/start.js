"use strict";
// Everything is found from this file's own address, so that any deployment prefix works.
const here = document.currentScript.src;
window.addEventListener("load", () => {
  const login = document.getElementById("api").dataset;
  const builtinToken = new URL("../token", here).href;
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
    requestInterceptor: (request) => {
      // A name and a password are enough there: client id and audience are another issuer's.
      const asked = new URL(request.url, document.baseURI);
      if (asked.origin + asked.pathname === builtinToken) {
        request.url = builtinToken;
        delete request.headers.Authorization;
      }
      return request;
    },
  });
  ui.initOAuth({
    clientId: login.clientId,
    scopes: login.scopes,
    additionalQueryStringParams: login.audience ? { audience: login.audience } : {},
    usePkceWithAuthorizationCodeGrant: true,
  });
});
