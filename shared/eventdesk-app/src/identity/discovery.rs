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
    /// Where the public keys are.
    pub jwks_uri: String,
    /// All scopes there are.
    pub scopes_supported: Vec<&'static str>,
    /// None: there is no authorization endpoint.
    pub response_types_supported: [&'static str; 0],
    /// The grants of the token endpoint.
    pub grant_types_supported: [&'static str; 1],
    /// Clients need not prove who they are.
    pub token_endpoint_auth_methods_supported: [&'static str; 1],
    /// Every client sees the same subjects.
    pub subject_types_supported: [&'static str; 1],
    /// With which tokens are signed.
    pub id_token_signing_alg_values_supported: [&'static str; 1],
    /// What stands in a token.
    pub claims_supported: [&'static str; 9],
}

impl Discovery {
    pub(super) fn of(issuer: &str) -> Self {
        let base = issuer.trim_end_matches('/');
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: format!("{base}/api/v1/token"),
            jwks_uri: format!("{base}/.well-known/jwks.json"),
            scopes_supported: Scope::ALL.iter().map(|scope| scope.as_str()).collect(),
            response_types_supported: [],
            grant_types_supported: ["password"],
            token_endpoint_auth_methods_supported: ["none"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
            claims_supported: ["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "scope", "groups"],
        }
    }
}
