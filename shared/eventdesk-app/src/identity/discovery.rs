//! The issuer's own description.

use serde::Serialize;

use super::Scope;

/// OpenID Provider Metadata, the members that are true of the built-in issuer. JSON member names are those of
/// OpenID Connect Discovery 1.0, section 3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discovery {
    /// The issuer's URL, exactly as in tokens.
    pub issuer: String,
    /// Where tokens come from.
    pub token_endpoint: String,
    /// Where tokens are taken back (RFC 8414).
    pub revocation_endpoint: String,
    /// Where service accounts ask what a token is worth (RFC 8414).
    pub introspection_endpoint: String,
    /// Where the public keys are.
    pub jwks_uri: String,
    /// All scopes there are.
    pub scopes_supported: Vec<&'static str>,
    /// None: there is no authorization endpoint.
    pub response_types_supported: [&'static str; 0],
    /// The grants of the token endpoint.
    pub grant_types_supported: [&'static str; 3],
    /// Service accounts prove who they are; nobody else needs to.
    pub token_endpoint_auth_methods_supported: [&'static str; 3],
    /// How service accounts do.
    pub introspection_endpoint_auth_methods_supported: [&'static str; 2],
    /// Every client sees the same subjects.
    pub subject_types_supported: [&'static str; 1],
    /// With which tokens are signed.
    pub id_token_signing_alg_values_supported: [&'static str; 1],
    /// What stands in a token.
    pub claims_supported: [&'static str; 11],
}

impl Discovery {
    pub(super) fn of(issuer: &str) -> Self {
        let base = issuer.trim_end_matches('/');
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: format!("{base}/api/v1/token"),
            revocation_endpoint: format!("{base}/api/v1/token/revoke"),
            introspection_endpoint: format!("{base}/api/v1/token/introspect"),
            jwks_uri: format!("{base}/.well-known/jwks.json"),
            scopes_supported: Scope::ALL.iter().map(|scope| scope.as_str()).collect(),
            response_types_supported: [],
            grant_types_supported: ["password", "refresh_token", "client_credentials"],
            token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
            introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
            claims_supported: ["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "scope", "groups", "sid", "client_id"],
        }
    }
}
