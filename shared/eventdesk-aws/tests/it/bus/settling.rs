//! What is asked of SQS, and what is done about its refusals.

use std::time::Duration;

use eventdesk_app::ports::{Delivery, DeliveryId, Publisher, Queue, Settlement};
use eventdesk_aws::bus::SqsQueue;
use eventdesk_contract::{
    bus::{Bus, Setting},
    event_store::samples::{commit, ticket},
};
use serde_json::{Value, json};

use super::bed::{AwsBus, hasty};
use crate::wire::Fault;

async fn publish(bus: &AwsBus, count: u64) -> Vec<Delivery> {
    let commits: Vec<_> = (1..=count).map(|number| commit(ticket(number), 1)).collect();
    bus.publisher.publish(&commits).await.unwrap();
    let mut found = Vec::new();
    while found.len() < commits.len() {
        found.extend(bus.queue.receive(100).await.unwrap());
    }
    bus.wire.sent();
    found
}

fn done(deliveries: &[Delivery]) -> Settlement {
    Settlement { done: deliveries.iter().map(|delivery| delivery.id.clone()).collect(), failed: Vec::new() }
}

#[tokio::test]
async fn a_batch_is_settled_ten_at_a_time() {
    let bus = AwsBus::new(hasty()).await;
    let found = publish(&bus, 25).await;
    bus.settle(done(&found)).await;
    assert_eq!(bus.wire.sent(), ["DeleteMessageBatch"; 3]);
    assert_eq!(bus.waiting(&bus.url).await, 0);
}

#[tokio::test]
async fn a_deletion_that_the_service_failed_is_asked_for_again_alone() {
    let bus = AwsBus::new(hasty()).await;
    let found = publish(&bus, 3).await;
    let failed = |request: Value| {
        let ids: Vec<_> = request["Entries"].as_array().unwrap().iter().map(|entry| entry["Id"].clone()).collect();
        assert_eq!(ids.len(), 3);
        json!({
            "Successful": [{ "Id": ids[0] }],
            "Failed": [
                { "Id": ids[1], "SenderFault": false, "Code": "InternalError" },
                { "Id": ids[2], "SenderFault": true, "Code": "ReceiptHandleIsInvalid" },
            ],
        })
    };
    bus.wire.next("DeleteMessageBatch", Fault::Answer(Box::new(failed)));
    bus.settle(done(&found)).await;
    assert_eq!(bus.wire.sent(), ["DeleteMessageBatch"; 2]);
    // The first was deleted by the test's word alone, and the third's receipt is outdated: it comes again.
    assert_eq!(bus.waiting(&bus.url).await, 2);
}

#[tokio::test]
async fn a_deletion_that_never_works_fails_the_settlement() {
    let bus = AwsBus::new(hasty()).await;
    let found = publish(&bus, 1).await;
    for _ in 0..3 {
        let failed = |request: Value| {
            let id = &request["Entries"][0]["Id"];
            json!({ "Successful": [], "Failed": [{ "Id": id, "SenderFault": false, "Code": "InternalError" }] })
        };
        bus.wire.next("DeleteMessageBatch", Fault::Answer(Box::new(failed)));
    }
    bus.queue.settle(done(&found)).await.unwrap_err();
    assert_eq!(bus.wire.faults_left(), 0);
}

#[tokio::test]
async fn throttled_calls_are_repeated() {
    let bus = AwsBus::new(hasty()).await;
    bus.publisher.publish(&[commit(ticket(1), 1)]).await.unwrap();
    bus.wire.next_many(2, "ReceiveMessage", "ThrottlingException");
    let found = bus.queue.receive(10).await.unwrap();
    bus.wire.next_many(2, "DeleteMessageBatch", "ThrottlingException");
    bus.settle(done(&found)).await;
    assert_eq!(bus.waiting(&bus.url).await, 0);
}

#[tokio::test]
async fn a_queue_that_is_away_fails_the_call() {
    let bus = AwsBus::new(hasty()).await;
    for _ in 0..3 {
        bus.wire.next("ReceiveMessage", Fault::NeverArrives);
    }
    bus.queue.receive(10).await.unwrap_err();
}

#[tokio::test]
async fn answers_for_nothing_change_nothing() {
    let bus = AwsBus::new(hasty()).await;
    let found = publish(&bus, 1).await;
    let unknown = DeliveryId("unknown".to_owned());
    let failed = vec![(unknown.clone(), "unknown".to_owned())];
    bus.settle(Settlement { done: vec![unknown], failed }).await;
    bus.settle(done(&found)).await;
    bus.settle(done(&found)).await;
    assert_eq!(bus.wire.sent(), ["DeleteMessageBatch"]);
}

#[tokio::test]
async fn without_a_place_for_dead_letters_the_redrive_policy_takes_them() {
    // No back-off: the bed gives the queue a redrive policy of three receipts.
    let bus = AwsBus::new(Setting { visibility: Duration::from_secs(30), backoff: Vec::new() }).await;
    let queue = SqsQueue::new(bus.sqs.clone(), &bus.url, None, bus.options.clone());
    bus.publisher.publish(&[commit(ticket(1), 1)]).await.unwrap();
    for attempt in 1..=3 {
        let found = queue.receive(10).await.unwrap();
        assert_eq!(found[0].attempt, attempt);
        let failed = vec![(found[0].id.clone(), "it is poison".to_owned())];
        queue.settle(Settlement { done: Vec::new(), failed }).await.unwrap();
    }
    bus.publisher.publish(&[commit(ticket(2), 1)]).await.unwrap();
    assert_eq!(queue.receive(10).await.unwrap()[0].events[0].stream, ticket(2));
    assert_eq!(bus.dead_messages().await.len(), 1);
}
