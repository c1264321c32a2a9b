//! What becomes of messages that could not be worked through.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    types::{ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue},
};
use eventdesk_app::ports::QueueError;
use futures_util::{StreamExt, stream};
use tracing::{error, warn};

/// The longest that a message can be hidden.
const LONGEST_WAIT: Duration = Duration::from_hours(12);
/// How many calls run at once.
const PARALLEL: usize = 4;
/// Longest reason that goes with a dead letter, in characters.
const LONGEST_REASON: usize = 1000;

/// A message that its consumer could not work through.
#[derive(Debug, Clone)]
pub struct FailedMessage {
    /// The message's id.
    pub id: String,
    /// The handle of its last receipt.
    pub receipt: String,
    /// Its body, whatever it is.
    pub body: String,
    /// How often it was received.
    pub attempts: u32,
    /// Why it failed; no private text.
    pub reason: String,
}

/// Hides failed messages until their back-off is over, and brings those that had their last attempt to the dead-letter
/// queue with `reason`, `attempts` and `message_id` as attributes.
///
/// Where there is no dead-letter queue to send to, the last back-off repeats, until the queue's own redrive policy
/// takes the message away.
#[derive(Debug, Clone)]
pub struct Failures {
    client: Client,
    queue_url: String,
    dead_letters: Option<String>,
    backoff: Vec<Duration>,
}

impl Failures {
    /// For the messages of the queue at `queue_url`. `dead_letters` is the URL of its dead-letter queue; `backoff` holds
    /// the wait after the first, second, … failed attempt, in whole seconds: after one attempt more than there are waits
    /// a message is dead.
    pub fn new(
        client: Client,
        queue_url: impl Into<String>,
        dead_letters: Option<String>,
        backoff: Vec<Duration>,
    ) -> Self {
        Self { client, queue_url: queue_url.into(), dead_letters, backoff }
    }

    /// Deals with failed messages; the ones returned are dead letters now and have to be deleted from their queue.
    ///
    /// # Errors
    /// [`QueueError`] if some could neither be hidden nor sent: they come again after the visibility time.
    pub async fn settle(&self, failed: Vec<FailedMessage>) -> Result<Vec<FailedMessage>, QueueError> {
        let (dead, again): (Vec<_>, Vec<_>) = failed.into_iter().partition(|message| self.is_dead(message));
        let sent = stream::iter(dead).map(|message| self.bury(message)).buffer_unordered(PARALLEL).collect::<Vec<_>>();
        let (sent, hidden) = tokio::join!(sent, self.hide(&again));
        hidden?;
        sent.into_iter().collect()
    }

    fn is_dead(&self, message: &FailedMessage) -> bool {
        self.dead_letters.is_some() && message.attempts as usize > self.backoff.len()
    }

    /// Sends a message to the dead-letter queue.
    async fn bury(&self, message: FailedMessage) -> Result<FailedMessage, QueueError> {
        let FailedMessage { id, body, attempts, reason, .. } = &message;
        error!(message.id = id, attempts, reason, "a message was given up");
        self.client
            .send_message()
            .set_queue_url(self.dead_letters.clone())
            .message_body(body)
            .message_attributes("reason", attribute("String", &printable(reason)))
            .message_attributes("attempts", attribute("Number", &attempts.to_string()))
            .message_attributes("message_id", attribute("String", &printable(id)))
            .send()
            .await
            .map_err(|error| QueueError(error.into()))?;
        Ok(message)
    }

    async fn hide(&self, messages: &[FailedMessage]) -> Result<(), QueueError> {
        for batch in messages.chunks(10) {
            let entries = batch.iter().enumerate().map(|(place, message)| {
                warn!(message.id, message.attempts, message.reason, "a message failed");
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(place.to_string())
                    .receipt_handle(&message.receipt)
                    .visibility_timeout(self.wait(message.attempts))
                    .build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|error| QueueError(error.into()))?;
            let call = self.client.change_message_visibility_batch().queue_url(&self.queue_url);
            let answer = call.set_entries(Some(entries)).send().await.map_err(|error| QueueError(error.into()))?;
            // Nothing is lost: such a message comes back when its visibility time is over.
            for failure in answer.failed() {
                warn!(code = failure.code(), "a message's back-off could not be set");
            }
        }
        Ok(())
    }

    /// Seconds.
    fn wait(&self, attempts: u32) -> i32 {
        let place = (attempts.saturating_sub(1) as usize).min(self.backoff.len().saturating_sub(1));
        let wait = self.backoff.get(place).copied().unwrap_or_default().min(LONGEST_WAIT);
        i32::try_from(wait.as_secs()).unwrap_or(0)
    }
}

fn attribute(kind: &str, value: &str) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder().data_type(kind).string_value(value);
    value.build().expect("the data type is set")
}

/// An attribute takes no empty text and few control characters.
fn printable(text: &str) -> String {
    let printable: String =
        text.chars().take(LONGEST_REASON).map(|char| if char.is_control() { ' ' } else { char }).collect();
    if printable.is_empty() { "unknown".to_owned() } else { printable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_never_empty_and_has_no_control_characters() {
        assert_eq!(printable(""), "unknown");
        assert_eq!(printable("a\u{0}b\nc"), "a b c");
        assert_eq!(printable(&"ä".repeat(2000)).chars().count(), LONGEST_REASON);
    }
}
