//! Removing private parts: rows change, and every process is told that what it keeps of them is old.

use async_trait::async_trait;
use eventdesk_app::ports::{PrivateParts, Redaction, StoreError};
use rusqlite::{Connection, OptionalExtension};
use tokio::task::spawn_blocking;

use super::{
    SqliteEventStore,
    fault::Fault,
    row::{StreamKey, integer, private_column},
};
use crate::scrub::empty_log;

const ERASURES: &str = "erasures";

/// How often parts were removed from this file.
pub(super) fn erasures(conn: &Connection) -> rusqlite::Result<i64> {
    let mut count = conn.prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
    Ok(count.query_row([ERASURES], |row| row.get(0)).optional()?.unwrap_or(0))
}

#[async_trait]
impl PrivateParts for SqliteEventStore {
    async fn redact(&self, redactions: Vec<Redaction>) -> Result<(), StoreError> {
        let rows = redactions.into_iter().map(|Redaction { stream, version, private }| {
            let parts = private.iter().map(Option::as_deref);
            Ok((StreamKey(stream), integer(version.get()), private_column(parts)?))
        });
        let rows = rows.collect::<Result<Vec<_>, serde_json::Error>>();
        let rows = rows.map_err(|error| StoreError::Internal(error.into()))?;
        let redacted = self.shared.writer.write(move |group| {
            for row in &rows {
                group
                    .conn
                    .prepare_cached("UPDATE commits SET private = ?3 WHERE stream = ?1 AND version = ?2")?
                    .execute((row.0, row.1, &row.2))?;
            }
            group
                .conn
                .prepare_cached(
                    "INSERT INTO counters (name, value) VALUES (?1, 1)
                     ON CONFLICT (name) DO UPDATE SET value = value + 1",
                )?
                .execute([ERASURES])
        });
        redacted.await?;
        Ok(())
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        let path = self.shared.readers.path().to_owned();
        let scrubbed = spawn_blocking(move || empty_log(&path)).await;
        Ok(scrubbed.map_err(|error| StoreError::Internal(error.into()))?.map_err(Fault::from)?)
    }
}
