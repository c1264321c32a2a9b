//! A server of Open Policy Agent, asked over its Data API.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use eventdesk_app::ports::{Clock, PolicyEngine, PolicyInput, PolicyUnavailable};
use eventdesk_events::Timestamp;
use eventdesk_outbound::{Bounds, Outbound, OutboundError};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

/// Most answers that are remembered; each takes some hundred bytes.
const MOST_REMEMBERED: usize = 10_000;
/// Largest answer that is read, in bytes: what is asked for is one boolean.
const MOST_ANSWER: usize = 64 * 1024;

/// A server could not be set up to be asked.
#[derive(Debug, thiserror::Error)]
pub enum OpaError {
    /// The address is none.
    #[error("not a URL")]
    Url(#[from] url::ParseError),
    /// It must not be called.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

/// How a server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpaOptions {
    /// Where its Data API has the decision.
    pub url: String,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// How long an answer stands for the very same question; zero = it is asked each time.
    pub remember: Duration,
}

/// A policy that a server decides. Connections are kept.
///
/// What it said is remembered for the whole question: who asks with which roles, groups, scopes and token, and for what.
/// So a role that is taken away counts at once, and a policy that changes counts within [`OpaOptions::remember`].
/// Failures are not remembered.
pub struct OpaPolicy {
    url: Url,
    http: Outbound,
    remember: Duration,
    said: Cache<[u8; 32], Said>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Copy)]
struct Said {
    allowed: bool,
    at: Timestamp,
}

#[derive(Serialize)]
struct Asked<'q> {
    input: &'q PolicyInput<'q>,
}

/// `{"result": true}`; the result is missing where the policy is undefined.
#[derive(Deserialize)]
struct Answered {
    result: Option<Value>,
}

impl OpaPolicy {
    /// A policy that this server decides. Calls nobody.
    ///
    /// # Errors
    /// See [`OpaError`]; plain http is for loopback addresses alone.
    pub fn new(options: &OpaOptions, clock: Arc<dyn Clock>) -> Result<Self, OpaError> {
        let url: Url = options.url.parse()?;
        eventdesk_outbound::require_secure(&url)?;
        let bounds = Bounds { connect: options.timeout, total: options.timeout, body: MOST_ANSWER };
        let http = Outbound::new(bounds)?;
        Ok(Self { url, http, remember: options.remember, said: Cache::new(MOST_REMEMBERED), clock })
    }

    /// What it said to the same question a moment ago.
    fn remembered(&self, key: &[u8; 32]) -> Option<bool> {
        let said = self.said.get(key)?;
        let age = self.clock.now().millis().checked_sub(said.at.millis())?;
        // A clock that was set back tells nothing of an answer's age.
        let age = Duration::from_millis(u64::try_from(age).ok()?);
        (age < self.remember).then_some(said.allowed)
    }

    async fn ask(&self, input: &PolicyInput<'_>) -> Result<bool, PolicyUnavailable> {
        let answer = self.http.post_json(&self.url, &Asked { input }).await;
        let answer = answer.map_err(|error| PolicyUnavailable(error.to_string()))?;
        if answer.status != 200 {
            return Err(PolicyUnavailable(format!("it answered {}", answer.status)));
        }
        let answered = serde_json::from_slice::<Answered>(&answer.body);
        let answered = answered.map_err(|_| PolicyUnavailable("its answer is not that of a Data API".to_owned()))?;
        Ok(answered.result == Some(Value::Bool(true)))
    }
}

#[async_trait]
impl PolicyEngine for OpaPolicy {
    async fn allows(&self, input: &PolicyInput<'_>) -> Result<bool, PolicyUnavailable> {
        if self.remember.is_zero() {
            return self.ask(input).await;
        }
        let text = serde_json::to_vec(input).map_err(|error| PolicyUnavailable(error.to_string()))?;
        let key: [u8; 32] = Sha256::digest(&text).into();
        if let Some(allowed) = self.remembered(&key) {
            return Ok(allowed);
        }
        // From when it was asked: the answer may be older than its arrival.
        let at = self.clock.now();
        let allowed = self.ask(input).await?;
        self.said.insert(key, Said { allowed, at });
        Ok(allowed)
    }
}
