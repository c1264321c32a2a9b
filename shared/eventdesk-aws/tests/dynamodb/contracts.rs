//! The suites that every adapter passes.

use std::sync::Arc;

use eventdesk_app::ports::EventStore;
use eventdesk_contract::event_store;

use crate::bed::Bed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_the_event_store() {
    event_store::run_all(async || Bed::new().await.store() as Arc<dyn EventStore>).await;
}

#[tokio::test]
async fn tables_that_exist_are_left_as_they_are() {
    let bed = Bed::new().await;
    let store = bed.store();
    event_store::samples::fill(&*store, event_store::samples::ticket(1), 2).await;
    eventdesk_aws::dynamodb::create_tables(&bed.client, &bed.tables).await.unwrap();
    assert_eq!(event_store::samples::head(&*store, event_store::samples::ticket(1)).await, 2);
}
