//! The suites that every adapter passes.

use std::sync::Arc;

use eventdesk_app::ports::{
    Clients, CommitScan, Credentials, EventStore, FailedLogins, ImportStore, IssuerKeyStore, PrivateParts, Revocations,
    Sessions,
};
use eventdesk_aws::dynamodb::{
    DynamoClients, DynamoCredentials, DynamoFailedLogins, DynamoIssuerKeyStore, DynamoRevocations, DynamoSessions,
};
use eventdesk_contract::{clients, credentials, event_store, failed_logins, issuer_keys, revocations, sessions};

use super::bed::Bed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_the_event_store() {
    event_store::run_all(async || Bed::new().await.store() as Arc<dyn EventStore>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_the_scan() {
    event_store::run_scan(async || {
        let store = Bed::new().await.store();
        (Arc::clone(&store) as Arc<dyn EventStore>, store as Arc<dyn CommitScan>)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_the_credentials() {
    credentials::run_all(async || {
        let bed = Bed::new().await;
        Arc::new(DynamoCredentials::new(bed.client, bed.tables.identity)) as Arc<dyn Credentials>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_the_issuers_keys() {
    issuer_keys::run_all(async || {
        let bed = Bed::new().await;
        Arc::new(DynamoIssuerKeyStore::new(bed.client, bed.tables.identity)) as Arc<dyn IssuerKeyStore>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_failed_logins() {
    failed_logins::run_all(async || {
        let bed = Bed::new().await;
        Arc::new(DynamoFailedLogins::new(bed.client, bed.tables.identity)) as Arc<dyn FailedLogins>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_sessions() {
    sessions::run_all(async || {
        let bed = Bed::new().await;
        Arc::new(DynamoSessions::new(bed.client, bed.tables.identity)) as Arc<dyn Sessions>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_service_accounts() {
    clients::run_all(async || {
        let bed = Bed::new().await;
        Arc::new(DynamoClients::new(bed.client, bed.tables.identity)) as Arc<dyn Clients>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_revocations() {
    revocations::run_all(async || {
        let bed = Bed::new().await;
        Arc::new(DynamoRevocations::new(bed.client, bed.tables.identity)) as Arc<dyn Revocations>
    })
    .await;
}

#[tokio::test]
async fn tables_that_exist_are_left_as_they_are() {
    let bed = Bed::new().await;
    let store = bed.store();
    event_store::samples::fill(&*store, event_store::samples::ticket(1), 2).await;
    eventdesk_aws::dynamodb::create_tables(&bed.client, &bed.tables).await.unwrap();
    assert_eq!(event_store::samples::head(&*store, event_store::samples::ticket(1)).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_upkeep() {
    event_store::run_upkeep(async || {
        let store = Bed::new().await.store();
        (Arc::clone(&store) as Arc<dyn ImportStore>, store as Arc<dyn PrivateParts>)
    })
    .await;
}
