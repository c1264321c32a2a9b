//! Revoked tokens, known without asking for each request.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use eventdesk_events::Timestamp;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::ports::{Clock, Revocations, RevocationsError};

/// After so long what others have revoked is asked for again.
const ASK_AGAIN_MS: i64 = 1_000;
/// So long nobody is let in on old knowledge while it cannot be asked for.
const TOO_OLD_MS: i64 = 10_000;

/// What is revoked, kept in memory: what this process revokes counts at once, what others do within a second.
pub struct KnownRevocations {
    stored: Arc<dyn Revocations>,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
    /// One asks at a time; the others go on with what is known meanwhile.
    asking: Mutex<()>,
}

#[derive(Default)]
struct Known {
    until: HashMap<Uuid, Timestamp>,
    asked_at_ms: Option<i64>,
}

impl KnownRevocations {
    /// Nothing is known until it is asked for the first time.
    pub fn new(stored: Arc<dyn Revocations>, clock: Arc<dyn Clock>) -> Self {
        Self { stored, clock, known: RwLock::default(), asking: Mutex::default() }
    }

    /// Whether any of these ids is revoked now.
    ///
    /// # Errors
    /// [`RevocationsError`] if that has been unknown for too long.
    pub async fn any(&self, ids: &[Uuid]) -> Result<bool, RevocationsError> {
        let now = self.clock.now();
        self.refresh(now).await?;
        let known = self.known();
        Ok(ids.iter().any(|id| known.until.get(id).is_some_and(|until| *until > now)))
    }

    /// Revokes an id, durably and for this process at once.
    ///
    /// # Errors
    /// [`RevocationsError`].
    pub async fn revoke(&self, id: Uuid, until: Timestamp) -> Result<(), RevocationsError> {
        let now = self.clock.now();
        self.stored.revoke(id, until, now).await?;
        let mut known = self.known_mut();
        let entry = known.until.entry(id).or_insert(until);
        *entry = until.max(*entry);
        Ok(())
    }

    async fn refresh(&self, now: Timestamp) -> Result<(), RevocationsError> {
        let age = |known: &Known| known.asked_at_ms.map(|asked| now.millis() - asked);
        let fresh = |known: &Known| age(known).is_some_and(|age| age < ASK_AGAIN_MS);
        if fresh(&self.known()) {
            return Ok(());
        }
        let usable = age(&self.known()).is_some_and(|age| age < TOO_OLD_MS);
        let _asking = match self.asking.try_lock() {
            Ok(asking) => asking,
            Err(_) if usable => return Ok(()),
            Err(_) => self.asking.lock().await,
        };
        if fresh(&self.known()) {
            return Ok(());
        }
        match self.stored.all(now).await {
            Ok(all) => {
                let mut known = self.known_mut();
                // What was revoked here while the question was on its way is not forgotten.
                known.until.retain(|_, until| *until > now);
                for (id, until) in all {
                    let entry = known.until.entry(id).or_insert(until);
                    *entry = until.max(*entry);
                }
                known.asked_at_ms = Some(now.millis());
                Ok(())
            }
            Err(error) if usable => {
                tracing::warn!(error = &error as &dyn std::error::Error, "revoked tokens cannot be asked for");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}
