//! Signing access tokens.

use std::sync::Arc;

use eventdesk_app::ports::{AccessClaims, SigningError, TokenIssuer};
use jsonwebtoken::{Algorithm, Header, encode};

use crate::IssuerKeys;

/// Signs RS256 tokens with the newest of the issuer's keys.
pub struct RsaTokenIssuer {
    url: String,
    keys: Arc<IssuerKeys>,
}

impl RsaTokenIssuer {
    /// An issuer named by `url`, as it stands in tokens and in the discovery document.
    pub fn new(url: impl Into<String>, keys: Arc<IssuerKeys>) -> Self {
        Self { url: url.into(), keys }
    }
}

impl TokenIssuer for RsaTokenIssuer {
    fn issuer(&self) -> &str {
        &self.url
    }

    fn sign(&self, claims: &AccessClaims) -> Result<String, SigningError> {
        let signing = self.keys.signing();
        let header = Header { kid: Some(signing.kid.clone()), ..Header::new(Algorithm::RS256) };
        encode(&header, claims, &signing.key).map_err(|error| SigningError(error.into()))
    }

    fn jwks(&self) -> String {
        self.keys.jwks()
    }
}
