//! Sessions and revoked tokens in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use eventdesk_app::{
    Digest,
    ports::{Revocations, RevocationsError, Session, Sessions, SessionsError},
};
use eventdesk_events::{Timestamp, UserId};
use uuid::Uuid;

/// Sessions that are forgotten when dropped.
#[derive(Default)]
pub struct MemorySessions {
    by_id: Mutex<BTreeMap<(UserId, Uuid), Session>>,
}

impl MemorySessions {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn by_id(&self) -> MutexGuard<'_, BTreeMap<(UserId, Uuid), Session>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Sessions for MemorySessions {
    async fn begin(&self, session: Session) -> Result<(), SessionsError> {
        self.by_id().insert((session.user, session.id), session);
        Ok(())
    }

    async fn get(&self, user: UserId, id: Uuid) -> Result<Option<Session>, SessionsError> {
        Ok(self.by_id().get(&(user, id)).cloned())
    }

    async fn rotate(
        &self,
        user: UserId,
        id: Uuid,
        from: Digest,
        to: Digest,
        at: Timestamp,
    ) -> Result<bool, SessionsError> {
        let mut by_id = self.by_id();
        let Some(session) = by_id.get_mut(&(user, id)).filter(|session| session.current == from) else {
            return Ok(false);
        };
        (session.current, session.previous, session.rotated_at) = (to, Some(from), at);
        Ok(true)
    }

    async fn end(&self, user: UserId, id: Uuid) -> Result<(), SessionsError> {
        self.by_id().remove(&(user, id));
        Ok(())
    }

    async fn of(&self, user: UserId) -> Result<Vec<Uuid>, SessionsError> {
        Ok(self.by_id().keys().filter(|(of, _)| *of == user).map(|(_, id)| *id).collect())
    }

    async fn end_others(&self, user: UserId, kept: Option<(Uuid, Timestamp)>) -> Result<Vec<Uuid>, SessionsError> {
        let mut ended = Vec::new();
        self.by_id().retain(|(of, id), session| match kept {
            _ if *of != user => true,
            Some((kept, password_set_at)) if kept == *id => {
                session.password_set_at = password_set_at;
                true
            }
            _ => {
                ended.push(*id);
                false
            }
        });
        Ok(ended)
    }
}

/// Revocations that are forgotten when dropped.
#[derive(Default)]
pub struct MemoryRevocations {
    until: Mutex<BTreeMap<Uuid, Timestamp>>,
}

impl MemoryRevocations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn until(&self) -> MutexGuard<'_, BTreeMap<Uuid, Timestamp>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Revocations for MemoryRevocations {
    async fn revoke(&self, id: Uuid, until: Timestamp, now: Timestamp) -> Result<(), RevocationsError> {
        let mut all = self.until();
        all.retain(|_, until| *until > now);
        let entry = all.entry(id).or_insert(until);
        *entry = until.max(*entry);
        Ok(())
    }

    async fn all(&self, now: Timestamp) -> Result<Vec<(Uuid, Timestamp)>, RevocationsError> {
        Ok(self.until().iter().map(|(id, until)| (*id, *until)).filter(|(_, until)| *until > now).collect())
    }
}
