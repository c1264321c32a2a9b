//! The event store on one SQLite file, with the credentials beside it.

mod append;
mod clients;
mod credentials;
mod fault;
mod feed;
mod import;
mod private;
mod readers;
mod recent;
mod row;
mod scan;
mod schema;
mod sessions;
mod writer;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_app::ports::{
    Append, AppendError, Claim, Commit, CommitLog, EventStore, Position, StoreError, StoredCommit, StoredState,
};
use eventdesk_events::{StreamId, Version};
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::watch;

use crate::kept::{Kept, Weighed};
use append::EncodedAppend;
use fault::Fault;
use readers::Readers;
use recent::Recent;
use row::{COLUMNS, StreamKey, integer, limit};
use writer::{Told, Writer};

pub use clients::SqliteClients;
pub use credentials::SqliteCredentials;
pub use schema::OpenError;
pub use sessions::{SqliteRevocations, SqliteSessions};

/// How a store behaves under pressure.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// How long a locked file, or a place in the queue of writes, is waited for; then the store is unavailable.
    pub busy_timeout: Duration,
    /// Most writes in one transaction, and most that wait for the next.
    pub group: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(2), group: 256 }
    }
}

/// Commits, unique values, ticket numbers and credentials in one file.
///
/// One thread writes: it takes what waits, up to [`StoreOptions::group`] writes, into one transaction and answers
/// after its commit has reached the disk (WAL, `synchronous=FULL`). Reads run where they are called, on connections
/// of their own, and never wait for the writer. A file that is locked, full or out of reach makes the group
/// `Unavailable`; the next group tries afresh.
///
/// Ticket numbers are unique in the process that has the file open to give them: one server a file.
///
/// Dropping the last handle, credentials included, finishes the writes that were accepted and closes the file.
#[derive(Clone)]
pub struct SqliteEventStore {
    shared: Arc<Shared>,
}

/// The newest states of the streams that are looked at, such as those of the users who call.
type States = Kept<StreamId, (Version, StoredState)>;

/// Bytes of states kept.
const KEPT_STATES: u64 = 4 * 1024 * 1024;

impl Weighed for (Version, StoredState) {
    fn size(&self) -> usize {
        self.1.json.get().len()
    }
}

/// The readers come first: closed before the writer, they leave the last checkpoint to it.
struct Shared {
    readers: Readers,
    writer: Writer,
    recent: Arc<Recent>,
    states: Arc<States>,
    newest: watch::Receiver<Position>,
    /// The highest ticket number used or given.
    ticket_number: AtomicU64,
}

impl SqliteEventStore {
    /// Opens the file, makes it if there is none, and brings its tables to today's schema.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: impl AsRef<Path>, options: StoreOptions) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let conn = schema::open_writer(&path, &options)?;
        let (newest, ticket_number) =
            counters(&conn).map_err(|source| OpenError::File { path: path.clone(), source })?;
        let (announce, newest) = watch::channel(newest);
        let readers = Readers::new(path.clone(), options.clone());
        let recent = Arc::<Recent>::default();
        let states = Arc::new(States::new(KEPT_STATES));
        let told = Told { recent: Arc::clone(&recent), states: Arc::clone(&states), newest: announce };
        let writer = Writer::start(conn, path, options, told)?;
        let ticket_number = AtomicU64::new(ticket_number);
        Ok(Self { shared: Arc::new(Shared { readers, writer, recent, states, newest, ticket_number }) })
    }

    /// The credentials in the same file.
    pub fn credentials(&self) -> SqliteCredentials {
        SqliteCredentials { shared: Arc::clone(&self.shared) }
    }

    /// The service accounts in the same file.
    pub fn clients(&self) -> SqliteClients {
        SqliteClients { shared: Arc::clone(&self.shared) }
    }

    /// The sessions in the same file.
    pub fn sessions(&self) -> SqliteSessions {
        SqliteSessions { shared: Arc::clone(&self.shared) }
    }

    /// The revoked tokens in the same file.
    pub fn revocations(&self) -> SqliteRevocations {
        SqliteRevocations { shared: Arc::clone(&self.shared) }
    }

    /// Waits until nothing can be written any more, which happens only if the writer has broken: everything is
    /// `Unavailable` from then on, and the process should be started anew.
    pub async fn broken(&self) {
        self.shared.writer.ended().await;
    }

    /// Lets the file grow to `pages` of 4 KiB and no further, as a full disk would. For tests.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[doc(hidden)]
    pub async fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        let limited = self
            .shared
            .writer
            .write(move |group| group.conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())));
        Ok(limited.await?)
    }
}

fn counters(conn: &Connection) -> rusqlite::Result<(Position, u64)> {
    let newest: Option<i64> = conn.query_row("SELECT max(position) FROM commits", [], |row| row.get(0))?;
    let ticket_number: Option<i64> =
        conn.query_row("SELECT value FROM counters WHERE name = 'ticket_number'", [], |row| row.get(0)).optional()?;
    Ok((Position(newest.unwrap_or(0).cast_unsigned()), ticket_number.unwrap_or(0).cast_unsigned()))
}

