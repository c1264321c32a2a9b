//! The authorizer: the semantics of an API Gateway HTTP API's, for any number of issuers.
//!
//! A token is its issuer's by the `iss` in it, and is checked in the one way that is configured for that issuer: by its
//! present keys (no other algorithm than the key's own, no key that a token brings along, no token without an end), or
//! by asking it. What is checked of the claims is what the service checks.

mod claims;
mod opaque;
mod refusal;
mod token;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use aws_lc_rs::digest;
use eventdesk_app::ports::Clock;
use jsonwebtoken::{Algorithm, DecodingKey};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};

use opaque::Asked;
pub use refusal::Refusal;
pub(crate) use token::Token;

/// Claims as the service hands them to functions: every value is text, lists are `[a b]`.
pub type StringClaims = HashMap<String, String>;

/// How many verified tokens are remembered.
const REMEMBERED_TOKENS: usize = 4_096;

/// Whom an authorizer believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The `iss` of its tokens, letter by letter.
    pub issuer: String,
    /// A token must be for one of them.
    pub audiences: Vec<String>,
    /// The claim with a caller's groups: its name, or the way to it, parted by dots. It is handed on in a form that
    /// keeps names with blanks, commas and brackets apart.
    pub groups_claim: String,
    /// What stands in front of the desk's scopes in its tokens, and is taken off; empty = nothing.
    pub scope_prefix: String,
    /// The scopes of a token that says nothing of scopes.
    pub default_scopes: Vec<String>,
}

impl Trust {
    /// Trust in an issuer whose tokens name groups in `groups` and scopes as the desk does.
    pub fn new(issuer: impl Into<String>, audiences: Vec<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences,
            groups_claim: "groups".to_owned(),
            scope_prefix: String::new(),
            default_scopes: Vec::new(),
        }
    }
}

/// A public key to check signatures with, and the algorithms that it is for.
#[derive(Clone)]
pub struct VerifyingKey(Arc<(DecodingKey, Vec<Algorithm>)>);

impl VerifyingKey {
    /// What an RSA key can be for.
    pub(crate) const RSA: &[Algorithm] =
        &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

    /// A key of the built-in issuer: RSA with PKCS#1.
    pub(crate) fn new(key: DecodingKey) -> Self {
        Self::of(key, vec![Algorithm::RS256, Algorithm::RS384, Algorithm::RS512])
    }

    pub(crate) fn of(key: DecodingKey, algorithms: Vec<Algorithm>) -> Self {
        Self(Arc::new((key, algorithms)))
    }

    /// Whether it made the token's signature, by one of the algorithms that it is for.
    pub(crate) fn verifies(&self, token: &Token<'_>) -> bool {
        self.require_signature(token).is_ok()
    }

    fn require_signature(&self, token: &Token<'_>) -> Result<(), Refusal> {
        let (key, algorithms) = &*self.0;
        let algorithm = token.algorithm.filter(|algorithm| algorithms.contains(algorithm)).ok_or(Refusal::Algorithm)?;
        let good = jsonwebtoken::crypto::verify(token.signature, token.message, key, algorithm).unwrap_or(false);
        if good { Ok(()) } else { Err(Refusal::Signature) }
    }
}

/// The keys could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("signing keys unavailable")]
pub struct KeySourceError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Where an issuer's public keys come from.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The key with this id, if the issuer has it now. Asked for every request, so what is far away is to be kept.
    ///
    /// # Errors
    /// [`KeySourceError`].
    async fn key(&self, kid: &str) -> Result<Option<VerifyingKey>, KeySourceError>;
}

/// The issuer did not say whether a token is active.
#[derive(Debug, thiserror::Error)]
#[error("introspection unavailable")]
pub struct IntrospectError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Asks an issuer about tokens (RFC 7662).
#[async_trait]
pub trait Introspect: Send + Sync {
    /// What the issuer says of a token, without `active`; `None` if it is not active. Asked once for each token and
    /// while, for what it says is kept.
    ///
    /// # Errors
    /// [`IntrospectError`].
    async fn introspect(&self, token: &str) -> Result<Option<Map<String, Value>>, IntrospectError>;
}

/// How an issuer's tokens are checked.
#[derive(Clone)]
pub enum Validation {
    /// By its keys: no call for a request.
    Keys(Arc<dyn KeySource>),
    /// By asking it.
    Introspection {
        /// Whom to ask.
        issuer: Arc<dyn Introspect>,
        /// For how long an answer counts, in seconds; never past the token's end.
        keep_s: i64,
    },
}

/// What a token that was checked says. Clones share it.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Its claims.
    pub claims: Arc<StringClaims>,
    /// Its scopes, from `scope`, else from `scp`.
    pub scopes: Arc<[String]>,
    /// The `exp` claim: seconds since the epoch.
    pub expires_at: i64,
}

