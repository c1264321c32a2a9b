//! An issuer besides the desk's own, and what API Gateway's JWT authorizer makes of its tokens.
//!
//! Functions never see a token in this mode, so how tokens are signed is between issuer and service: a secret that both
//! know stands for the key pair.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eventdesk_app::ports::{Clock as _, Ids as _};
use eventdesk_runtime::{RandomIds, SystemClock};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// Issues tokens for one desk and vouches for them.
#[derive(Clone)]
pub struct Issuer {
    secret: [u8; 32],
}

impl Issuer {
    /// The `iss` of its tokens.
    pub const URL: &str = "https://issuer.example/oauth2/default";
    /// The `aud` of its tokens.
    pub const AUDIENCE: &str = "api://desk";

    /// One with a secret of its own.
    pub fn new() -> Self {
        let mut secret = [0; 32];
        RandomIds.fill(&mut secret);
        Self { secret }
    }

    /// A token for an hour.
    pub fn token(&self, subject: &str, groups: &[&str], scopes: &str) -> String {
        let now = seconds_now();
        self.signed(&json!({
            "iss": Self::URL,
            "aud": [Self::AUDIENCE],
            "sub": subject,
            "iat": now,
            "exp": now + 3600,
            "scope": scopes,
            "groups": groups,
            "email_verified": true,
        }))
    }

    /// A token with these claims, whatever they are.
    pub fn signed(&self, claims: &Value) -> String {
        let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&text).finalize().into_bytes());
        format!("{text}.{signature}")
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("any length is a key");
        mac.update(text.as_bytes());
        mac
    }

    /// The claims of an `Authorization` header, if its token is a good one of this issuer.
    pub(super) fn verified(&self, authorization: &str) -> Option<Value> {
        let token = authorization.strip_prefix("Bearer ").unwrap_or(authorization);
        let (text, signature) = token.rsplit_once('.')?;
        self.mac(text).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(text.split_once('.')?.1).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let audience = claims["aud"].as_array().is_some_and(|all| all.contains(&json!(Self::AUDIENCE)));
        let now = seconds_now();
        let in_time = claims["exp"].as_u64()? > now && claims["nbf"].as_u64().is_none_or(|from| from <= now);
        (audience && in_time && claims["iss"] == Self::URL).then_some(claims)
    }
}

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether any of the scopes that a route asks for is among the token's.
pub(super) fn has_any_scope(claims: &Value, wanted: &[String]) -> bool {
    let given = claims["scope"].as_str().unwrap_or_default();
    wanted.is_empty() || given.split(' ').any(|scope| wanted.iter().any(|wanted| wanted == scope))
}

/// The claims as the service hands them over: every value is text, lists stand as `[a b]`.
pub(super) fn as_texts(claims: &Value) -> Value {
    fn text(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" ")),
            other => other.to_string(),
        }
    }
    let members = claims.as_object().into_iter().flatten();
    Value::Object(members.map(|(name, value)| (name.clone(), json!(text(value)))).collect())
}

fn seconds_now() -> u64 {
    u64::try_from(SystemClock.now().millis() / 1000).unwrap_or(0)
}
