//! The dead-letter queues of the consumers.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName as System, QueueAttributeName,
    },
};
use eventdesk_app::ports::{DeadLetters, Letter, LetterId, QueueError};
use eventdesk_events::{Envelope, StreamId, Timestamp};

use super::message::{read_body, write_body};

/// What one call receives.
const MOST_MESSAGES: i32 = 10;
/// How long letters are hidden from others who look, in seconds: long enough to look at all of them once.
const HIDDEN_S: i32 = 60;
/// Most letters that are gone through to find some by name.
const MOST_LOOKED_AT: usize = 10_000;

/// Where a consumer's deliveries and its dead letters lie.
#[derive(Debug, Clone)]
pub struct LetterPlaces {
    /// The URL of its queue.
    pub queue: String,
    /// The URL of its dead-letter queue.
    pub dead_letters: String,
}

/// The dead letters of the bus's consumers. A letter's key is the id of its message.
///
/// SQS finds no message by name: to look is to receive all of them, hide them for a minute and show them again.
#[derive(Debug, Clone)]
pub struct SqsDeadLetters {
    client: Client,
    places: HashMap<String, LetterPlaces>,
    /// How long an empty answer is waited for, in seconds; 0 for emulators.
    wait_s: i32,
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> QueueError {
    QueueError(error.into())
}

impl SqsDeadLetters {
    /// `places` by the consumers' names. `wait` is how long one call waits for letters, in whole seconds: an answer
    /// that waited for nothing may be empty though there are some, but on emulators.
    pub fn new(client: Client, places: HashMap<String, LetterPlaces>, wait: Duration) -> Self {
        Self { client, places, wait_s: i32::try_from(wait.as_secs()).unwrap_or(1) }
    }

    fn places(&self, consumer: &str) -> Result<&LetterPlaces, QueueError> {
        self.places.get(consumer).ok_or_else(|| failed(format!("no dead letters of {consumer} are known")))
    }

    /// Receives letters, each once, until there are no more, there are `limit`, or all of `wanted` are found.
    async fn take(&self, url: &str, limit: usize, wanted: Option<&[String]>) -> Result<Vec<Message>, QueueError> {
        let mut taken: HashMap<String, Message> = HashMap::new();
        while taken.len() < limit && !wanted.is_some_and(|ids| ids.iter().all(|id| taken.contains_key(id))) {
            let call = self
                .client
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(MOST_MESSAGES)
                .wait_time_seconds(self.wait_s)
                .visibility_timeout(HIDDEN_S)
                .message_attribute_names("All")
                .message_system_attribute_names(System::SentTimestamp)
                .message_system_attribute_names(System::ApproximateReceiveCount);
            let found = call.send().await.map_err(failed)?.messages.unwrap_or_default();
            let before = taken.len();
            let found = found.into_iter().filter_map(|message| Some((message.message_id.clone()?, message)));
            taken.extend(found);
            if taken.len() == before {
                break;
            }
        }
        Ok(taken.into_values().collect())
    }

