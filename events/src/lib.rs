//! The public event contract of eventdesk: ids, payloads, the envelope and the upcasters.
//!
//! Consumers of the bus, of webhooks or of the event feed depend on this crate alone. It does no I/O, reads no
//! clock and makes no random ids. JSON Schemas of everything published stand in `schemas/`, one sample of each
//! type and schema version in `golden/`.
//!
//! Facts stand in an event's `data`, free text and contact details in its `private` part, which redaction and
//! erasure may remove later: a reader must cope with its absence.

mod canonical;
pub mod employee;
mod envelope;
mod event;
mod ids;
pub mod message;
mod parsed;
mod payload;
pub mod roster;
mod schema;
mod stream;
mod text_form;
pub mod ticket;
mod timestamp;
mod upcast;
pub mod user;

pub use envelope::{Actor, ActorKind, DecodeError, Envelope};
pub use event::{Encoded, Event, EventTypeEntry};
pub use ids::{CommitId, EmployeeId, EventId, MessageId, ParseIdError, TicketId, UserId};
pub use payload::{Nothing, Payload};
pub use schema::envelope_schema;
pub use stream::{ParseStreamError, StreamId, Version};
pub use timestamp::{ParseTimestampError, Timestamp};
