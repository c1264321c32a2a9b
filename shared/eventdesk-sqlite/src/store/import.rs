//! What only an import asks: a mark and the highest number, both among the counters.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use eventdesk_app::ports::{ImportStore, StoreError};
use rusqlite::OptionalExtension;

use super::{SqliteEventStore, row::integer};

const MARK: &str = "unfinished_import";

#[async_trait]
impl ImportStore for SqliteEventStore {
    async fn unfinished_import(&self) -> Result<Option<u32>, StoreError> {
        Ok(self.shared.readers.read(|conn| {
            conn.prepare_cached("SELECT value FROM counters WHERE name = ?1")?
                .query_row([MARK], |row| row.get(0))
                .optional()
        })?)
    }

    async fn mark_import(&self, mark: Option<u32>) -> Result<(), StoreError> {
        let marked = self.shared.writer.write(move |group| match mark {
            Some(mark) => group
                .conn
                .prepare_cached(
                    "INSERT INTO counters (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )?
                .execute((MARK, mark)),
            None => group.conn.prepare_cached("DELETE FROM counters WHERE name = ?1")?.execute([MARK]),
        });
        marked.await?;
        Ok(())
    }

    async fn raise_ticket_numbers(&self, used: u64) -> Result<(), StoreError> {
        self.shared.ticket_number.fetch_max(used, Ordering::Relaxed);
        let raised = self.shared.writer.write(move |group| {
            group.ticket_number = group.ticket_number.max(Some(integer(used)));
            Ok(())
        });
        raised.await?;
        Ok(())
    }
}
