//! What the audit needs of AWS: the feed index of the store, and the queues behind the bus.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{QueueAttributeName, SendMessageBatchRequestEntry},
};
use eventdesk_app::{
    audit::{Consumers, Feed, FeedEntry},
    ports::{QueueError, StoreError},
};
use eventdesk_events::{Envelope, Timestamp};
use futures_util::future::try_join_all;

use crate::{
    bus::write_body,
    dynamodb::{DynamoEventStore, FeedBucket, FeedFrom},
};

#[async_trait]
impl Feed for DynamoEventStore {
    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<FeedEntry>, StoreError> {
        let mut entries = Vec::new();
        let mut hour = from;
        while hour < to {
            let buckets: Vec<FeedBucket> = FeedBucket::all_at(hour).collect();
            let pages = buckets.iter().map(|bucket| self.feed(*bucket, FeedFrom::Time(from), usize::MAX));
            let lines = try_join_all(pages).await?.into_iter().flatten().filter(|line| line.at < to);
            entries.extend(lines.map(|line| FeedEntry { at: line.at, stream: line.stream, version: line.version }));
            hour = buckets[0].next_hour().begin();
        }
        Ok(entries)
    }
}

/// What one call sends.
const MOST_MESSAGES: usize = 10;
const MOST_BYTES: usize = 256 * 1024;

/// Divides bodies into calls within the service's limits, in order.
fn calls(bodies: Vec<String>) -> Vec<Vec<String>> {
    let mut calls: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for body in bodies {
        bytes += body.len();
        match calls.last_mut() {
            Some(call) if call.len() < MOST_MESSAGES && bytes <= MOST_BYTES => call.push(body),
            _ => {
                bytes = body.len();
                calls.push(vec![body]);
            }
        }
    }
    calls
}

/// The queues of the bus's consumers.
#[derive(Debug, Clone)]
pub struct SqsConsumers {
    client: Client,
    urls: HashMap<String, String>,
}

impl SqsConsumers {
    /// `urls` has the URL of each consumer's queue, by the consumer's name.
    pub fn new(client: Client, urls: HashMap<String, String>) -> Self {
        Self { client, urls }
    }

    fn url(&self, consumer: &str) -> Result<&String, QueueError> {
        self.urls.get(consumer).ok_or_else(|| QueueError(format!("no queue of {consumer} is known").into()))
    }
}

#[async_trait]
impl Consumers for SqsConsumers {
    async fn waiting(&self, consumer: &str) -> Result<u64, QueueError> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let call = self.client.get_queue_attributes().queue_url(self.url(consumer)?);
        let answer = call.set_attribute_names(Some(counts.to_vec())).send().await;
        let attributes = answer.map_err(|error| QueueError(error.into()))?.attributes.unwrap_or_default();
        let count = |name| attributes.get(&name).and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        Ok(counts.into_iter().map(count).sum())
    }

    async fn nudge(&self, consumer: &str, events: &[Envelope]) -> Result<(), QueueError> {
        let url = self.url(consumer)?;
        let bodies = events.iter().map(write_body).collect::<Result<Vec<_>, _>>();
        for call in calls(bodies.map_err(|error| QueueError(error.into()))?) {
            let entry = |(place, body): (usize, String)| {
                SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(body).build()
            };
            let entries: Result<Vec<_>, _> = call.into_iter().enumerate().map(entry).collect();
            let entries = entries.map_err(|error| QueueError(error.into()))?;
            let sent = self.client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
            let sent = sent.map_err(|error| QueueError(error.into()))?;
            if let Some(failure) = sent.failed().first() {
                let (count, code) = (sent.failed().len(), failure.code());
                return Err(QueueError(format!("{count} messages were refused: {code}").into()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_at_most_ten_messages_and_256_kib() {
        let lengths = |sizes: &[usize]| -> Vec<usize> {
            calls(sizes.iter().map(|size| "x".repeat(*size)).collect()).iter().map(Vec::len).collect()
        };
        assert!(lengths(&[]).is_empty());
        assert_eq!(lengths(&[1; 21]), [10, 10, 1]);
        assert_eq!(lengths(&[128 * 1024, 128 * 1024, 1]), [2, 1]);
        assert_eq!(lengths(&[1, 256 * 1024, 1]), [1, 1, 1]);
    }
}
