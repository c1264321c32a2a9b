//! The local queue keeps its contract over the memory adapters.

use std::sync::Arc;

use eventdesk_contract::queue::{self, Ground};
use eventdesk_memory::{MemoryEventStore, MemoryReadStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_queue_contract() {
    queue::run_all(async || {
        let store = Arc::new(MemoryEventStore::new());
        Ground { store: store.clone(), log: store, views: Arc::new(MemoryReadStore::new()) }
    })
    .await;
}
