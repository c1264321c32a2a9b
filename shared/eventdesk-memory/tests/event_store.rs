//! The memory adapters keep the contracts of the event store and of the credentials.

use std::sync::Arc;

use eventdesk_app::ports::{
    Clients, CommitLog, CommitScan, Credentials, EventStore, ImportStore, PrivateParts, Revocations, Sessions,
};
use eventdesk_contract::{clients, credentials, event_store, revocations, sessions};
use eventdesk_memory::{MemoryClients, MemoryCredentials, MemoryEventStore, MemoryRevocations, MemorySessions};

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_event_store() {
    event_store::run_all(async || Arc::new(MemoryEventStore::new()) as Arc<dyn EventStore>).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_commit_log() {
    event_store::run_log(async || {
        let store = Arc::new(MemoryEventStore::new());
        (Arc::clone(&store) as Arc<dyn EventStore>, store as Arc<dyn CommitLog>)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_credentials() {
    credentials::run_all(async || Arc::new(MemoryCredentials::new()) as Arc<dyn Credentials>).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_scan() {
    event_store::run_scan(async || {
        let store = Arc::new(MemoryEventStore::new());
        (Arc::clone(&store) as Arc<dyn EventStore>, store as Arc<dyn CommitScan>)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contracts_of_service_accounts_sessions_and_revocations() {
    clients::run_all(async || Arc::new(MemoryClients::new()) as Arc<dyn Clients>).await;
    sessions::run_all(async || Arc::new(MemorySessions::new()) as Arc<dyn Sessions>).await;
    revocations::run_all(async || Arc::new(MemoryRevocations::new()) as Arc<dyn Revocations>).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_upkeep() {
    event_store::run_upkeep(async || {
        let store = Arc::new(MemoryEventStore::new());
        (Arc::clone(&store) as Arc<dyn ImportStore>, store as Arc<dyn PrivateParts>)
    })
    .await;
}
