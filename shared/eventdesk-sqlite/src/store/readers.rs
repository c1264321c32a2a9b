//! Connections that only read.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::Connection;

use super::{Fault, StoreOptions, schema};

/// Idle connections kept; more than this read at once only on machines with more runtime threads.
const KEPT: usize = 8;

/// Lends connections to reads that run where they are called: a point read is over before a hand-over to another
/// thread would be.
pub(super) struct Readers {
    path: PathBuf,
    options: StoreOptions,
    // A std mutex: held for a push or a pop, never across a read.
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, options: StoreOptions) -> Self {
        Self { path, options, idle: Mutex::default() }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `read` on a connection. Each statement sees all that was committed before it began.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        let idle = self.idle().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => schema::open_reader(&self.path, &self.options)?,
        };
        // A connection that met an error is closed, not lent again.
        let found = read(&conn)?;
        let mut idle = self.idle();
        if idle.len() < KEPT {
            idle.push(conn);
        }
        Ok(found)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
