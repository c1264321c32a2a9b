//! The JWT authorizer, with the semantics of an API Gateway HTTP API.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use eventdesk_app::ports::Clock;

/// Claims as the service hands them to functions: every value is text.
pub type StringClaims = HashMap<String, String>;

/// Whom an authorizer believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The `iss` of its tokens, exactly.
    pub issuer: String,
    /// A token must be for one of them.
    pub audiences: Vec<String>,
}

/// A public key to check signatures with.
#[derive(Clone)]
pub struct VerifyingKey(Arc<jsonwebtoken::DecodingKey>);

/// The keys could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("signing keys unavailable")]
pub struct KeySourceError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Where an issuer's public keys come from.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The key with this id, if the issuer has it now.
    ///
    /// # Errors
    /// [`KeySourceError`].
    async fn key(&self, kid: &str) -> Result<Option<VerifyingKey>, KeySourceError>;
}

/// A token that was checked.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Its claims.
    pub claims: Arc<StringClaims>,
    /// Its scopes, from `scope` or `scp`.
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

/// Why a request gets no further (RFC 6750, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No token at all: the challenge carries no error.
    #[error("no token")]
    Missing,
    /// The token is not in order.
    #[error("invalid token")]
    Invalid,
    /// The token has none of the route's scopes.
    #[error("insufficient scope")]
    InsufficientScope,
    /// The keys cannot be reached.
    #[error("signing keys unavailable")]
    Unavailable,
}

impl Refusal {
    /// The error code of RFC 6750, section 3.1; none for a missing token.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Missing | Self::Unavailable => None,
            Self::Invalid => Some("invalid_token"),
            Self::InsufficientScope => Some("insufficient_scope"),
        }
    }

    /// What to tell the client: nothing of the inside.
    pub const fn description(self) -> &'static str {
        "not yet"
    }
}

/// Checks bearer tokens.
pub struct Authorizer {}

impl Authorizer {
    /// An authorizer that believes one issuer.
    pub fn new(trust: Trust, keys: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        let _ = (trust, keys, clock);
        Self {}
    }

    /// Checks the value of an `Authorization` header, and that its token has any one of `scopes`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn authorize(&self, authorization: Option<&str>, scopes: &[&str]) -> Result<Verified, Refusal> {
        let _ = (authorization, scopes);
        Err(Refusal::Missing)
    }
}
