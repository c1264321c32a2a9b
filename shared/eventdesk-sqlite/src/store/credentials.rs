//! Password hashes: in the store's file, for they cannot be rebuilt.

use std::sync::Arc;

use async_trait::async_trait;
use eventdesk_app::ports::{Credential, Credentials, CredentialsError};
use eventdesk_events::{Timestamp, UserId};
use rusqlite::OptionalExtension;

use super::Shared;

/// The credentials in a [`SqliteEventStore`](super::SqliteEventStore)'s file; see there.
#[derive(Clone)]
pub struct SqliteCredentials {
    pub(super) shared: Arc<Shared>,
}

#[async_trait]
impl Credentials for SqliteCredentials {
    async fn get(&self, user: UserId) -> Result<Option<Credential>, CredentialsError> {
        let credential = self.shared.readers.read(|conn| {
            conn.prepare_cached("SELECT hash, set_at FROM credentials WHERE user = ?1")?
                .query_row([user.uuid()], |row| {
                    Ok(Credential { hash: row.get(0)?, set_at: Timestamp::from_millis(row.get(1)?) })
                })
                .optional()
        })?;
        Ok(credential)
    }

    async fn create(&self, user: UserId, credential: Credential) -> Result<bool, CredentialsError> {
        let created = self.shared.writer.write(move |group| {
            group
                .conn
                .prepare_cached(
                    "INSERT INTO credentials (user, hash, set_at) VALUES (?1, ?2, ?3) ON CONFLICT (user) DO NOTHING",
                )?
                .execute((user.uuid(), &credential.hash, credential.set_at.millis()))
        });
        Ok(created.await? > 0)
    }

    async fn set(&self, user: UserId, credential: Credential) -> Result<(), CredentialsError> {
        let set = self.shared.writer.write(move |group| {
            group
                .conn
                .prepare_cached(
                    "INSERT INTO credentials (user, hash, set_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (user) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at
                     WHERE excluded.set_at >= set_at",
                )?
                .execute((user.uuid(), &credential.hash, credential.set_at.millis()))
        });
        set.await?;
        Ok(())
    }

    async fn remove(&self, user: UserId) -> Result<(), CredentialsError> {
        let removed = self.shared.writer.write(move |group| {
            group.conn.prepare_cached("DELETE FROM credentials WHERE user = ?1")?.execute([user.uuid()])
        });
        removed.await?;
        Ok(())
    }
}
