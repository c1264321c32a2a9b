//! Emptying a database's write-ahead log, in which what was written over or removed still stands.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, ffi};

/// How long others' reads and writes are waited for, each time.
const WAIT: Duration = Duration::from_secs(5);
/// How often it is tried.
const TRIES: u32 = 6;

/// Brings everything from the log into the file, where removed content is overwritten (`secure_delete`), and cuts the
/// log to nothing. May wait for half a minute.
pub(crate) fn empty_log(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(WAIT)?;
    for _ in 0..TRIES {
        let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !busy {
            return Ok(());
        }
    }
    let held = ffi::Error { code: ErrorCode::DatabaseBusy, extended_code: ffi::SQLITE_BUSY };
    Err(rusqlite::Error::SqliteFailure(held, Some("others hold on to the log".to_owned())))
}