#[async_trait]
impl EventStore for SqliteEventStore {
    async fn head(&self, stream: StreamId) -> Result<Option<Commit>, StoreError> {
        let head = self.shared.readers.read(|conn| {
            conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM commits WHERE stream = ?1 ORDER BY version DESC LIMIT 1"
            ))?
            .query_row([StreamKey(stream)], row::commit)
            .optional()
        })?;
        Ok(head)
    }

    async fn newest_state(&self, stream: StreamId) -> Result<Option<(Version, StoredState)>, StoreError> {
        let look = self.shared.states.look(&stream);
        if look.ask {
            self.shared.writer.check();
        }
        if look.value.is_some() {
            return Ok(look.value);
        }
        let newest = self.shared.readers.read(|conn| {
            conn.prepare_cached(
                "SELECT version, state_version, state FROM commits WHERE stream = ?1 ORDER BY version DESC LIMIT 1",
            )?
            .query_row([StreamKey(stream)], row::state)
            .optional()
        })?;
        if let Some(newest) = &newest {
            self.shared.states.keep(look.epoch, stream, newest.clone());
        }
        Ok(newest)
    }

    async fn read(&self, stream: StreamId, from: Version, most: usize) -> Result<Vec<Commit>, StoreError> {
        let commits = self.shared.readers.read(|conn| {
            conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM commits WHERE stream = ?1 AND version >= ?2 ORDER BY version LIMIT ?3"
            ))?
            .query_map((StreamKey(stream), integer(from.get()), limit(most)), row::commit)?
            .collect()
        })?;
        Ok(commits)
    }

    async fn read_many(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Commit>>, StoreError> {
        let commits = self.shared.readers.read(|conn| {
            // One transaction for the batch: its locks are taken once.
            let batch = conn.unchecked_transaction()?;
            let mut one =
                batch.prepare_cached(&format!("SELECT {COLUMNS} FROM commits WHERE stream = ?1 AND version = ?2"))?;
            keys.iter()
                .map(|(stream, version)| {
                    one.query_row((StreamKey(*stream), integer(version.get())), row::commit).optional()
                })
                .collect()
        })?;
        Ok(commits)
    }

    async fn append(&self, append: Append) -> Result<(), AppendError> {
        if let Some(number) = append.ticket_number {
            self.shared.ticket_number.fetch_max(number, Ordering::Relaxed);
        }
        let append = EncodedAppend::of(append)?;
        self.shared.writer.write(move |group| append.run(group)).await?
    }

    async fn holder(&self, claim: Claim) -> Result<Option<StreamId>, StoreError> {
        Ok(self.shared.readers.read(|conn| append::holder(conn, claim))?)
    }

    async fn next_ticket_number(&self) -> Result<u64, StoreError> {
        Ok(self.shared.ticket_number.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn log(&self) -> Option<&dyn CommitLog> {
        Some(self)
    }
}

#[async_trait]
impl CommitLog for SqliteEventStore {
    async fn read_after(&self, after: Position, most: usize) -> Result<Vec<StoredCommit>, StoreError> {
        let erasures = self.shared.readers.read(private::erasures)?;
        if let Some(commits) = self.shared.recent.after(after, most, erasures) {
            return Ok(commits);
        }
        let commits = self.shared.readers.read(|conn| {
            conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM commits WHERE position > ?1 ORDER BY position LIMIT ?2"
            ))?
            .query_map((integer(after.0), limit(most)), row::stored_commit)?
            .collect()
        })?;
        Ok(commits)
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<StoredCommit>, StoreError> {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        positions.dedup();
        let commits = self.shared.readers.read(|conn| {
            let batch = conn.unchecked_transaction()?;
            let mut one = batch.prepare_cached(&format!("SELECT {COLUMNS} FROM commits WHERE position = ?1"))?;
            positions
                .iter()
                .filter_map(|position| one.query_row([integer(position.0)], row::stored_commit).optional().transpose())
                .collect()
        })?;
        Ok(commits)
    }

    async fn locate(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Position>>, StoreError> {
        let positions = self.shared.readers.read(|conn| {
            let batch = conn.unchecked_transaction()?;
            let mut one = batch.prepare_cached("SELECT position FROM commits WHERE stream = ?1 AND version = ?2")?;
            keys.iter()
                .map(|(stream, version)| {
                    let key = (StreamKey(*stream), integer(version.get()));
                    one.query_row(key, |row| row.get::<_, i64>(0)).optional()
                })
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(positions.into_iter().map(|found| found.map(|position| Position(position.cast_unsigned()))).collect())
    }

    async fn end(&self) -> Result<Position, StoreError> {
        let newest: Option<i64> = self
            .shared
            .readers
            .read(|conn| conn.prepare_cached("SELECT max(position) FROM commits")?.query_row([], |row| row.get(0)))?;
        Ok(Position(newest.unwrap_or(0).cast_unsigned()))
    }

    fn newest(&self) -> watch::Receiver<Position> {
        self.shared.newest.clone()
    }
}
