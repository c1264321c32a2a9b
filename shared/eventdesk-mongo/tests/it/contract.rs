use std::sync::Arc;

use crate::server::with_databases;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_read_store_contract() {
    with_databases(async |databases| {
        eventdesk_contract::read_store::run_all(async || Arc::new(databases.store()) as _).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_of_generations() {
    with_databases(async |databases| {
        eventdesk_contract::read_store::run_generations(async || Arc::new(databases.store()) as _).await;
    })
    .await;
}
