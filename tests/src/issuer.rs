//! An issuer whose keys and manners the test chooses: it signs anything, and answers as badly as it is told to.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri, header};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::stream;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// Where the issuer describes itself.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Where its keys are.
pub const KEYS: &str = "/keys";
/// Where it is asked about tokens.
pub const INTROSPECTION: &str = "/introspect";
/// The `aud` of its tokens.
pub const AUDIENCE: &str = "api://desk";

/// A private key with the public one that belongs to it.
#[derive(Clone)]
pub struct SigningKey {
    /// The private one.
    pub private: EncodingKey,
    /// With what it signs.
    pub algorithm: Algorithm,
    /// The public one, with its id.
    pub jwk: Value,
}

impl SigningKey {
    /// A new RSA key of 2048 bits.
    pub fn rsa(kid: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("a key has this form");
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let jwk = json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
            "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e),
        });
        let private = EncodingKey::from_rsa_pem(pem(der.as_ref()).as_bytes()).expect("a key that was just made");
        Self { private, algorithm: Algorithm::RS256, jwk }
    }

    /// A new key on the curve P-256.
    pub fn elliptic(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let der = pair.to_pkcs8v1().expect("a key has this form");
        let point = pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "kid": kid, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        let private = EncodingKey::from_ec_pem(pem(der.as_ref()).as_bytes()).expect("a key that was just made");
        Self { private, algorithm: Algorithm::ES256, jwk }
    }

    /// Its id.
    pub fn kid(&self) -> &str {
        self.jwk["kid"].as_str().unwrap_or_default()
    }

    /// Signs claims with a header of its own.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&Header { kid: Some(self.kid().to_owned()), ..Header::new(self.algorithm) }, claims)
    }

    /// Signs claims with any header.
    pub fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).expect("the key fits the header's algorithm")
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// How one of the issuer's addresses answers.
#[derive(Clone, Debug)]
pub enum Manner {
    /// This body with 200.
    Json(Value),
    /// This body with any status and one header.
    Raw(u16, (&'static str, String), Vec<u8>),
    /// Never.
    Silent,
    /// With the beginning of a body that goes on for ever, as fast as it is read.
    Endless,
    /// With a body that goes on for ever, a byte in 100 ms.
    Trickle,
}

#[derive(Default)]
struct Conduct {
    manners: BTreeMap<String, Manner>,
    asked: BTreeMap<String, usize>,
    last: BTreeMap<String, (Option<String>, String)>,
}

/// An issuer on loopback; it ends with the test's runtime.
#[derive(Clone)]
pub struct Issuer {
    url: String,
    key: SigningKey,
    conduct: Arc<Mutex<Conduct>>,
}

impl Issuer {
    /// One with an RSA key that behaves well.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let conduct = Arc::new(Mutex::new(Conduct::default()));
        let routes = axum::Router::new().fallback(answer).with_state(Arc::clone(&conduct));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let issuer = Self { url, key: SigningKey::rsa("first"), conduct };
        issuer.behave();
        issuer
    }

    /// Answers as it should again.
    pub fn behave(&self) {
        self.answer(
            DISCOVERY,
            Manner::Json(json!({
                "issuer": self.url, "jwks_uri": format!("{}{KEYS}", self.url),
                "introspection_endpoint": format!("{}{INTROSPECTION}", self.url),
            })),
        );
        self.publish(&[&self.key]);
        self.answer(INTROSPECTION, Manner::Json(json!({ "active": false })));
    }

    /// Its URL, the `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that it began with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The settings of a desk that believes it, as its first issuer.
    pub fn settings(&self) -> BTreeMap<String, String> {
        self.settings_as("EVENTDESK_ISSUER")
    }

    /// The settings of a desk that believes it; the variables begin with `prefix`.
    pub fn settings_as(&self, prefix: &str) -> BTreeMap<String, String> {
        let roles = "desk-admins=admin,desk-managers=manager,desk-support=support,desk-employees=employee";
        let all = [("URL", self.url.as_str()), ("AUDIENCE", AUDIENCE), ("ROLES", roles)];
        all.into_iter().map(|(key, value)| (format!("{prefix}_{key}"), value.to_owned())).collect()
    }

    /// Says how one address answers from now on.
    pub fn answer(&self, path: &str, manner: Manner) {
        self.locked().manners.insert(path.to_owned(), manner);
    }

    /// Publishes these keys and no others.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk.clone()).collect();
        self.answer(KEYS, Manner::Json(json!({ "keys": keys })));
    }

    /// How often an address was asked.
    pub fn asked(&self, path: &str) -> usize {
        self.locked().asked.get(path).copied().unwrap_or_default()
    }

    /// The `Authorization` header and the body of the last request to an address.
    pub fn last(&self, path: &str) -> Option<(Option<String>, String)> {
        self.locked().last.get(path).cloned()
    }

    /// Claims of which nothing is wrong: of this subject, with all scopes, for an hour.
    pub fn claims(&self, subject: &str, groups: &[&str]) -> Value {
        let now_s = now_s();
        json!({
            "iss": self.url, "aud": AUDIENCE, "sub": subject, "iat": now_s, "nbf": now_s, "exp": now_s + 3_600,
            "scope": crate::SCOPES, "groups": groups,
        })
    }

    /// A token of which nothing is wrong.
    pub fn token(&self, subject: &str, groups: &[&str]) -> String {
        self.key.sign(&self.claims(subject, groups))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Conduct> {
        self.conduct.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since the epoch.
pub fn now_s() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "tokens are for the clock that the server reads")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right");
    i64::try_from(since.as_secs()).expect("for some time to come")
}

async fn answer(
    State(conduct): State<Arc<Mutex<Conduct>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let manner = {
        let mut conduct = conduct.lock().unwrap_or_else(PoisonError::into_inner);
        *conduct.asked.entry(uri.path().to_owned()).or_default() += 1;
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let last = (authorization, String::from_utf8_lossy(&body).into_owned());
        conduct.last.insert(uri.path().to_owned(), last);
        conduct.manners.get(uri.path()).cloned()
    };
    let whole = |status: u16, (name, value): (&str, String), body: Vec<u8>| {
        let answer = Response::builder().status(status).header(name, value);
        answer.body(Body::from(body)).expect("an answer that a test made")
    };
    let json = || ("content-type", "application/json".to_owned());
    match manner {
        None => whole(404, json(), Vec::new()),
        Some(Manner::Json(value)) => whole(200, json(), value.to_string().into_bytes()),
        Some(Manner::Raw(status, header, body)) => whole(status, header, body),
        Some(Manner::Silent) => std::future::pending().await,
        Some(Manner::Endless) => Response::new(Body::from_stream(stream::repeat_with(|| {
            Ok::<_, Infallible>(Bytes::from_static(&[b' '; 4_096]))
        }))),
        Some(Manner::Trickle) => Response::new(Body::from_stream(stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
        }))),
    }
}
