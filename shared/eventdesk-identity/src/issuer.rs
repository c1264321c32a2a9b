//! Signing access tokens.

use std::sync::Arc;

use async_trait::async_trait;
use eventdesk_app::ports::{AccessClaims, IssuedClaims, SigningError, TokenIssuer};
use jsonwebtoken::{Algorithm, Header, encode};

use crate::{IssuerKeys, KeySource, authorizer::Token};

/// Signs RS256 tokens with the key whose turn it is.
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

#[async_trait]
impl TokenIssuer for RsaTokenIssuer {
    fn issuer(&self) -> &str {
        &self.url
    }

    async fn sign(&self, claims: &AccessClaims) -> Result<String, SigningError> {
        self.keys.refresh().await;
        let key = self.keys.signing();
        let header = Header { kid: Some(key.jwk.kid.clone()), ..Header::new(Algorithm::RS256) };
        encode(&header, claims, &key.signing).map_err(|error| SigningError(error.into()))
    }

    async fn read(&self, token: &str) -> Result<Option<IssuedClaims>, SigningError> {
        let Ok(token) = Token::parse(token) else { return Ok(None) };
        let Some(kid) = token.kid.as_deref() else { return Ok(None) };
        let key = self.keys.key(kid).await.map_err(|error| SigningError(error.into()))?;
        if !key.is_some_and(|key| key.verifies(&token)) {
            return Ok(None);
        }
        let claims = token.claims().ok().map(serde_json::Value::Object);
        let claims: Option<IssuedClaims> = claims.and_then(|claims| serde_json::from_value(claims).ok());
        Ok(claims.filter(|claims| claims.iss == self.url))
    }

    async fn jwks(&self) -> String {
        self.keys.refresh().await;
        self.keys.jwks()
    }
}
