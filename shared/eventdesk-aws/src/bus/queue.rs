//! One consumer's queue on SQS.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    config::timeout::TimeoutConfig,
    types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName},
};
use eventdesk_app::ports::{Delivery, DeliveryId, Progress, Queue, QueueError, Settlement};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::{
    failures::{FailedMessage, Failures},
    message::read_body,
};

/// What one call receives or deletes.
const MOST_MESSAGES: usize = 10;
/// How many calls run at once to settle a batch.
const PARALLEL: usize = 4;
/// How often a deletion that the service failed is asked for, the first time included.
const MOST_ATTEMPTS: u32 = 3;
/// A message that nobody settled in so long a time was settled by somebody else.
const FORGET_AFTER: Duration = Duration::from_hours(1);
/// As many unsettled messages are kept without looking for such.
const ROOM: usize = 1000;

/// How a [`SqsQueue`] waits and gives up.
#[derive(Debug, Clone)]
pub struct SqsQueueOptions {
    /// How long a delivery may stay unsettled before it is handed out again, in whole seconds; the queue's own setting
    /// if there is none.
    pub visibility: Option<Duration>,
    /// The wait after the first, second, … failed attempt, in whole seconds; after one attempt more than there are
    /// waits a message is dead.
    pub backoff: Vec<Duration>,
    /// How long one call waits for messages, in whole seconds up to 20. 0 = not at all: for emulators.
    pub wait: Duration,
    /// The pause after a call that waited for nothing and brought nothing.
    pub poll: Duration,
}

impl Default for SqsQueueOptions {
    fn default() -> Self {
        Self {
            visibility: None,
            backoff: [1, 5, 30, 120, 600].map(Duration::from_secs).to_vec(),
            wait: Duration::from_secs(20),
            poll: Duration::from_millis(200),
        }
    }
}

/// A message that was handed out.
struct Held {
    receipt: String,
    body: String,
    attempts: u32,
    since: Instant,
}

/// The queue of one consumer behind a rule of the bus.
///
/// A delivery carries one event; its id is the message's, so a late answer settles the message by its newest receipt.
pub struct SqsQueue {
    client: Client,
    url: String,
    options: SqsQueueOptions,
    failures: Failures,
    // A std mutex, for it is never held across an await.
    held: Mutex<HashMap<String, Held>>,
}

impl fmt::Debug for SqsQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsQueue").field("url", &self.url).finish_non_exhaustive()
    }
}

impl SqsQueue {
    /// The queue at `url`. What fails for the last time goes to the queue at `dead_letters`; without one it stays until
    /// the queue's redrive policy takes it away.
    pub fn new(client: Client, url: impl Into<String>, dead_letters: Option<String>, options: SqsQueueOptions) -> Self {
        let url = url.into();
        let failures = Failures::new(client.clone(), url.clone(), dead_letters, options.backoff.clone());
        Self { client, url, options, failures, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call.
    async fn look(&self, most: usize, wait: Duration) -> Result<Vec<Message>, QueueError> {
        let call = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(most.min(MOST_MESSAGES)).unwrap_or(1))
            .wait_time_seconds(seconds(wait))
            .set_visibility_timeout(self.options.visibility.map(seconds))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let answer = if wait.is_zero() {
            call.send().await
        } else {
            // The client's own limits are for calls that answer at once.
            let limit = wait + Duration::from_secs(5);
            let limits = TimeoutConfig::builder().operation_attempt_timeout(limit).operation_timeout(limit * 2);
            let patient = aws_sdk_sqs::config::Config::builder().timeout_config(limits.build());
            call.customize().config_override(patient).send().await
        };
        Ok(answer.map_err(|error| QueueError(error.into()))?.messages.unwrap_or_default())
    }

    /// What can be handed out of these messages; the others have failed by themselves.
    async fn hand_out(&self, messages: Vec<Message>, found: &mut Vec<Delivery>) {
        let mut unreadable = Vec::new();
        for message in messages {
            let (Some(id), Some(receipt)) = (message.message_id, message.receipt_handle) else { continue };
            let received = message.attributes.as_ref().and_then(|attributes| {
                attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount)?.parse().ok()
            });
            let (attempts, body) = (received.unwrap_or(1), message.body.unwrap_or_default());
            match read_body(&body) {
                Ok(event) => {
                    let held = Held { receipt, body, attempts, since: Instant::now() };
                    self.hold(id.clone(), held);
                    found.push(Delivery { id: DeliveryId(id), attempt: attempts, events: vec![event] });
                }
                Err(reason) => {
                    let reason = reason.to_string();
                    unreadable.push(FailedMessage { id, receipt, body, attempts, reason });
                }
            }
        }
        // What cannot be settled now comes again, and so does the reason.
        if let Err(error) = self.fail(unreadable).await {
            warn!(error = &error as &dyn std::error::Error, "unreadable messages stay in the queue");
        }
    }

