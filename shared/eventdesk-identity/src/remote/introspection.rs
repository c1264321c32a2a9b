//! Asking the issuer about a token (RFC 7662).

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use eventdesk_outbound::Outbound;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use url::Url;

use super::{Discovery, RemoteError, pace::Pacing};
use crate::{Introspect, IntrospectError};

/// Most questions on their way at once.
const MOST_ASKED: usize = 64;

/// As whom the desk asks.
#[derive(Clone)]
pub struct IntrospectionClient {
    /// The client id.
    pub id: String,
    /// Its secret; sent to the issuer alone, in the header (`client_secret_basic`).
    pub secret: String,
}

impl std::fmt::Debug for IntrospectionClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IntrospectionClient").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The introspection endpoint of an issuer elsewhere.
pub struct RemoteIntrospection {
    discovery: Arc<Discovery>,
    endpoint: Option<Url>,
    client: IntrospectionClient,
    asking: Semaphore,
    pacing: Mutex<Pacing>,
}

impl RemoteIntrospection {
    /// The endpoint that is given, else the one of the issuer's description.
    pub fn new(discovery: Arc<Discovery>, endpoint: Option<Url>, client: IntrospectionClient) -> Self {
        let (asking, pacing) = (Semaphore::new(MOST_ASKED), Mutex::new(Pacing::new()));
        Self { discovery, endpoint, client, asking, pacing }
    }

    fn pacing(&self) -> std::sync::MutexGuard<'_, Pacing> {
        self.pacing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, token: &str) -> Result<Option<Map<String, Value>>, RemoteError> {
        let endpoint = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => self.discovery.metadata().await?.introspection()?,
        };
        let http: &Outbound = self.discovery.http();
        let fields = [("token", token), ("token_type_hint", "access_token")];
        let answer = http.post_form(&endpoint, (&self.client.id, &self.client.secret), &fields).await?;
        if answer.status != 200 {
            return Err(RemoteError::Status(answer.status));
        }
        let malformed = || RemoteError::Malformed("what it knows of a token");
        let mut claims: Map<String, Value> = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
        match claims.remove("active") {
            Some(Value::Bool(active)) => Ok(active.then_some(claims)),
            _ => Err(malformed()),
        }
    }
}

#[async_trait]
impl Introspect for RemoteIntrospection {
    async fn introspect(&self, token: &str) -> Result<Option<Map<String, Value>>, IntrospectError> {
        let not_yet = || IntrospectError(RemoteError::NotYet.into());
        if self.pacing().rests(self.discovery.now_ms()) {
            return Err(not_yet());
        }
        // Who comes when all are busy is told to come again, instead of waiting in a row that grows.
        let _asking = self.asking.try_acquire().map_err(|_| not_yet())?;
        let answer = self.ask(token).await;
        match answer {
            Ok(answer) => {
                self.pacing().succeeded();
                Ok(answer)
            }
            Err(error) => {
                // What one token alone is answered must not keep all others waiting.
                if error.is_outage() {
                    self.pacing().failed(self.discovery.now_ms());
                }
                let (issuer, cause) = (self.discovery.issuer(), &error as &dyn std::error::Error);
                tracing::warn!(issuer, error = cause, "an issuer does not say whether a token is active");
                Err(IntrospectError(error.into()))
            }
        }
    }
}
