//! The whole store in the order of its streams' keys, in ranges that can be read side by side.

use std::{fmt::Write, sync::Arc};

use async_trait::async_trait;
use eventdesk_app::ports::{Category, CommitScan, Extent, Position, ScanPage, ScannedCommit, Segment, StoreError};
use eventdesk_events::{StreamId, Version};
use rusqlite::{Connection, OptionalExtension, Row};
use tokio::task::spawn_blocking;

use super::{
    SqliteEventStore,
    fault::Fault,
    row::{self, COLUMNS, EVENT_COLUMNS, StreamKey, integer, limit},
};

/// So many places of the log are looked at to find streams that cut a category into parts of the same size.
const SAMPLES: i64 = 4096;

/// A text that no segment or place of this store has.
#[derive(Debug, thiserror::Error)]
#[error("no part of this store")]
struct Unknown;

/// The keys from the first to before the second, in hexadecimal digits, a hyphen between.
fn part(from: &[u8], before: &[u8]) -> String {
    let mut text = String::with_capacity(2 * (from.len() + before.len()) + 1);
    for (index, key) in [from, before].into_iter().enumerate() {
        if index > 0 {
            text.push('-');
        }
        for byte in key {
            write!(text, "{byte:02x}").expect("a string takes text");
        }
    }
    text
}

fn key(text: &str) -> Result<Vec<u8>, StoreError> {
    let digits = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(digits).collect();
    bytes.ok_or_else(|| StoreError::Internal(Unknown.into()))
}

fn range(segment: &Segment) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    let (from, before) = segment.part.split_once('-').ok_or_else(|| StoreError::Internal(Unknown.into()))?;
    Ok((key(from)?, key(before)?))
}

#[async_trait]
impl CommitScan for SqliteEventStore {
    async fn segments(&self, category: Category, wanted: usize) -> Result<Vec<Segment>, StoreError> {
        let (first, end) = row::keys(category);
        let cuts = self.aside(move |conn| cuts(conn, &first, &end, wanted)).await?;
        let parts = cuts.windows(2).map(|cut| Segment { category, part: part(&cut[0], &cut[1]) });
        Ok(parts.collect())
    }

    async fn scan(
        &self,
        segment: &Segment,
        after: Option<&str>,
        most: usize,
        extent: Extent,
    ) -> Result<ScanPage, StoreError> {
        let (from, before) = range(segment)?;
        let after = match after.map(|place| place.split_once('-').ok_or(Unknown)) {
            None => None,
            Some(Ok((stream, version))) => {
                let version: i64 = version.parse().map_err(|_| StoreError::Internal(Unknown.into()))?;
                Some((key(stream)?, version))
            }
            Some(Err(unknown)) => return Err(StoreError::Internal(unknown.into())),
        };
        let most = most.max(1);
        self.aside(move |conn| page(conn, &from, &before, after, most, extent)).await
    }

    async fn position_of(&self, stream: StreamId, version: Version) -> Result<Option<Position>, StoreError> {
        let found = self.shared.readers.read(|conn| {
            conn.prepare_cached("SELECT position FROM commits WHERE stream = ?1 AND version = ?2")?
                .query_row((StreamKey(stream), integer(version.get())), |row| row.get::<_, i64>(0))
                .optional()
        })?;
        Ok(found.map(|position| Position(position.cast_unsigned())))
    }
}

impl SqliteEventStore {
    /// Reads many rows off the callers' threads.
    async fn aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let read = spawn_blocking(move || shared.readers.read(read)).await;
        let read: Result<T, Fault> = read.map_err(|error| StoreError::Internal(error.into()))?;
        Ok(read?)
    }
}

/// The keys that cut a category into about `wanted` parts with as many commits each, with its two ends.
fn cuts(conn: &Connection, first: &[u8], end: &[u8], wanted: usize) -> rusqlite::Result<Vec<Vec<u8>>> {
    let newest: Option<i64> = conn.query_row("SELECT max(position) FROM commits", [], |row| row.get(0))?;
    let step = (newest.unwrap_or(0) / SAMPLES).max(1);
    let mut one = conn.prepare("SELECT stream FROM commits WHERE position >= ?1 ORDER BY position LIMIT 1")?;
    let mut sample: Vec<Vec<u8>> = Vec::new();
    for at in (0..newest.unwrap_or(0)).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let stream: Vec<u8> = one.query_row([at + 1], |row| row.get(0))?;
        if first < stream.as_slice() && stream.as_slice() < end {
            sample.push(stream);
        }
    }
    sample.sort_unstable();
    let mut cuts = vec![first.to_vec()];
    for part in 1..wanted.max(1) {
        if let Some(key) = sample.get(part * sample.len() / wanted)
            && cuts.last() != Some(key)
        {
            cuts.push(key.clone());
        }
    }
    cuts.push(end.to_vec());
    Ok(cuts)
}

fn page(
    conn: &Connection,
    from: &[u8],
    before: &[u8],
    after: Option<(Vec<u8>, i64)>,
    most: usize,
    extent: Extent,
) -> rusqlite::Result<ScanPage> {
    let columns = if extent == Extent::Whole { COLUMNS } else { EVENT_COLUMNS };
    let (stream, version) = after.unwrap_or_else(|| (from.to_vec(), 0));
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {columns} FROM commits INDEXED BY commits_by_stream
         WHERE (stream, version) > (?1, ?2) AND stream < ?3 ORDER BY stream, version LIMIT ?4"
    ))?;
    let commits: Vec<ScannedCommit> =
        statement.query_map((stream, version, before, limit(most)), scanned)?.collect::<rusqlite::Result<_>>()?;
    let next = commits.last().filter(|_| commits.len() == most).map(place);
    Ok(ScanPage { commits, next })
}

fn scanned(row: &Row<'_>) -> rusqlite::Result<ScannedCommit> {
    let position = Position(row.get::<_, i64>(0)?.cast_unsigned());
    Ok(ScannedCommit { position: Some(position), commit: row::commit(row)? })
}

fn place(last: &ScannedCommit) -> String {
    let key = StreamKey(last.commit.stream).bytes();
    format!("{}{}", part(&key, &[]), last.commit.version)
}
