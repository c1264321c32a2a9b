//! The built-in OIDC issuer's cryptography, and the JWT authorizer that believes it.
//!
//! Nothing here decides who may have a token or what a caller may do: that stands in `eventdesk-app`.

mod authorizer;
mod issuer;
mod keys;
mod passwords;

pub use authorizer::{Authorizer, KeySource, KeySourceError, Refusal, StringClaims, Trust, Verified, VerifyingKey};
pub use issuer::RsaTokenIssuer;
pub use keys::{IssuerKeys, KeysError};
pub use passwords::{Argon2PasswordHasher, HashCost, InvalidCost};
