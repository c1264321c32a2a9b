//! Signing what the desk says about its users.

use async_trait::async_trait;
use eventdesk_events::{UserId, user::Role};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// The claims of an access token (RFC 7519); times are seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessClaims {
    /// The issuer's URL, exactly as its discovery document names it.
    pub iss: String,
    /// For whom the token is.
    pub aud: String,
    /// The user's or service account's id; never a name, so that a freed name inherits nothing.
    pub sub: UserId,
    /// The service account's id, in its tokens alone (RFC 9068, section 2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<UserId>,
    /// The session that the token belongs to, if it can be refreshed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    /// No longer valid from here on.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// Valid from here on.
    pub nbf: i64,
    /// The token's own id.
    pub jti: Uuid,
    /// Scopes, parted by single spaces.
    pub scope: String,
    /// The user's roles.
    #[serde(serialize_with = "names")]
    pub groups: Vec<Role>,
}

fn names<S: Serializer>(roles: &[Role], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(roles.iter().map(|role| role.as_str()))
}

/// The claims of an access token that was issued here, as they stand in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IssuedClaims {
    /// The issuer.
    pub iss: String,
    /// For whom it is.
    pub aud: String,
    /// Whose it is.
    pub sub: UserId,
    /// The service account, in its tokens alone.
    #[serde(default)]
    pub client_id: Option<UserId>,
    /// The session that it belongs to.
    #[serde(default)]
    pub sid: Option<Uuid>,
    /// When it ends.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// Since when it counts.
    pub nbf: i64,
    /// Its own id.
    pub jti: Uuid,
    /// Its scopes.
    pub scope: String,
    /// The roles at its time.
    pub groups: Vec<String>,
}

/// The keys could not be used.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's keys cannot be used")]
pub struct SigningError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Signs access tokens and publishes the keys to check them with.
#[async_trait]
pub trait TokenIssuer: Send + Sync {
    /// The issuer's URL, the `iss` of its tokens.
    fn issuer(&self) -> &str;

    /// The claims as a signed token in compact form (RFC 7515), whose header names a key of [`TokenIssuer::jwks`].
    ///
    /// Costs about a millisecond of computing; nothing waits.
    ///
    /// # Errors
    /// [`SigningError`].
    async fn sign(&self, claims: &AccessClaims) -> Result<String, SigningError>;

    /// The claims of a token that this issuer has signed with a key that still counts, ended or not; `None` for any
    /// other text.
    ///
    /// # Errors
    /// [`SigningError`].
    async fn read(&self, token: &str) -> Result<Option<IssuedClaims>, SigningError>;

    /// The public keys as a JWK Set (RFC 7517), in JSON; never a private part.
    async fn jwks(&self) -> String;
}
