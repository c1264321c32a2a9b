//! The queues as the audit sees them.

use std::collections::HashMap;

use eventdesk_app::{
    audit::Consumers,
    ports::{Publisher, Queue, Settlement},
};
use eventdesk_aws::audit::SqsConsumers;
use eventdesk_contract::{
    bus::Bus,
    event_store::samples::{commit, ticket},
};

use super::bed::{AwsBus, hasty};

#[tokio::test]
async fn a_queue_tells_how_much_waits_and_takes_a_nudge_past_the_bus() {
    let bus = AwsBus::new(hasty()).await;
    let consumers = SqsConsumers::new(bus.sqs.clone(), HashMap::from([("mine".to_owned(), bus.url.clone())]));
    assert_eq!(consumers.waiting("mine").await.unwrap(), 0);
    bus.publisher.publish(&[commit(ticket(1), 1), commit(ticket(2), 1)]).await.unwrap();
    let first = bus.queue.receive(1).await.unwrap();
    assert_eq!(consumers.waiting("mine").await.unwrap(), 2, "what is being worked through waits, too");
    let event = commit(ticket(3), 7).envelopes().next().unwrap();
    consumers.nudge("mine", std::slice::from_ref(&event)).await.unwrap();
    let mut found = first;
    while found.len() < 3 {
        found.extend(bus.queue.receive(10).await.unwrap());
    }
    let nudge = found.iter().find(|delivery| delivery.events[0].stream == ticket(3)).unwrap();
    assert_eq!(serde_json::to_value(&nudge.events[0]).unwrap(), serde_json::to_value(&event).unwrap());
    bus.settle(Settlement { done: found.into_iter().map(|delivery| delivery.id).collect(), failed: vec![] }).await;
    assert_eq!(consumers.waiting("mine").await.unwrap(), 0);
    consumers.waiting("another").await.unwrap_err();
}
