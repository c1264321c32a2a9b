//! Sessions and revoked tokens: in the store's file, for they cannot be rebuilt.

use std::sync::Arc;

use async_trait::async_trait;
use eventdesk_app::{
    Digest,
    ports::{Revocations, RevocationsError, Session, Sessions, SessionsError},
};
use eventdesk_events::{Timestamp, UserId};
use rusqlite::{OptionalExtension, Row};
use uuid::Uuid;

use super::{Fault, Shared};

/// How many that are over go with each new one: two would do, so that they never become more.
const SWEPT: i64 = 8;

/// The sessions in a [`SqliteEventStore`](super::SqliteEventStore)'s file; see there.
#[derive(Clone)]
pub struct SqliteSessions {
    pub(super) shared: Arc<Shared>,
}

/// The revocations in a [`SqliteEventStore`](super::SqliteEventStore)'s file; see there.
#[derive(Clone)]
pub struct SqliteRevocations {
    pub(super) shared: Arc<Shared>,
}

const COLUMNS: &str = "id, user, current, previous, rotated_at, expires_at, password_set_at, scope";

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let time = |column| row.get(column).map(Timestamp::from_millis);
    Ok(Session {
        id: row.get(0)?,
        user: UserId::from_uuid(row.get(1)?),
        current: Digest(row.get(2)?),
        previous: row.get::<_, Option<[u8; 16]>>(3)?.map(Digest),
        rotated_at: time(4)?,
        expires_at: time(5)?,
        password_set_at: time(6)?,
        scope: row.get(7)?,
    })
}

impl From<Fault> for SessionsError {
    fn from(fault: Fault) -> Self {
        Self(Box::new(fault))
    }
}

impl From<Fault> for RevocationsError {
    fn from(fault: Fault) -> Self {
        Self(Box::new(fault))
    }
}

#[async_trait]
impl Sessions for SqliteSessions {
    async fn begin(&self, session: Session) -> Result<(), SessionsError> {
        let begun = self.shared.writer.write(move |group| {
            group
                .conn
                .prepare_cached(
                    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ?1 LIMIT ?2)",
                )?
                .execute((session.rotated_at.millis(), SWEPT))?;
            group
                .conn
                .prepare_cached(&format!("INSERT INTO sessions ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))?
                .execute((
                    session.id,
                    session.user.uuid(),
                    session.current.0,
                    session.previous.map(|previous| previous.0),
                    session.rotated_at.millis(),
                    session.expires_at.millis(),
                    session.password_set_at.millis(),
                    &session.scope,
                ))
        });
        begun.await?;
        Ok(())
    }

    async fn get(&self, user: UserId, id: Uuid) -> Result<Option<Session>, SessionsError> {
        Ok(self.shared.readers.read(|conn| {
            conn.prepare_cached(&format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1 AND user = ?2"))?
                .query_row((id, user.uuid()), session)
                .optional()
        })?)
    }

    async fn rotate(
        &self,
        user: UserId,
        id: Uuid,
        from: Digest,
        to: Digest,
        at: Timestamp,
    ) -> Result<bool, SessionsError> {
        let rotated = self.shared.writer.write(move |group| {
            group
                .conn
                .prepare_cached(
                    "UPDATE sessions SET previous = current, current = ?4, rotated_at = ?5
                     WHERE id = ?1 AND user = ?2 AND current = ?3",
                )?
                .execute((id, user.uuid(), from.0, to.0, at.millis()))
        });
        Ok(rotated.await? > 0)
    }

    async fn end(&self, user: UserId, id: Uuid) -> Result<(), SessionsError> {
        let ended = self.shared.writer.write(move |group| {
            group.conn.prepare_cached("DELETE FROM sessions WHERE id = ?1 AND user = ?2")?.execute((id, user.uuid()))
        });
        ended.await?;
        Ok(())
    }

    async fn of(&self, user: UserId) -> Result<Vec<Uuid>, SessionsError> {
        Ok(self.shared.readers.read(|conn| {
            let mut select = conn.prepare_cached("SELECT id FROM sessions WHERE user = ?1")?;
            let ids = select.query_map([user.uuid()], |row| row.get(0))?;
            ids.collect::<rusqlite::Result<Vec<_>>>()
        })?)
    }

    async fn end_others(&self, user: UserId, kept: Option<(Uuid, Timestamp)>) -> Result<Vec<Uuid>, SessionsError> {
        let ended = self.shared.writer.write(move |group| {
            let (id, password_set_at) = kept.unzip();
            if let Some(password_set_at) = password_set_at {
                group
                    .conn
                    .prepare_cached("UPDATE sessions SET password_set_at = ?3 WHERE id = ?1 AND user = ?2")?
                    .execute((id, user.uuid(), password_set_at.millis()))?;
            }
            let mut delete =
                group.conn.prepare_cached("DELETE FROM sessions WHERE user = ?1 AND id IS NOT ?2 RETURNING id")?;
            let ended = delete.query_map((user.uuid(), id), |row| row.get::<_, Uuid>(0))?;
            ended.collect::<rusqlite::Result<Vec<_>>>()
        });
        Ok(ended.await?)
    }
}

#[async_trait]
impl Revocations for SqliteRevocations {
    async fn revoke(&self, id: Uuid, until: Timestamp, now: Timestamp) -> Result<(), RevocationsError> {
        let revoked = self.shared.writer.write(move |group| {
            group
                .conn
                .prepare_cached(
                    "DELETE FROM revoked_tokens
                     WHERE id IN (SELECT id FROM revoked_tokens WHERE until <= ?1 LIMIT ?2)",
                )?
                .execute((now.millis(), SWEPT))?;
            group
                .conn
                .prepare_cached(
                    "INSERT INTO revoked_tokens (id, until) VALUES (?1, ?2)
                     ON CONFLICT (id) DO UPDATE SET until = max(until, excluded.until)",
                )?
                .execute((id, until.millis()))
        });
        revoked.await?;
        Ok(())
    }

    async fn all(&self, now: Timestamp) -> Result<Vec<(Uuid, Timestamp)>, RevocationsError> {
        Ok(self.shared.readers.read(|conn| {
            let mut select = conn.prepare_cached("SELECT id, until FROM revoked_tokens WHERE until > ?1")?;
            let rows =
                select.query_map([now.millis()], |row| Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?))))?;
            rows.collect()
        })?)
    }
}
