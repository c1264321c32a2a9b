//! A token's outer form (RFC 7515, compact serialization), before anything in it is believed.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::Refusal;

/// Largest token that is looked at, in bytes.
const LARGEST: usize = 16 * 1_024;
/// Most claims that are looked at.
const MOST_CLAIMS: usize = 100;

/// A token in its parts; only its header was read.
pub(crate) struct Token<'t> {
    /// `None` if it is none that any key is for.
    pub(super) algorithm: Option<Algorithm>,
    pub(crate) kid: Option<String>,
    /// What was signed: header and claims, as sent.
    pub(super) message: &'t [u8],
    pub(super) signature: &'t str,
    payload: &'t str,
}

#[derive(Deserialize)]
struct Head<'h> {
    #[serde(borrow)]
    alg: Cow<'h, str>,
    #[serde(borrow)]
    kid: Option<Cow<'h, str>>,
    crit: Option<IgnoredAny>,
}

/// The token in an `Authorization` header: one, by the scheme `Bearer` in any case or without a scheme.
pub(super) fn bearer(authorization: Option<&str>) -> Result<&str, Refusal> {
    let value = authorization.unwrap_or_default().trim_matches(' ');
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start_matches(' '),
        // Credentials of another scheme are no token.
        Some((scheme, _)) if !scheme.contains(['.', ',']) => return Err(Refusal::Missing),
        Some(_) => return Err(Refusal::Malformed),
        None if value.is_empty() || value.eq_ignore_ascii_case("bearer") => return Err(Refusal::Missing),
        None => value,
    };
    if token.len() > LARGEST { Err(Refusal::TooLarge) } else { Ok(token) }
}

/// Whether a token is a JWT by its form: three parts. Every other one is a name that only its issuer can read.
pub(super) fn is_jwt(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Whether it has the form of a bearer token at all (RFC 6750, section 2.1).
pub(super) fn is_bearer_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    let name = text.trim_end_matches('=');
    !name.is_empty() && name.bytes().all(allowed)
}

impl<'t> Token<'t> {
    /// Takes a token apart.
    pub(crate) fn parse(text: &'t str) -> Result<Self, Refusal> {
        let part_of_one = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !text.bytes().all(part_of_one) {
            return Err(Refusal::Malformed);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (head, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
        if payload.contains('.') {
            return Err(Refusal::Malformed);
        }
        let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| Refusal::Malformed)?;
        let head: Head<'_> = serde_json::from_slice(&head).map_err(|_| Refusal::Malformed)?;
        // By name, each: what is not listed here is not known, `none` and HMAC with a public key above all.
        let algorithm = match &*head.alg {
            "RS256" => Some(Algorithm::RS256),
            "RS384" => Some(Algorithm::RS384),
            "RS512" => Some(Algorithm::RS512),
            "PS256" => Some(Algorithm::PS256),
            "PS384" => Some(Algorithm::PS384),
            "PS512" => Some(Algorithm::PS512),
            "ES256" => Some(Algorithm::ES256),
            "ES384" => Some(Algorithm::ES384),
            _ => None,
        };
        // Extensions that must be understood, and none is (RFC 7515, section 4.1.11).
        if head.crit.is_some() {
            return Err(Refusal::Malformed);
        }
        let kid = head.kid.map(Cow::into_owned);
        Ok(Self { algorithm, kid, message: message.as_bytes(), signature, payload })
    }

    /// The claims, to be believed once the signature is known to be good.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, Refusal> {
        let payload = URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| Refusal::Malformed)?;
        let claims: Map<String, Value> = serde_json::from_slice(&payload).map_err(|_| Refusal::Malformed)?;
        if claims.len() > MOST_CLAIMS { Err(Refusal::TooLarge) } else { Ok(claims) }
    }
}
