//! Stand-ins for ports that a test does not look at.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use eventdesk_app::{
    Digest,
    ports::{CredentialsError, Ids, PasswordHasher, Session, Sessions, SessionsError},
};
use eventdesk_events::{Timestamp, UserId};
use uuid::Uuid;

/// Ids of the form UUIDv7 whose times are one millisecond apart; all other randomness is zeros.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn next(&self) -> Uuid {
        let millis = u128::from(0x0190_0000_0000 + self.0.fetch_add(1, Ordering::Relaxed));
        Uuid::from_u128((millis << 80) | (7 << 76) | (2 << 62))
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Nobody has a password: each is stored as the same text, as long as a hash is, and none is ever right.
#[derive(Debug, Clone, Copy)]
pub struct NoPasswords;

#[async_trait]
impl PasswordHasher for NoPasswords {
    async fn hash(&self, _: &str) -> Result<String, CredentialsError> {
        Ok(format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", "s".repeat(22), "h".repeat(43)))
    }

    async fn verify(&self, _: &str, _: Option<&str>) -> Result<bool, CredentialsError> {
        Ok(false)
    }
}

/// Nobody has logged in.
#[derive(Debug, Clone, Copy)]
pub struct NoSessions;

#[async_trait]
impl Sessions for NoSessions {
    async fn begin(&self, _: Session) -> Result<(), SessionsError> {
        Ok(())
    }

    async fn get(&self, _: UserId, _: Uuid) -> Result<Option<Session>, SessionsError> {
        Ok(None)
    }

    async fn rotate(&self, _: UserId, _: Uuid, _: Digest, _: Digest, _: Timestamp) -> Result<bool, SessionsError> {
        Ok(false)
    }

    async fn end(&self, _: UserId, _: Uuid) -> Result<(), SessionsError> {
        Ok(())
    }

    async fn of(&self, _: UserId) -> Result<Vec<Uuid>, SessionsError> {
        Ok(Vec::new())
    }

    async fn end_others(&self, _: UserId, _: Option<(Uuid, Timestamp)>) -> Result<Vec<Uuid>, SessionsError> {
        Ok(Vec::new())
    }
}
