//! The independent OIDC provider that `tests/run` starts, and its users.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::PASSWORD;

/// Names the provider's issuer URL.
const URL: &str = "EVENTDESK_TEST_OIDC_URL";
/// What the provider's confidential clients prove themselves with.
const SECRET: &str = "a-secret-of-the-tests";
/// Where the docs page would take a code; nothing listens there, for the code is taken from the address.
const REDIRECT: &str = "http://127.0.0.1:8099/api/v1/docs/oauth2-redirect";
/// The provider's public client for the docs page.
pub const DOCS_CLIENT: &str = "eventdesk-docs";
/// All scopes of the desk.
pub const SCOPES: &str = "tickets:read tickets:write messages:read messages:write directory:read directory:write \
                          events:read admin";

/// Who the access tokens of a provider are for, and so how they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Signed JWTs.
    Jwt,
    /// Names of something that only the provider knows.
    Opaque,
}

impl Resource {
    /// The `aud` of its tokens.
    pub fn audience(self) -> &'static str {
        match self {
            Self::Jwt => "api://eventdesk",
            Self::Opaque => "api://eventdesk-opaque",
        }
    }
}

/// A provider that speaks OIDC.
#[derive(Clone)]
pub struct Oidc {
    http: reqwest::Client,
    issuer: String,
}

impl Oidc {
    /// The provider of this run.
    pub fn started() -> Self {
        Self::here().unwrap_or_else(|| panic!("{URL} is not set: tests/run starts what it names"))
    }

    /// The provider of this run, if there is one.
    pub(crate) fn here() -> Option<Self> {
        let issuer = std::env::var(URL).ok()?;
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        Some(Self { http: http.expect("a plain client needs nothing"), issuer })
    }

    /// The settings of a desk that believes it, if it is there.
    pub fn settings_if_here() -> BTreeMap<String, String> {
        Self::here().map(|oidc| oidc.settings()).unwrap_or_default()
    }

    /// The `iss` of its tokens, and its address.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The client id and the secret by which the desk may ask about tokens.
    pub fn introspection_client() -> (&'static str, &'static str) {
        ("eventdesk-api", SECRET)
    }

    /// The settings of a desk that believes the provider's signed tokens; the usual groups lead to the roles.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let all = [
            ("EVENTDESK_ISSUER_URL", self.issuer.as_str()),
            ("EVENTDESK_ISSUER_AUDIENCE", Resource::Jwt.audience()),
            ("EVENTDESK_ISSUER_GROUPS_CLAIM", "groups"),
            (
                "EVENTDESK_ISSUER_ROLES",
                "internal/example/admins=admin,internal/example/managers=manager,internal/example/support=support,\
                 internal/example/employees=employee",
            ),
            ("EVENTDESK_ISSUER_DOCS_CLIENT_ID", DOCS_CLIENT),
        ];
        all.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// Makes a user, or gives one other claims.
    pub async fn account(&self, id: &str, claims: &Value) {
        let asked =
            self.http.post(format!("{}/test/accounts", self.issuer)).json(&json!({ "id": id, "claims": claims }));
        let answer = asked.send().await.expect("the provider answers");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// A new user in these groups, logged in with all scopes of the desk: the access token.
    pub async fn user_token(&self, id: &str, groups: &[&str], resource: Resource) -> String {
        self.account(id, &json!({ "groups": groups })).await;
        self.login(id, SCOPES, resource).await
    }

    /// Logs a user in as the docs page does, by authorization code and PKCE: the access token.
    pub async fn login(&self, id: &str, scope: &str, resource: Resource) -> String {
        let verifier = "a-verifier-that-is-long-enough-to-be-one-of-rfc-7636";
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let asked = [
            ("client_id", DOCS_CLIENT),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", scope),
            ("resource", resource.audience()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let form = self.http.get(format!("{}/auth", self.issuer)).form(&asked).build().expect("a form is a body");
        let query = form.body().and_then(reqwest::Body::as_bytes).map(String::from_utf8_lossy).unwrap_or_default();
        let mut visit = Visit { oidc: self, cookies: BTreeMap::new() };
        let mut at = visit.follow(&format!("{}/auth?{query}", self.issuer), &[]).await;
        let code = loop {
            if let Some((_, code)) = at.split_once("?code=").or_else(|| at.split_once("&code=")) {
                break code.split('&').next().unwrap_or_default().to_owned();
            }
            let asks_for_login = at.contains("/interaction/") && !visit.logged_in();
            let form = [("login", id), ("password", PASSWORD)];
            at = visit.follow(&at, if asks_for_login { &form } else { &[] }).await;
        };
        let asked = [
            ("client_id", DOCS_CLIENT),
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
            ("resource", resource.audience()),
        ];
        self.token(&asked, None).await
    }

    /// A token for the provider's confidential client itself; its group is the one of support.
    pub async fn client_token(&self, scope: &str, resource: Resource) -> String {
        let asked = [("grant_type", "client_credentials"), ("scope", scope), ("resource", resource.audience())];
        self.token(&asked, Some("eventdesk-client")).await
    }

    /// Takes an opaque token back.
    pub async fn revoke(&self, token: &str) {
        let asked = [("token", token), ("client_id", DOCS_CLIENT)];
        let answer = self.http.post(format!("{}/token/revocation", self.issuer)).form(&asked).send().await;
        let answer = answer.expect("the provider answers");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    async fn token(&self, asked: &[(&str, &str)], client: Option<&str>) -> String {
        let mut request = self.http.post(format!("{}/token", self.issuer)).form(asked);
        if let Some(client) = client {
            request = request.basic_auth(client, Some(SECRET));
        }
        let answer: Value = request.send().await.expect("the provider answers").json().await.expect("in JSON");
        let token = answer["access_token"].as_str();
        token.unwrap_or_else(|| panic!("{asked:?} -> {answer}")).to_owned()
    }
}

/// A browser's way through a login.
struct Visit<'o> {
    oidc: &'o Oidc,
    cookies: BTreeMap<String, String>,
}

impl Visit<'_> {
    fn logged_in(&self) -> bool {
        self.cookies.contains_key("_session")
    }

    /// Goes to a place, with a form if there is one, and tells where it sends the browser.
    async fn follow(&mut self, to: &str, form: &[(&str, &str)]) -> String {
        let request = if form.is_empty() { self.oidc.http.get(to) } else { self.oidc.http.post(to).form(form) };
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", cookies.join("; ")).send().await.expect("the provider answers");
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Some(location) = location else { panic!("{to} leads nowhere: {}", answer.status()) };
        if location.starts_with('/') { format!("{}{location}", self.oidc.issuer) } else { location }
    }
}
