//! What the audit needs of AWS: the feed index of the store, and the queues behind the bus.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_sqs::{Client, types::QueueAttributeName};
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

    async fn nudge(&self, consumer: &str, event: &Envelope) -> Result<(), QueueError> {
        let body = write_body(event).map_err(|error| QueueError(error.into()))?;
        let sent = self.client.send_message().queue_url(self.url(consumer)?).message_body(body).send().await;
        sent.map(drop).map_err(|error| QueueError(error.into()))
    }
}
