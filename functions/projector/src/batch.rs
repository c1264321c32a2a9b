//! A batch of queue messages, each an event as the bus carries it.

mod figures;

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use eventdesk_app::{
    figures::{DEAD_LETTERS, EVENTS_FAILED},
    ports::{Clock, Delivery, DeliveryId},
    projections::Projector,
};
use eventdesk_aws::bus::{FailedMessage, Failures, read_body};
use eventdesk_runtime::SystemClock;
use lambda_runtime::Error;
use tracing::error;

/// Projects a batch and names the messages that must come again; those that had their last attempt are brought to the
/// dead-letter queue with their reason, by what `failures` makes.
///
/// # Errors
/// If the whole batch must come again.
pub(crate) async fn work_through(
    projector: &Projector,
    batch: SqsEvent,
    failures: impl AsyncFnOnce() -> Result<Failures, Error>,
) -> Result<SqsBatchResponse, Error> {
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    let mut deliveries = Vec::with_capacity(batch.records.len());
    for message in &batch.records {
        match delivery(message) {
            Ok(delivery) => deliveries.push(delivery),
            Err(reason) => {
                reasons.insert(message.message_id.clone().unwrap_or_default(), reason.to_string());
            }
        }
    }
    let committed = figures::committed(&deliveries);
    let settlement = projector.handle(deliveries).await?;
    figures::measure(&committed, &settlement.done, SystemClock.now());
    reasons.extend(settlement.failed.into_iter().map(|(id, reason)| (id.0, reason)));
    let failed: Vec<_> = batch.records.into_iter().filter_map(|message| failed(message, &reasons)).collect();
    let mut again: BTreeSet<String> = reasons.into_keys().collect();
    if !failed.is_empty() {
        metrics::counter!(EVENTS_FAILED).increment(failed.len() as u64);
        // Without it the messages come again after the visibility time, and end among the dead without a reason.
        match settle(failed, failures).await {
            Ok(dead) => {
                if !dead.is_empty() {
                    metrics::counter!(DEAD_LETTERS).increment(dead.len() as u64);
                }
                again.retain(|id| dead.iter().all(|message| message.id != *id));
            }
            Err(error) => error!(error = &*error, projector = projector.name(), "failed messages were not dealt with"),
        }
    }
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = again.into_iter().map(failure).collect();
    Ok(response)
}

/// Those among the failed that are dead letters now: what is not reported as failed, the service deletes.
async fn settle(
    failed: Vec<FailedMessage>,
    failures: impl AsyncFnOnce() -> Result<Failures, Error>,
) -> Result<Vec<FailedMessage>, Error> {
    Ok(failures().await?.settle(failed).await?)
}

fn failed(message: SqsMessage, reasons: &BTreeMap<String, String>) -> Option<FailedMessage> {
    let attempts = attempts(&message);
    let id = message.message_id.unwrap_or_default();
    let reason = reasons.get(&id)?.clone();
    let (receipt, body) = (message.receipt_handle.unwrap_or_default(), message.body.unwrap_or_default());
    Some(FailedMessage { id, receipt, body, attempts, reason })
}

fn attempts(message: &SqsMessage) -> u32 {
    let received = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    received.unwrap_or(1)
}

fn delivery(message: &SqsMessage) -> Result<Delivery, eventdesk_aws::bus::NoEvent> {
    Ok(Delivery {
        id: DeliveryId(message.message_id.clone().unwrap_or_default()),
        attempt: attempts(message),
        events: vec![read_body(message.body.as_deref().unwrap_or_default())?],
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