    /// Shows letters again to whoever looks next. What cannot be shown now shows itself in a minute.
    async fn release(&self, url: &str, messages: &[Message]) -> Result<(), QueueError> {
        for batch in messages.chunks(10) {
            let entries = batch.iter().enumerate().map(|(place, message)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(place.to_string())
                    .set_receipt_handle(message.receipt_handle.clone())
                    .visibility_timeout(0)
                    .build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
            let call = self.client.change_message_visibility_batch().queue_url(url).set_entries(Some(entries));
            call.send().await.map_err(failed)?;
        }
        Ok(())
    }

    /// Deals with letters by name, in the order of the names, and takes those out of the queue.
    async fn remove(&self, consumer: &str, keys: &[String], resend: bool) -> Result<u64, QueueError> {
        let LetterPlaces { queue, dead_letters } = self.places(consumer)?;
        let taken = self.take(dead_letters, MOST_LOOKED_AT, Some(keys)).await?;
        let (mut named, others): (Vec<_>, Vec<_>) =
            taken.into_iter().partition(|message| message.message_id.as_ref().is_some_and(|id| keys.contains(id)));
        named.sort_by_key(|message| keys.iter().position(|key| Some(key) == message.message_id.as_ref()));
        let dealt = async {
            for message in &named {
                // Sent before it is deleted: what happens twice does no harm, what is lost does.
                if resend {
                    let body = message.body.clone().unwrap_or_default();
                    self.client.send_message().queue_url(queue).message_body(body).send().await.map_err(failed)?;
                }
                let delete = self.client.delete_message().queue_url(dead_letters);
                delete.set_receipt_handle(message.receipt_handle.clone()).send().await.map_err(failed)?;
            }
            Ok(named.len() as u64)
        };
        let dealt = dealt.await;
        self.release(dead_letters, &others).await?;
        dealt
    }
}

#[async_trait]
impl DeadLetters for SqsDeadLetters {
    async fn list(&self, consumer: &str, limit: usize) -> Result<Vec<Letter>, QueueError> {
        let url = &self.places(consumer)?.dead_letters;
        let taken = self.take(url, limit, None).await?;
        self.release(url, &taken).await?;
        Ok(taken.into_iter().filter_map(|message| letter(consumer, message)).take(limit).collect())
    }

    async fn count(&self, consumer: &str) -> Result<u64, QueueError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.client.get_queue_attributes().queue_url(&self.places(consumer)?.dead_letters);
        let attributes = call.attribute_names(name.clone()).send().await.map_err(failed)?.attributes;
        Ok(attributes.and_then(|all| all.get(&name)?.parse().ok()).unwrap_or_default())
    }

    async fn put_back(&self, consumer: &str, keys: &[String]) -> Result<u64, QueueError> {
        self.remove(consumer, keys, true).await
    }

    async fn strip(&self, consumer: &str, streams: &BTreeSet<StreamId>) -> Result<u64, QueueError> {
        let url = &self.places(consumer)?.dead_letters;
        let taken = self.take(url, MOST_LOOKED_AT, None).await?;
        let private = |message: &Message| {
            let event = read_body(message.body.as_deref()?).ok()?;
            (streams.contains(&event.stream) && event.private.is_some()).then_some(event)
        };
        let (mut stripped, mut others) = (0, Vec::new());
        for message in taken {
            let Some(event) = private(&message) else {
                others.push(message);
                continue;
            };
            let body = write_body(&Envelope { private: None, ..event }).map_err(failed)?;
            let send = self.client.send_message().queue_url(url).message_body(body);
            send.set_message_attributes(message.message_attributes).send().await.map_err(failed)?;
            let delete = self.client.delete_message().queue_url(url).set_receipt_handle(message.receipt_handle);
            delete.send().await.map_err(failed)?;
            stripped += 1;
        }
        self.release(url, &others).await?;
        Ok(stripped)
    }

    async fn discard(&self, consumer: &str, keys: &[String]) -> Result<u64, QueueError> {
        self.remove(consumer, keys, false).await
    }
}

fn letter(consumer: &str, message: Message) -> Option<Letter> {
    let said = |name: &str| message.message_attributes.as_ref()?.get(name)?.string_value.clone();
    let known = |name: System| message.attributes.as_ref()?.get(&name)?.parse::<i64>().ok();
    let events: Vec<_> = read_body(message.body.as_deref().unwrap_or_default()).ok().into_iter().collect();
    let received = || known(System::ApproximateReceiveCount).and_then(|count| u32::try_from(count).ok());
    Some(Letter {
        about: events.first().map(|event| (event.stream, event.version)),
        events,
        attempts: said("attempts").and_then(|count| count.parse().ok()).or_else(received).unwrap_or_default(),
        at: known(System::SentTimestamp).map(Timestamp::from_millis),
        reason: said("reason").unwrap_or_else(|| "received too often".to_owned()),
        id: LetterId { consumer: consumer.to_owned(), key: message.message_id? },
    })
}
