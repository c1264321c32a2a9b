//! The keys of an issuer elsewhere, kept here.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::Mutex, time::timeout};

use super::{
    Discovery, RemoteError, jwks,
    pace::{Pace, Pacing},
};
use crate::{KeySource, KeySourceError, VerifyingKey};

/// For this long keys are used without a thought.
const FRESH_MS: i64 = 10 * 60_000;
/// For this long they are used while newer ones cannot be had.
const USABLE_MS: i64 = 24 * 3_600_000;
/// How long one look for keys may take, the discovery document with it.
const PATIENCE: Duration = Duration::from_secs(8);

/// The keys of an issuer elsewhere.
///
/// A request costs no call: keys are read when the first is needed, again every ten minutes beside the requests that
/// use them, and when a token names one that is not among them (three times at once, then every 20 seconds). While the
/// issuer is down the ones that are known go on for a day.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Inner>);

struct Inner {
    discovery: Arc<Discovery>,
    held: RwLock<Arc<Held>>,
    /// Locked by who looks for keys; all others wait for what they find.
    pacing: Mutex<Pacing>,
}

#[derive(Default)]
struct Held {
    keys: HashMap<String, VerifyingKey>,
    read_at_ms: i64,
    /// 1, 2, …: how often keys were read; 0 = never.
    generation: u64,
}

impl RemoteKeys {
    /// The keys that this description leads to; none is read yet.
    pub fn new(discovery: Arc<Discovery>) -> Self {
        let (held, pacing) = (RwLock::default(), Mutex::new(Pacing::new()));
        Self(Arc::new(Inner { discovery, held, pacing }))
    }

    /// Reads the keys, so that the first request does not wait for them. What goes wrong is logged and tried again
    /// when a request needs it.
    pub async fn warm(&self) {
        let _ = self.0.renew(0).await;
    }
}

#[async_trait]
impl KeySource for RemoteKeys {
    async fn key(&self, kid: &str) -> Result<Option<VerifyingKey>, KeySourceError> {
        let held = self.0.held();
        let age_ms = self.0.discovery.now_ms().saturating_sub(held.read_at_ms);
        let usable = held.generation > 0 && age_ms < USABLE_MS;
        if usable && let Some(key) = held.keys.get(kid) {
            if age_ms >= FRESH_MS {
                self.0.renew_beside();
            }
            return Ok(Some(key.clone()));
        }
        self.0.renew(held.generation).await.map_err(|error| KeySourceError(error.into()))?;
        Ok(self.0.held().keys.get(kid).cloned())
    }
}

impl Inner {
    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn renew_beside(self: &Arc<Self>) {
        let inner = Arc::clone(self);
        if inner.pacing.try_lock().is_ok_and(|pacing| !pacing.rests(inner.discovery.now_ms())) {
            let generation = inner.held().generation;
            tokio::spawn(async move { inner.renew(generation).await });
        }
    }

    /// Reads the keys, unless somebody has since `seen` or they were read often enough of late.
    async fn renew(&self, seen: u64) -> Result<(), RemoteError> {
        let mut pacing = self.pacing.lock().await;
        let held = self.held();
        if held.generation != seen {
            return Ok(());
        }
        match pacing.take(self.discovery.now_ms()) {
            Pace::Go => {}
            Pace::Enough => return Ok(()),
            Pace::Resting => return Err(RemoteError::NotYet),
        }
        let found = timeout(PATIENCE, self.read()).await.unwrap_or(Err(RemoteError::TooSlow));
        let now_ms = self.discovery.now_ms();
        match found {
            Ok(keys) => {
                pacing.succeeded();
                let held = Held { keys, read_at_ms: now_ms, generation: held.generation + 1 };
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(held);
                Ok(())
            }
            Err(error) => {
                pacing.failed(now_ms);
                self.discovery.forget().await;
                let (issuer, cause) = (self.discovery.issuer(), &error as &dyn std::error::Error);
                tracing::warn!(issuer, error = cause, "an issuer's keys cannot be read");
                Err(error)
            }
        }
    }

    async fn read(&self) -> Result<HashMap<String, VerifyingKey>, RemoteError> {
        let url = self.discovery.metadata().await?.keys()?;
        let answer = self.discovery.http().get(&url).await?;
        if answer.status != 200 {
            return Err(RemoteError::Status(answer.status));
        }
        jwks::usable(&answer.body)
    }
}
