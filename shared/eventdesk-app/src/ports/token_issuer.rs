//! Signing what the desk says about its users.

use eventdesk_events::{UserId, user::Role};
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The claims of an access token (RFC 7519); times are seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessClaims {
    /// The issuer's URL, exactly as its discovery document names it.
    pub iss: String,
    /// For whom the token is.
    pub aud: String,
    /// The user's id; never a name, so that a freed name inherits nothing.
    pub sub: UserId,
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

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("token could not be signed")]
pub struct SigningError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Signs access tokens and publishes the keys to check them with.
pub trait TokenIssuer: Send + Sync {
    /// The issuer's URL, the `iss` of its tokens.
    fn issuer(&self) -> &str;

    /// The claims as a signed token in compact form (RFC 7515), whose header names a key of [`TokenIssuer::jwks`].
    ///
    /// Costs about a millisecond of computing; nothing waits.
    ///
    /// # Errors
    /// [`SigningError`].
    fn sign(&self, claims: &AccessClaims) -> Result<String, SigningError>;

    /// The public keys as a JWK Set (RFC 7517), in JSON; never a private part.
    fn jwks(&self) -> String;
}
