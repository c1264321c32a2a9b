//! The built-in OIDC issuer's cryptography, and the authorizer that believes it and issuers elsewhere.
//!
//! Nothing here decides who may have a token or what a caller may do: that stands in `eventdesk-app`.

mod authorizer;
mod issuer;
mod keys;
mod passwords;
mod remote;

pub use authorizer::{
    Authorizer, Introspect, IntrospectError, KeySource, KeySourceError, Refusal, StringClaims, Trust, Validation,
    Verified, VerifyingKey,
};
pub use issuer::RsaTokenIssuer;
pub use keys::{IssuerKeys, KeyPhase, KeyPlace, KeyStatus, KeyTimes, KeysError};
pub use passwords::{Argon2PasswordHasher, HashCost, InvalidCost};
pub use remote::{Discovery, IntrospectionClient, LoginMetadata, RemoteError, RemoteIntrospection, RemoteKeys};
