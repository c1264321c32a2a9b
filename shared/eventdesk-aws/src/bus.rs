//! The bus: EventBridge takes the events, and SQS brings each consumer those that its rule lets through.
//!
//! Both deliver at least once and in no order, and one message carries one event. What cannot be worked through is a
//! dead letter after its last attempt, with the reason in the attributes of the message.

mod address;
mod dead_letters;
mod failures;
mod message;
mod publisher;
mod queue;

pub use address::queue_url;
pub use dead_letters::{LetterPlaces, SqsDeadLetters};
pub use failures::{FailedMessage, Failures};
pub use message::{NoEvent, SOURCE, read_body, write_body};
pub use publisher::EventBridgePublisher;
pub use queue::{SqsQueue, SqsQueueOptions};
