//! The local queue keeps its contract over SQLite.

use std::{cell::Cell, sync::Arc};

use eventdesk_contract::{
    bus::{self, LocalBus},
    queue::{self, Ground},
};
use eventdesk_sqlite::{SqliteEventStore, SqliteReadStore, StoreOptions, ViewsOptions};
use tempfile::TempDir;

/// Makes ground on fresh files.
struct Files {
    folder: TempDir,
    made: Cell<u32>,
}

impl Files {
    fn new() -> Self {
        Self { folder: TempDir::new().expect("a folder can be made"), made: Cell::new(0) }
    }

    fn ground(&self) -> Ground {
        self.made.set(self.made.get() + 1);
        let path = |name: &str| self.folder.path().join(format!("{name}-{}.db", self.made.get()));
        let store = SqliteEventStore::open(path("store"), StoreOptions::default()).expect("a store can be made");
        let store = Arc::new(store);
        let views = SqliteReadStore::open(path("views"), &ViewsOptions::default()).expect("views can be made");
        Ground { store: store.clone(), log: store, views: Arc::new(views) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_queue_contract() {
    let files = Files::new();
    queue::run_all(async || files.ground()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_bus_contract() {
    let files = Files::new();
    bus::run_all(async |setting| LocalBus::new(files.ground(), setting).await).await;
}
