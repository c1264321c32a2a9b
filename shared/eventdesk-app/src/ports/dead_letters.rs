//! What consumers have given up.

use std::{collections::BTreeSet, fmt, str::FromStr};

use async_trait::async_trait;
use eventdesk_events::{Envelope, StreamId, Timestamp, Version};

use super::QueueError;

/// Names one dead letter: the consumer that gave up, and what its queue calls the delivery. As text `consumer.key`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    /// The consumer's name, which has no dot.
    pub consumer: String,
    /// The position in the log, or the message's id; no slash, no space.
    pub key: String,
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.consumer, self.key)
    }
}

/// A text that names no dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a dead letter is named like projector-ticket.17")]
pub struct NoLetterId;

impl FromStr for LetterId {
    type Err = NoLetterId;

    fn from_str(text: &str) -> Result<Self, NoLetterId> {
        let plain = |part: &str| {
            let fits = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
            !part.is_empty() && part.len() <= 100 && part.chars().all(fits)
        };
        match text.split_once('.') {
            Some((consumer, key)) if plain(consumer) && plain(key) => {
                Ok(Self { consumer: consumer.to_owned(), key: key.to_owned() })
            }
            _ => Err(NoLetterId),
        }
    }
}

/// A delivery that its consumer tries no more.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its name.
    pub id: LetterId,
    /// Which commit it is of; `None` if that cannot be read.
    pub about: Option<(StreamId, Version)>,
    /// The events inside: the whole commit, or one of its events. Empty if they cannot be read.
    pub events: Vec<Envelope>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up, where the queue knows.
    pub at: Option<Timestamp>,
    /// Why it failed last; no private text.
    pub reason: String,
}

/// The dead letters of all consumers.
///
/// A dead letter stays until it is put back or discarded, or until the queue's retention is over.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Those of one consumer, at most `limit`, in any order.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn list(&self, consumer: &str, limit: usize) -> Result<Vec<Letter>, QueueError>;

    /// About how many one consumer has.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn count(&self, consumer: &str) -> Result<u64, QueueError>;

    /// Has the consumer receive letters again, in this order, as if for the first time; how many there were. They are
    /// dead no longer, and never lost between the two.
    ///
    /// # Errors
    /// [`QueueError`]; some may be put back all the same.
    async fn put_back(&self, consumer: &str, keys: &[String]) -> Result<u64, QueueError>;

    /// Takes the private parts out of letters about these streams; how many had some.
    ///
    /// # Errors
    /// [`QueueError`]; some may be stripped all the same.
    async fn strip(&self, consumer: &str, streams: &BTreeSet<StreamId>) -> Result<u64, QueueError>;

    /// Drops letters for good; how many there were.
    ///
    /// # Errors
    /// [`QueueError`]; some may be gone all the same.
    async fn discard(&self, consumer: &str, keys: &[String]) -> Result<u64, QueueError>;
}
