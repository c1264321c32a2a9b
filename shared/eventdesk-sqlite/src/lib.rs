//! SQLite adapters: the event store with everything that cannot be rebuilt, and the views, which can.
//!
//! `store.db` holds commits, reservations, numbers, credentials and sessions: WAL, `synchronous=FULL`, one writer thread that
//! groups waiting appends into one transaction. `views.db` holds the read models and the consumers' progress: WAL,
//! `synchronous=NORMAL`. Reads run where they are called, on a pool of connections: a point read takes microseconds.

mod folder;
mod kept;
mod scrub;
pub mod store;
pub mod views;

pub use folder::{DataFolder, FolderError};
pub use store::{
    OpenError, SqliteClients, SqliteCredentials, SqliteEventStore, SqliteRevocations, SqliteSessions, StoreOptions,
};
pub use views::{SqliteReadStore, ViewsError, ViewsOptions, needs_rebuild, remove_views};