    fn hold(&self, id: String, message: Held) {
        let mut held = self.held();
        if held.len() >= ROOM {
            held.retain(|_, message| message.since.elapsed() < FORGET_AFTER);
        }
        held.insert(id, message);
    }

    async fn fail(&self, failed: Vec<FailedMessage>) -> Result<(), QueueError> {
        if failed.is_empty() {
            return Ok(());
        }
        let dead = self.failures.settle(failed).await?;
        self.delete(dead.into_iter().map(|message| message.receipt).collect()).await
    }

    /// Deletes messages by their receipts. All calls are made, whatever becomes of one of them.
    async fn delete(&self, receipts: Vec<String>) -> Result<(), QueueError> {
        let calls: Vec<_> = receipts.chunks(MOST_MESSAGES).map(<[_]>::to_vec).collect();
        let calls = stream::iter(calls).map(|receipts| self.delete_some(receipts));
        let outcomes: Vec<_> = calls.buffer_unordered(PARALLEL).collect().await;
        outcomes.into_iter().collect()
    }

    async fn delete_some(&self, receipts: Vec<String>) -> Result<(), QueueError> {
        let entry = |place: usize| {
            DeleteMessageBatchRequestEntry::builder().id(place.to_string()).receipt_handle(&receipts[place]).build()
        };
        let mut left: Vec<usize> = (0..receipts.len()).collect();
        for attempt in 1..=MOST_ATTEMPTS {
            let entries = left.iter().map(|place| entry(*place)).collect::<Result<Vec<_>, _>>();
            let entries = entries.map_err(|error| QueueError(error.into()))?;
            let call = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let answer = call.send().await.map_err(|error| QueueError(error.into()))?;
            // An outdated receipt never becomes valid; its message is on its way again.
            let (lasting, again): (Vec<_>, Vec<_>) = answer.failed.into_iter().partition(|entry| entry.sender_fault);
            for entry in lasting {
                debug!(code = entry.code, "a message could not be deleted and comes again");
            }
            left = again.iter().filter_map(|entry| entry.id.parse().ok()).filter(|at| *at < receipts.len()).collect();
            if left.is_empty() {
                return Ok(());
            }
            sleep(Duration::from_millis(50) * attempt).await;
        }
        Err(QueueError(format!("{} messages could not be deleted", left.len()).into()))
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        let max = max.max(1);
        loop {
            let mut found = Vec::new();
            let mut messages = self.look(max, self.options.wait).await?;
            loop {
                let full = messages.len() >= MOST_MESSAGES;
                self.hand_out(messages, &mut found).await;
                if !full || found.len() >= max {
                    break;
                }
                messages = match self.look(max - found.len(), Duration::ZERO).await {
                    Ok(messages) => messages,
                    // What is in hand must not wait for it.
                    Err(error) if !found.is_empty() => {
                        debug!(error = &error as &dyn std::error::Error, "no more messages can be received");
                        break;
                    }
                    Err(error) => return Err(error),
                };
            }
            if !found.is_empty() {
                return Ok(found);
            }
            if self.options.wait.is_zero() {
                sleep(self.options.poll).await;
            }
        }
    }

    fn progress(&self, _settlement: &Settlement) -> Option<Progress> {
        None
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), QueueError> {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        {
            let mut held = self.held();
            done.extend(settlement.done.iter().filter_map(|id| held.remove(&id.0)).map(|message| message.receipt));
            for (DeliveryId(id), reason) in settlement.failed {
                if let Some(Held { receipt, body, attempts, .. }) = held.remove(&id) {
                    failed.push(FailedMessage { id, receipt, body, attempts, reason });
                }
            }
        }
        let (deleted, settled) = tokio::join!(self.delete(done), self.fail(failed));
        deleted.and(settled)
    }
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}
