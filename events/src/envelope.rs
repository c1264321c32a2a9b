//! The form in which an event travels: on the bus, in webhooks and in the feed.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Event, EventId, StreamId, Timestamp, Version, event::Parts, upcast};

/// What an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// A service account.
    Service,
    /// The desk itself: bootstrap and the operators' tools.
    System,
}

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// The principal: a user id, a service account's id, or the tool's name.
    pub id: String,
    /// What it is.
    pub kind: ActorKind,
}

/// One event with everything a consumer needs to place it.
///
/// `data` and `private` are kept as the JSON text they came in; [`Envelope::event`] reads them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "One event with everything a consumer needs to place it.")]
pub struct Envelope {
    /// UUIDv7, unique per event: consumers drop repeats by it.
    pub id: EventId,
    /// `ticket.opened` and the like; also the `detail-type` on the bus.
    #[serde(rename = "type")]
    pub event_type: Cow<'static, str>,
    /// The schema version of `data` and `private`.
    pub schema_version: u16,
    /// The aggregate.
    pub stream: StreamId,
    /// The commit's place in the stream, shared by all events of the commit.
    pub version: Version,
    /// The event's place in the commit, from 0.
    pub index: u16,
    /// How many events the commit has.
    pub count: u16,
    /// When the commit was made.
    pub occurred_at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The request that started the chain of causes.
    pub correlation_id: Uuid,
    /// The event that this one answers to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub causation_id: Option<EventId>,
    /// The W3C trace id, 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace_id: Option<String>,
    /// The facts.
    pub data: Box<RawValue>,
    /// Free text and contact details, unless there are none or they were removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub private: Option<Box<RawValue>>,
    /// Whether `private` was left out for size: it still stands in the store.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub private_omitted: bool,
    /// The name of the replay that publishes the event once more; whoever acts on the world outside leaves such alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replay: Option<String>,
}

/// Why an event's content could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No build of this crate knows the type.
    #[error("unknown event type {0}")]
    UnknownType(String),
    /// A newer build wrote it.
    #[error("{event_type} has schema version {found}, newer than {known}")]
    TooNew {
        /// The type.
        event_type: String,
        /// The version it says.
        found: u16,
        /// The newest this build reads.
        known: u16,
    },
    /// The parts do not have the type's shape.
    #[error("malformed {event_type}")]
    Malformed {
        /// The type.
        event_type: String,
        /// What did not fit.
        source: serde_json::Error,
    },
}

impl Envelope {
    /// The event inside, brought to today's schema.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::read(&self.event_type, self.schema_version, &self.data, self.private.as_deref())
    }
}

impl Event {
    /// Reads an event of any schema version ever published; older ones are upcast.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn read(
        event_type: &str,
        schema_version: u16,
        data: &RawValue,
        private: Option<&RawValue>,
    ) -> Result<Self, DecodeError> {
        let malformed = |source| DecodeError::Malformed { event_type: event_type.to_owned(), source };
        let parts = Parts { data: data.get(), private: private.map(RawValue::get) };
        let known =
            upcast::current_version(event_type).ok_or_else(|| DecodeError::UnknownType(event_type.to_owned()))?;
        let decoded = match schema_version.cmp(&known) {
            std::cmp::Ordering::Equal => Self::decode(event_type, parts),
            std::cmp::Ordering::Greater => {
                return Err(DecodeError::TooNew { event_type: event_type.to_owned(), found: schema_version, known });
            }
            std::cmp::Ordering::Less => {
                let (data, private) = upcast::to_current(event_type, schema_version, parts).map_err(malformed)?;
                Self::decode(event_type, Parts { data: &data, private: private.as_deref() })
            }
        };
        decoded.ok_or_else(|| DecodeError::UnknownType(event_type.to_owned()))?.map_err(malformed)
    }
}
