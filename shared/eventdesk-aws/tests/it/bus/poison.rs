//! Messages that hold no event.

use eventdesk_app::ports::{Publisher, Queue, Settlement};
use eventdesk_contract::{
    bus::Bus,
    event_store::samples::{commit, ticket},
};

use super::bed::{AwsBus, attribute, hasty};

#[tokio::test]
async fn a_poison_message_ends_in_the_dead_letter_queue_with_its_reason() {
    let bus = AwsBus::new(hasty()).await;
    let body = r#"{"detail": {"type": "ticket.opened", "text": "a secret"}}"#;
    bus.sqs.send_message().queue_url(&bus.url).message_body(body).send().await.unwrap();
    // Events go their way meanwhile: the poison one is looked at with each of them, and never handed out.
    for number in 1..=4 {
        bus.publisher.publish(&[commit(ticket(number), 1)]).await.unwrap();
        let found = bus.queue.receive(10).await.unwrap();
        assert_eq!(found[0].events[0].stream, ticket(number));
        bus.settle(Settlement { done: vec![found[0].id.clone()], failed: Vec::new() }).await;
    }
    let dead = bus.dead_messages().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].body.as_deref(), Some(body));
    assert_eq!(attribute(&dead[0], "attempts"), "3");
    let reason = attribute(&dead[0], "reason");
    assert!(reason.starts_with("not an event of the bus: another shape") && !reason.contains("secret"), "{reason}");
    assert!(!attribute(&dead[0], "message_id").is_empty());
    assert_eq!(bus.waiting(&bus.url).await, 0);
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_sent_stays_in_its_queue() {
    let bus = AwsBus::new(hasty()).await;
    bus.publisher.publish(&[commit(ticket(1), 1)]).await.unwrap();
    for attempt in 1..=3 {
        let found = bus.queue.receive(10).await.unwrap();
        if attempt == 3 {
            bus.wire.next_many(1, "SendMessage", "AWS.SimpleQueueService.NonExistentQueue");
            let failed = vec![(found[0].id.clone(), "it is poison".to_owned())];
            bus.queue.settle(Settlement { done: Vec::new(), failed }).await.unwrap_err();
        } else {
            bus.settle(Settlement { done: Vec::new(), failed: vec![(found[0].id.clone(), String::new())] }).await;
        }
    }
    assert_eq!((bus.waiting(&bus.url).await, bus.dead_messages().await.len()), (1, 0));
}
