//! The tables of `store.db`, how they came to be, and how connections to them are set up.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, MAIN_DB, OpenFlags, TransactionBehavior, config::DbConfig};

use super::StoreOptions;
use crate::folder::make_private;

/// Why a store file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer build has changed the tables since.
    #[error("{} has schema version {found}, this build knows up to {known}: start a newer build", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: usize,
        /// The newest this build knows.
        known: usize,
    },
    /// The file cannot be read, written or locked, or is no database.
    #[error("cannot open {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file can be read and not written.
    #[error("{} cannot be written: its permissions, or those of its folder, forbid it", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The writer thread could not be started.
    #[error("cannot start the writer thread")]
    Thread(#[source] std::io::Error),
}

/// Steps from one schema version (`PRAGMA user_version`) to the next; published ones never change.
///
/// A stream's key is one byte for its category and the 16 bytes of its UUID. `events` and `private` are JSON;
/// `private` names each part by its event's index, so that erasure can remove one, and is null when none is left.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE commits (
        position      INTEGER PRIMARY KEY,
        stream        BLOB    NOT NULL,
        version       INTEGER NOT NULL,
        id            BLOB    NOT NULL,
        at            INTEGER NOT NULL,
        actor_kind    INTEGER NOT NULL,
        actor         TEXT    NOT NULL,
        correlation   BLOB    NOT NULL,
        causation     BLOB,
        trace         TEXT,
        events        TEXT    NOT NULL,
        private       TEXT,
        state_version INTEGER NOT NULL,
        state         TEXT    NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX commits_by_stream ON commits (stream, version);
    CREATE TABLE reservations (
        namespace TEXT NOT NULL,
        value     BLOB NOT NULL,
        stream    BLOB NOT NULL,
        PRIMARY KEY (namespace, value)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE counters (
        name  TEXT    NOT NULL PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE credentials (
        user   BLOB    NOT NULL PRIMARY KEY,
        hash   TEXT    NOT NULL,
        set_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE sessions (
        id              BLOB    NOT NULL PRIMARY KEY,
        user            BLOB    NOT NULL,
        current         BLOB    NOT NULL,
        previous        BLOB,
        rotated_at      INTEGER NOT NULL,
        expires_at      INTEGER NOT NULL,
        password_set_at INTEGER NOT NULL,
        scope           TEXT    NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_user ON sessions (user);
    CREATE INDEX sessions_by_end ON sessions (expires_at);
    CREATE TABLE revoked_tokens (
        id    BLOB    NOT NULL PRIMARY KEY,
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX revoked_tokens_by_end ON revoked_tokens (until);
    CREATE TABLE clients (
        id       BLOB    NOT NULL PRIMARY KEY,
        revision INTEGER NOT NULL,
        body     TEXT    NOT NULL
    ) STRICT, WITHOUT ROWID;
",
];

/// How long a read waits for a lock that only a checkpoint or a repair takes.
const READ_WAIT: Duration = Duration::from_millis(250);

/// Prepared statements a connection keeps; more than the store has.
const STATEMENTS: usize = 32;

/// Opens the writer's connection and brings the tables to today's schema.
pub(super) fn open_writer(path: &Path, options: &StoreOptions) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = |source| OpenError::File { path: path.to_owned(), source };
    // A file that cannot be made is opened below, which tells why.
    let _ = make_private(path);
    let mut conn = Connection::open_with_flags(path, flags).map_err(file)?;
    conn.busy_timeout(options.busy_timeout).map_err(file)?;
    // A newer file is left as it is: its version is read before anything is written.
    let found = version(&conn).map_err(file)?;
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() });
    }
    if conn.is_readonly(MAIN_DB).map_err(file)? {
        return Err(OpenError::ReadOnly { path: path.to_owned() });
    }
    set_up_writer(&conn).map_err(file)?;
    migrate(&mut conn).map_err(file)?;
    Ok(conn)
}

fn set_up_writer(conn: &Connection) -> rusqlite::Result<()> {
    keep_plans(conn)?;
    // cache_size in KiB. The checkpoint comes after 16 MiB of log: rarer ones write a page that changed often,
    // such as the end of the index, fewer times.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA cache_size = -8192;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )
}

fn version(conn: &Connection) -> rusqlite::Result<usize> {
    conn.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).map(|version| version as usize)
}

fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    if version(conn)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may just have done it.
    let found = version(&transaction)?;
    for (step, done) in MIGRATIONS.iter().zip(1_u32..).skip(found) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", done)?;
    }
    transaction.commit()
}

/// Opens a connection that only reads.
///
/// There is no memory map: a mapping counts once per connection in the process's resident memory, and pages that
/// still stand in the log are read by calls all the same.
pub(super) fn open_reader(path: &Path, options: &StoreOptions) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    // Reads run on the runtime's own threads: they wait a moment, where the writer's thread waits for long.
    conn.busy_timeout(options.busy_timeout.min(READ_WAIT))?;
    keep_plans(&conn)?;
    conn.execute_batch("PRAGMA cache_size = -1024;")?;
    Ok(conn)
}

/// Keeps prepared statements. Without the stability guarantee SQLite would parse one again whenever it is bound anew,
/// hoping for a better plan.
fn keep_plans(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}
