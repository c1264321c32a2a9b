//! The unit that is stored, published and applied.

use std::borrow::Cow;

use eventdesk_events::{Actor, CommitId, DecodeError, Envelope, Event, EventId, StreamId, Timestamp, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A commit's place in the whole store, ascending in the order of appends, with gaps allowed. 0 is before all.
///
/// Only stores that live in one place have it; it is never shown to API callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// Events appended to one stream as one unit, with the aggregate's decision state after them. Immutable, but for
/// the removal of private parts by erasure and redaction.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The aggregate.
    pub stream: StreamId,
    /// The place in the stream, gapless from 1.
    pub version: Version,
    /// Fresh per execution of a command and stream, so that a writer recognises its own commit.
    pub id: CommitId,
    /// When it was made, by the writer's clock.
    pub at: Timestamp,
    /// Who made it.
    pub actor: Actor,
    /// The request that started the chain of causes.
    pub correlation_id: Uuid,
    /// The event that this commit answers to.
    pub causation_id: Option<EventId>,
    /// The W3C trace id.
    pub trace_id: Option<String>,
    /// What happened, in order; never empty.
    pub events: Vec<RecordedEvent>,
    /// The decision state after the events.
    pub state: StoredState,
}

/// One event as stored.
#[derive(Debug, Clone)]
pub struct RecordedEvent {
    /// `ticket.opened` and the like.
    pub event_type: Cow<'static, str>,
    /// The schema version of both parts.
    pub schema_version: u16,
    /// The facts.
    pub data: Box<RawValue>,
    /// Free text and contact details, unless none or removed.
    pub private: Option<Box<RawValue>>,
}

/// An aggregate's decision state as JSON, marked with the version of its shape and reducer.
#[derive(Debug, Clone)]
pub struct StoredState {
    /// A state with another version than the reader's is never used: it folds the events again.
    pub version: u16,
    /// About 4 KB at most, no private text.
    pub json: Box<RawValue>,
}

impl RecordedEvent {
    /// Records a typed event in today's schema.
    ///
    /// # Errors
    /// As [`Event::encode`].
    pub fn of(event: &Event) -> Result<Self, serde_json::Error> {
        let encoded = event.encode()?;
        Ok(Self {
            event_type: Cow::Borrowed(event.event_type()),
            schema_version: event.schema_version(),
            data: encoded.data,
            private: encoded.private,
        })
    }

    /// The typed event, upcast to today's schema.
    ///
    /// # Errors
    /// As [`Event::read`].
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::read(&self.event_type, self.schema_version, &self.data, self.private.as_deref())
    }
}

impl Commit {
    /// The id of the event at `index`.
    pub fn event_id(&self, index: u16) -> EventId {
        EventId::of(self.id, index)
    }

    /// The events in the form in which they travel.
    pub fn envelopes(&self) -> impl Iterator<Item = Envelope> + '_ {
        let count = u16::try_from(self.events.len()).unwrap_or(u16::MAX);
        (0..count).zip(&self.events).map(move |(index, event)| Envelope {
            id: self.event_id(index),
            event_type: event.event_type.clone(),
            schema_version: event.schema_version,
            stream: self.stream,
            version: self.version,
            index,
            count,
            occurred_at: self.at,
            actor: self.actor.clone(),
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            trace_id: self.trace_id.clone(),
            data: event.data.clone(),
            private: event.private.clone(),
            private_omitted: false,
            replay: None,
        })
    }
}
