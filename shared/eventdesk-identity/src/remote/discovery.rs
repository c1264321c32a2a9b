//! The issuer's description of itself (OpenID Connect Discovery 1.0).

use std::sync::Arc;

use eventdesk_app::ports::Clock;
use eventdesk_outbound::{Outbound, require_secure};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::RemoteError;

const DOCUMENT: &str = "/.well-known/openid-configuration";
/// After this long it is read anew when it is needed.
const KEPT_MS: i64 = 3_600_000;

/// Where an issuer's parts are; read when first needed, and kept for an hour.
pub struct Discovery {
    issuer: String,
    http: Outbound,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<(i64, Arc<Metadata>)>>,
}

/// What of the document is looked at.
#[derive(Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    jwks_uri: Option<String>,
    introspection_endpoint: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// Where people log in at an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginMetadata {
    /// Where they go.
    pub authorization: Url,
    /// Where a code becomes a token.
    pub token: Url,
    /// Which scopes there are, if that is told.
    pub scopes: Vec<String>,
}

impl Discovery {
    /// The description of this issuer, the `iss` of its tokens.
    pub fn new(issuer: impl Into<String>, http: Outbound, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { issuer: issuer.into(), http, clock, known: Mutex::new(None) })
    }

    /// Where people log in.
    ///
    /// # Errors
    /// See [`RemoteError`]; also where an address is neither https nor on loopback.
    pub async fn login(&self) -> Result<LoginMetadata, RemoteError> {
        let metadata = self.metadata().await?;
        Ok(LoginMetadata {
            authorization: address(metadata.authorization_endpoint.as_deref(), "authorization_endpoint")?,
            token: address(metadata.token_endpoint.as_deref(), "token_endpoint")?,
            scopes: metadata.scopes_supported.clone(),
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn http(&self) -> &Outbound {
        &self.http
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now().millis()
    }

    /// Who asks meanwhile waits for the one answer.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, RemoteError> {
        let mut known = self.known.lock().await;
        let now_ms = self.now_ms();
        match &*known {
            Some((read_at_ms, metadata)) if (0..KEPT_MS).contains(&(now_ms - read_at_ms)) => Ok(Arc::clone(metadata)),
            _ => {
                let metadata = Arc::new(self.read().await?);
                *known = Some((now_ms, Arc::clone(&metadata)));
                Ok(metadata)
            }
        }
    }

    /// What is known led nowhere: it is read anew the next time.
    pub(super) async fn forget(&self) {
        *self.known.lock().await = None;
    }

    async fn read(&self) -> Result<Metadata, RemoteError> {
        let url = format!("{}{DOCUMENT}", self.issuer.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| RemoteError::Malformed("a URL"))?;
        let answer = self.http.get(&url).await?;
        if answer.status != 200 {
            return Err(RemoteError::Status(answer.status));
        }
        let metadata: Metadata =
            serde_json::from_slice(&answer.body).map_err(|_| RemoteError::Malformed("a discovery document"))?;
        // Section 4.3: else one issuer could hand out another's keys as its own.
        if metadata.issuer == self.issuer { Ok(metadata) } else { Err(RemoteError::OtherIssuer) }
    }
}

impl Metadata {
    pub(super) fn keys(&self) -> Result<Url, RemoteError> {
        address(self.jwks_uri.as_deref(), "jwks_uri")
    }

    pub(super) fn introspection(&self) -> Result<Url, RemoteError> {
        address(self.introspection_endpoint.as_deref(), "introspection_endpoint")
    }
}

fn address(text: Option<&str>, name: &'static str) -> Result<Url, RemoteError> {
    let url = text.and_then(|text| Url::parse(text).ok()).ok_or(RemoteError::Lacks(name))?;
    require_secure(&url)?;
    Ok(url)
}