impl Verified {
    /// Whether the token has any one of these scopes; a route that asks for none is open to all.
    pub fn has_any(&self, scopes: &[&str]) -> bool {
        scopes.is_empty() || scopes.iter().any(|wanted| self.scopes.iter().any(|held| held == wanted))
    }
}

type TokenDigest = [u8; 32];

#[derive(Clone)]
struct Remembered {
    verified: Verified,
    kid: Arc<str>,
    issuer: usize,
}

struct Believed {
    trust: Trust,
    validation: Validation,
}

/// Checks bearer tokens.
pub struct Authorizer {
    issuers: Vec<Believed>,
    clock: Arc<dyn Clock>,
    remembered: Cache<TokenDigest, Remembered>,
    asked: Asked,
}

impl Authorizer {
    /// An authorizer that believes nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (remembered, asked) = (Cache::new(REMEMBERED_TOKENS), Asked::new(REMEMBERED_TOKENS));
        Self { issuers: Vec::new(), clock, remembered, asked }
    }

    /// The same, believing one more issuer. A token that is no JWT does not say whose it is: the first issuer that is
    /// asked about tokens is asked about it, and no other ever sees it.
    #[must_use]
    pub fn believing(mut self, trust: Trust, validation: Validation) -> Self {
        self.issuers.push(Believed { trust, validation });
        self
    }

    /// Checks the value of an `Authorization` header (`Bearer` and a token, or the token alone, as the service takes
    /// it), and that the token has any one of `scopes`.
    ///
    /// A token that was checked before is not computed again, but its end and its key are looked at each time.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn authorize(&self, authorization: Option<&str>, scopes: &[&str]) -> Result<Verified, Refusal> {
        let text = token::bearer(authorization)?;
        let verified = self.verify(text).await?;
        if verified.has_any(scopes) { Ok(verified) } else { Err(Refusal::InsufficientScope) }
    }

    async fn verify(&self, text: &str) -> Result<Verified, Refusal> {
        let mut seen = TokenDigest::default();
        seen.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        let now_s = self.clock.now().millis().div_euclid(1_000);
        if let Some(Remembered { verified, kid, issuer }) = self.remembered.get(&seen) {
            if now_s >= verified.expires_at {
                self.remembered.remove(&seen);
                return Err(Refusal::Expired);
            }
            // A key that was withdrawn takes its tokens with it.
            if let Some(Believed { validation: Validation::Keys(keys), .. }) = self.issuers.get(issuer) {
                key(&**keys, &kid).await?;
            }
            return Ok(verified);
        }
        if !token::is_jwt(text) {
            let asked = |one: &&Believed| matches!(one.validation, Validation::Introspection { .. });
            let issuer = self.issuers.iter().find(asked).filter(|_| token::is_bearer_token(text));
            return self.ask(issuer.ok_or(Refusal::Malformed)?, seen, text).await;
        }
        let token = Token::parse(text)?;
        let claims = token.claims()?;
        let iss = claims.get("iss").and_then(Value::as_str).ok_or(Refusal::Issuer)?;
        let issuer = self.issuers.iter().position(|one| one.trust.issuer == iss).ok_or(Refusal::Issuer)?;
        let believed = &self.issuers[issuer];
        let Validation::Keys(keys) = &believed.validation else { return self.ask(believed, seen, text).await };
        token.algorithm.ok_or(Refusal::Algorithm)?;
        let kid = token.kid.as_deref().ok_or(Refusal::UnknownKey)?;
        key(&**keys, kid).await?.require_signature(&token)?;
        let verified = claims::check(&claims, &believed.trust, now_s)?;
        self.remembered.insert(seen, Remembered { verified: verified.clone(), kid: kid.into(), issuer });
        Ok(verified)
    }

    async fn ask(&self, believed: &Believed, seen: TokenDigest, text: &str) -> Result<Verified, Refusal> {
        let Validation::Introspection { issuer, keep_s } = &believed.validation else { return Err(Refusal::Malformed) };
        let now_s = || self.clock.now().millis().div_euclid(1_000);
        self.asked.verdict(seen, &believed.trust, *keep_s, &now_s, || issuer.introspect(text)).await
    }
}

async fn key(keys: &dyn KeySource, kid: &str) -> Result<VerifyingKey, Refusal> {
    match keys.key(kid).await {
        Ok(key) => key.ok_or(Refusal::UnknownKey),
        Err(error) => {
            // Who looked for them has said why, once.
            tracing::debug!(error = &error as &dyn std::error::Error, "signing keys cannot be reached");
            Err(Refusal::Unavailable)
        }
    }
}
