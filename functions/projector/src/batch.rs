//! A batch of queue messages, each an event as the bus carries it.

use std::collections::BTreeSet;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use eventdesk_app::{
    ports::{Delivery, DeliveryId},
    projections::Projector,
};
use eventdesk_events::Envelope;
use lambda_runtime::Error;
use serde::Deserialize;
use tracing::error;

/// What EventBridge wraps around an event.
#[derive(Deserialize)]
struct BusEvent {
    detail: Envelope,
}

/// Projects a batch and names the messages that must come again; those that can never be read end up among the dead.
///
/// # Errors
/// If the whole batch must come again.
pub(crate) async fn work_through(projector: &Projector, batch: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut failed = BTreeSet::new();
    let mut deliveries = Vec::with_capacity(batch.records.len());
    for message in batch.records {
        let id = message.message_id.clone().unwrap_or_default();
        match delivery(&message) {
            Ok(delivery) => deliveries.push(delivery),
            Err(reason) => {
                error!(error = %reason, message.id = id, projector = projector.name(), "a message cannot be read");
                failed.insert(id);
            }
        }
    }
    let settlement = projector.handle(deliveries).await?;
    failed.extend(settlement.failed.into_iter().map(|(id, _)| id.0));
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed.into_iter().map(failure).collect();
    Ok(response)
}

fn delivery(message: &SqsMessage) -> Result<Delivery, serde_json::Error> {
    let event: BusEvent = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
    let received = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    Ok(Delivery {
        id: DeliveryId(message.message_id.clone().unwrap_or_default()),
        attempt: received.unwrap_or(1),
        events: vec![event.detail],
    })
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> SqsMessage {
        let mut message = SqsMessage::default();
        message.message_id = Some("m-1".to_owned());
        message.body = Some(body.to_owned());
        message.attributes.insert("ApproximateReceiveCount".to_owned(), "3".to_owned());
        message
    }

    #[test]
    fn an_event_from_the_bus_is_one_delivery() {
        let body = r#"{"version": "0", "source": "eventdesk", "detail-type": "ticket.deleted", "detail": {
            "id": "0190a8c0-0000-7000-8000-000000000001", "type": "ticket.deleted", "schema_version": 1,
            "stream": "ticket-0190a8c0-0000-7000-8000-000000000002", "version": 7, "index": 0, "count": 1,
            "occurred_at": "2026-11-21T12:00:00.000Z", "actor": {"id": "x", "kind": "user"},
            "correlation_id": "0190a8c0-0000-7000-8000-000000000003", "data": {}}}"#;
        let delivery = delivery(&message(body)).unwrap();
        assert_eq!((delivery.id.0.as_str(), delivery.attempt, delivery.events.len()), ("m-1", 3, 1));
        assert_eq!(delivery.events[0].version.get(), 7);
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for body in ["", "no JSON", "{}", r#"{"detail": {}}"#, r#"{"detail": {"type": "ticket.deleted"}}"#] {
            assert!(delivery(&message(body)).is_err(), "{body}");
        }
    }
}
