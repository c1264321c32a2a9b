//! The JWT authorizer, with the semantics of an API Gateway HTTP API.
//!
//! It believes RSA signatures of one issuer's present keys and nothing else: no other algorithm, no key that a token
//! brings along, no token without an end. What it checks of the claims is what the service checks.

mod claims;
mod refusal;
mod token;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use aws_lc_rs::digest;
use eventdesk_app::ports::Clock;
use jsonwebtoken::DecodingKey;
use quick_cache::sync::Cache;

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
}

/// A public RSA key to check signatures with.
#[derive(Clone)]
pub struct VerifyingKey(Arc<DecodingKey>);

impl VerifyingKey {
    pub(crate) fn new(key: DecodingKey) -> Self {
        Self(Arc::new(key))
    }

    pub(crate) fn verifies(&self, token: &Token<'_>) -> bool {
        jsonwebtoken::crypto::verify(token.signature, token.message, &self.0, token.algorithm).unwrap_or(false)
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
}

/// Checks bearer tokens of one issuer.
pub struct Authorizer {
    trust: Trust,
    keys: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    remembered: Cache<TokenDigest, Remembered>,
}

impl Authorizer {
    /// An authorizer that believes one issuer.
    pub fn new(trust: Trust, keys: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { trust, keys, clock, remembered: Cache::new(REMEMBERED_TOKENS) }
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
        if let Some(Remembered { verified, kid }) = self.remembered.get(&seen) {
            if now_s >= verified.expires_at {
                self.remembered.remove(&seen);
                return Err(Refusal::Expired);
            }
            // A key that was withdrawn takes its tokens with it.
            self.key(&kid).await?;
            return Ok(verified);
        }
        let token = Token::parse(text)?;
        if !self.key(&token.kid).await?.verifies(&token) {
            return Err(Refusal::Signature);
        }
        let verified = claims::check(&token.claims()?, &self.trust, now_s)?;
        self.remembered.insert(seen, Remembered { verified: verified.clone(), kid: token.kid.into() });
        Ok(verified)
    }

    async fn key(&self, kid: &str) -> Result<VerifyingKey, Refusal> {
        match self.keys.key(kid).await {
            Ok(key) => key.ok_or(Refusal::UnknownKey),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "signing keys cannot be reached");
                Err(Refusal::Unavailable)
            }
        }
    }
}
