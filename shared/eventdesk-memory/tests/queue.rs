//! The local queue keeps its contract over the memory adapters.

use std::sync::Arc;

use eventdesk_contract::{
    bus::{self, LocalBus},
    queue::{self, Ground},
};
use eventdesk_memory::{MemoryEventStore, MemoryReadStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_queue_contract() {
    queue::run_all(async || ground()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_bus_contract() {
    bus::run_all(async |setting| LocalBus::new(ground(), setting).await).await;
}

fn ground() -> Ground {
    let store = Arc::new(MemoryEventStore::new());
    Ground { store: store.clone(), log: store, views: Arc::new(MemoryReadStore::new()) }
}
