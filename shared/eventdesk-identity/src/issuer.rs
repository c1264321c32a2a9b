//! Signing access tokens.

use std::sync::Arc;

use eventdesk_app::ports::{AccessClaims, SigningError, TokenIssuer};

use crate::FileIssuerKeys;

/// Signs RS256 tokens with the newest of the issuer's keys.
pub struct RsaTokenIssuer {
    url: String,
}

impl RsaTokenIssuer {
    /// An issuer named by `url`, as it stands in tokens and in the discovery document.
    pub fn new(url: impl Into<String>, keys: Arc<FileIssuerKeys>) -> Self {
        let _ = keys;
        Self { url: url.into() }
    }
}

impl TokenIssuer for RsaTokenIssuer {
    fn issuer(&self) -> &str {
        &self.url
    }
    fn sign(&self, _claims: &AccessClaims) -> Result<String, SigningError> {
        Err(SigningError("not yet".into()))
    }
    fn jwks(&self) -> String {
        String::new()
    }
}
