// An OpenID provider on loopback whose users, groups and clients are made up. tests/services/oidc starts it.
//
// Clients:  eventdesk-docs     public, authorization code with PKCE, back to the docs page at any loopback port
//           eventdesk-client   confidential, client credentials
//           eventdesk-api      confidential, asks about tokens (introspection)
// Resources: api://eventdesk (JWT, RS256, the default) and api://eventdesk-opaque (opaque, for introspection).
// Users:    marry is there from the start; POST /test/accounts makes more: {"id": "…", "claims": {…}}. Claims go into
//           access tokens as they are. Everybody's password and every client's secret are below.
import { createHash, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// Standard output has one line, which is ours.
console.info = console.log = console.warn = console.error;
// Installed where the first argument says, which is not beside this file.
const module = createRequire(`${process.argv[2]}/`).resolve("oidc-provider");
const { Provider, errors } = await import(pathToFileURL(module));

const PASSWORD = "passWord@1";
const SECRET = "a-secret-of-the-tests";
const GROUPS = { admin: "internal/example/admins", manager: "internal/example/managers", support: "internal/example/support", employee: "internal/example/employees" };
const SCOPES = "tickets:read tickets:write messages:read messages:write directory:read directory:write events:read admin";
const RESOURCES = {
  "api://eventdesk": { accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } },
  "api://eventdesk-opaque": { accessTokenFormat: "opaque" },
};
const CLIENT_CLAIMS = { groups: [GROUPS.support] };

const accounts = new Map([["marry", { groups: [GROUPS.admin], name: "Marry Fox", email: "marry.fox@example.com" }]]);

function jwks() {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = pair.privateKey.export({ format: "jwk" });
  const kid = createHash("sha256").update(key.n).digest("base64url");
  return { keys: [{ ...key, kid, alg: "RS256", use: "sig" }] };
}

function provider(issuer) {
  const secret = { client_secret: SECRET, token_endpoint_auth_method: "client_secret_basic", response_types: [], redirect_uris: [] };
  return new Provider(issuer, {
    clients: [
      {
        client_id: "eventdesk-docs",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code"],
        // A native client's loopback address counts with any port (RFC 8252, section 7.3).
        redirect_uris: ["127.0.0.1", "localhost", "[::1]"].flatMap((host) =>
          ["/api/v1/docs/oauth2-redirect", "/api/v1/docs/oauth2-redirect/"].map((path) => `http://${host}${path}`),
        ),
      },
      { client_id: "eventdesk-client", grant_types: ["client_credentials"], ...secret },
      { client_id: "eventdesk-api", grant_types: [], ...secret },
    ],
    jwks: jwks(),
    cookies: { keys: [SECRET] },
    clientBasedCORS: () => true,
    pkce: { required: () => true },
    scopes: ["openid", ...SCOPES.split(" ")],
    claims: { openid: ["sub"], groups: ["groups"] },
    ttl: { AccessToken: 3600, ClientCredentials: 3600, AuthorizationCode: 60, IdToken: 3600, Interaction: 600, Session: 600, Grant: 3600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === "eventdesk-api" },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, oneOf) => oneOf?.[0] ?? "api://eventdesk",
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => {
          if (!RESOURCES[resource]) throw new errors.InvalidTarget();
          return { scope: SCOPES, audience: resource, accessTokenTTL: 3600, ...RESOURCES[resource] };
        },
      },
    },
    extraTokenClaims: (_ctx, token) =>
      token.kind === "ClientCredentials" ? CLIENT_CLAIMS : accounts.get(token.accountId),
    findAccount: (_ctx, id) => {
      const claims = accounts.get(id);
      return claims && { accountId: id, claims: () => ({ ...claims, sub: id }) };
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  });
}

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return text;
}

// Who is asked to log in gets a form; what they are asked to consent to is granted.
async function interact(op, request, response) {
  const details = await op.interactionDetails(request, response);
  if (details.prompt.name === "login") {
    const failed = request.method === "POST";
    if (failed) {
      const form = new URLSearchParams(await body(request));
      if (accounts.has(form.get("login")) && form.get("password") === PASSWORD) {
        const result = { login: { accountId: form.get("login") } };
        return op.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
      }
    }
    response.writeHead(failed ? 401 : 200, { "content-type": "text/html; charset=utf-8" });
    return response.end(`<!doctype html><html lang="en"><title>Log in</title><h1>Log in</h1>
<form method="post"><label>Name <input name="login" autofocus></label>
<label>Password <input name="password" type="password"></label> <button type="submit">Log in</button></form>`);
  }
  const grant = details.grantId
    ? await op.Grant.find(details.grantId)
    : new op.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = details.prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(" "));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(" "));
  }
  const consent = { grantId: await grant.save() };
  return op.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

async function addAccount(request, response) {
  const { id, claims } = JSON.parse(await body(request));
  accounts.set(id, claims ?? {});
  response.writeHead(204).end();
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const op = provider(issuer);
  const serve = op.callback();
  server.on("request", (request, response) => {
    const answer = (work) => work.catch((error) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(400, { "content-type": "text/plain" });
      response.end(String(error.message));
    });
    if (request.url.startsWith("/interaction/")) return answer(interact(op, request, response));
    if (request.url === "/test/accounts" && request.method === "POST") return answer(addAccount(request, response));
    return serve(request, response);
  });
  process.stdout.write(`${issuer}\n`);
});
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
