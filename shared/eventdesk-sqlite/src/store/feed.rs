//! Commits by time.

use async_trait::async_trait;
use eventdesk_app::{
    audit::{Feed, FeedEntry},
    ports::StoreError,
};
use eventdesk_events::{Timestamp, Version};
use rusqlite::{Connection, OptionalExtension};

use super::{SqliteEventStore, row::StreamKey};

/// Positions ascend with the times of appends, but for clocks that were set back and for imported commits: so many
/// positions more are looked at on either side of what a search by time finds.
const SLACK: i64 = 1_000;

#[async_trait]
impl Feed for SqliteEventStore {
    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<FeedEntry>, StoreError> {
        let entries = self.shared.readers.read(|conn| {
            let batch = conn.unchecked_transaction()?;
            let (first, end) = (first_from(&batch, from)?, first_from(&batch, to)?);
            batch
                .prepare_cached(
                    "SELECT at, stream, version FROM commits
                     WHERE position >= ?1 AND position < ?2 AND at >= ?3 AND at < ?4 ORDER BY position",
                )?
                .query_map((first - SLACK, end.saturating_add(SLACK), from.millis(), to.millis()), |row| {
                    Ok(FeedEntry {
                        at: Timestamp::from_millis(row.get(0)?),
                        stream: row.get::<_, StreamKey>(1)?.0,
                        version: Version::new(row.get::<_, i64>(2)?.cast_unsigned()),
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(entries)
    }
}

/// The first position whose commit was made at `time` or later, one beyond the last if there is none: there is no index
/// by time, for every append would pay for it.
fn first_from(conn: &Connection, time: Timestamp) -> rusqlite::Result<i64> {
    let (mut low, mut high): (i64, i64) =
        conn.query_row("SELECT ifnull(min(position), 0), ifnull(max(position), 0) + 1 FROM commits", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let mut at =
        conn.prepare_cached("SELECT position, at FROM commits WHERE position >= ?1 ORDER BY position LIMIT 1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = at.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((position, made)) if position < high && made < time.millis() => low = position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
