//! The local queue keeps its contract over SQLite.

use std::{cell::Cell, sync::Arc};

use eventdesk_contract::queue::{self, Ground};
use eventdesk_sqlite::{SqliteEventStore, SqliteReadStore, StoreOptions, ViewsOptions};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_queue_contract() {
    let folder = TempDir::new().unwrap();
    let made = Cell::new(0);
    queue::run_all(async || {
        made.set(made.get() + 1);
        let path = |name: &str| folder.path().join(format!("{name}-{}.db", made.get()));
        let store = Arc::new(SqliteEventStore::open(path("store"), StoreOptions::default()).unwrap());
        let views = SqliteReadStore::open(path("views"), &ViewsOptions::default()).unwrap();
        Ground { store: store.clone(), log: store, views: Arc::new(views) }
    })
    .await;
}
