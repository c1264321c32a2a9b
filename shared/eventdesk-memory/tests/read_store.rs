//! The memory read store keeps the port's contract.

use std::sync::Arc;

use eventdesk_memory::MemoryReadStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_read_store_contract() {
    eventdesk_contract::read_store::run_all(async || Arc::new(MemoryReadStore::new()) as _).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_of_generations() {
    eventdesk_contract::read_store::run_generations(async || Arc::new(MemoryReadStore::new()) as _).await;
}
