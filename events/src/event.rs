//! All events of the desk as one type, and the catalogue of their names.

use schemars::{Schema, SchemaGenerator};
use serde_json::value::RawValue;

use crate::{
    Payload, employee::EmployeeEvent, message::MessageEvent, roster::RosterEvent, ticket::TicketEvent, user::UserEvent,
};

/// Any event of the desk.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Of a ticket.
    Ticket(TicketEvent),
    /// Of a message.
    Message(MessageEvent),
    /// Of a user.
    User(UserEvent),
    /// Of an employee.
    Employee(EmployeeEvent),
    /// Of the set of active admins.
    Roster(RosterEvent),
}

/// The two JSON parts of an event as they are stored.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The facts.
    pub data: Box<RawValue>,
    /// Free text and contact details.
    pub private: Option<Box<RawValue>>,
}

impl Encoded {
    pub(crate) fn of<P: Payload>(payload: &P) -> Result<Self, serde_json::Error> {
        Ok(Self {
            data: serde_json::value::to_raw_value(payload)?,
            private: payload.private().map(serde_json::value::to_raw_value).transpose()?,
        })
    }
}

/// The two JSON parts of an event on their way in.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) data: &'a str,
    pub(crate) private: Option<&'a str>,
}

impl Parts<'_> {
    pub(crate) fn payload<P: Payload>(self) -> Result<P, serde_json::Error> {
        let private = self.private.map(serde_json::from_str).transpose()?;
        Ok(serde_json::from_str::<P>(self.data)?.with_private(private))
    }
}

/// One published event type: its name, today's schema version and the schemas of its parts.
#[derive(Clone, Copy)]
pub struct EventTypeEntry {
    /// The name, `ticket.opened` and the like.
    pub event_type: &'static str,
    /// The schema version that this build writes.
    pub schema_version: u16,
    /// The schema of `data`.
    pub data: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of `private`, `None` where an event has no such part.
    pub private: Option<fn(&mut SchemaGenerator) -> Schema>,
}

impl EventTypeEntry {
    pub(crate) const fn of<P: Payload>(event_type: &'static str, schema_version: u16) -> Self {
        Self {
            event_type,
            schema_version,
            data: SchemaGenerator::subschema_for::<P>,
            private: if P::HAS_PRIVATE { Some(SchemaGenerator::subschema_for::<P::Private>) } else { None },
        }
    }
}

impl Event {
    /// The type name on the bus, `ticket.opened` and the like.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Ticket(e) => e.event_type(),
            Self::Message(e) => e.event_type(),
            Self::User(e) => e.event_type(),
            Self::Employee(e) => e.event_type(),
            Self::Roster(e) => e.event_type(),
        }
    }

    /// The schema version that this build writes.
    pub const fn schema_version(&self) -> u16 {
        match self {
            Self::Ticket(e) => e.schema_version(),
            Self::Message(e) => e.schema_version(),
            Self::User(e) => e.schema_version(),
            Self::Employee(e) => e.schema_version(),
            Self::Roster(e) => e.schema_version(),
        }
    }

    /// Writes the facts and the private part as JSON.
    ///
    /// # Errors
    /// Only what `serde_json` reports for values that JSON cannot hold; no event has such.
    pub fn encode(&self) -> Result<Encoded, serde_json::Error> {
        match self {
            Self::Ticket(e) => e.encode(),
            Self::Message(e) => e.encode(),
            Self::User(e) => e.encode(),
            Self::Employee(e) => e.encode(),
            Self::Roster(e) => e.encode(),
        }
    }

    pub(crate) fn decode(event_type: &str, parts: Parts<'_>) -> Option<Result<Self, serde_json::Error>> {
        let category = event_type.split_once('.')?.0;
        match category {
            "ticket" => TicketEvent::decode(event_type, parts).map(|r| r.map(Self::Ticket)),
            "message" => MessageEvent::decode(event_type, parts).map(|r| r.map(Self::Message)),
            "user" => UserEvent::decode(event_type, parts).map(|r| r.map(Self::User)),
            "employee" => EmployeeEvent::decode(event_type, parts).map(|r| r.map(Self::Employee)),
            "roster" => RosterEvent::decode(event_type, parts).map(|r| r.map(Self::Roster)),
            _ => None,
        }
    }

    /// The newest schema version of a type, `None` if no such type exists.
    pub fn current_schema_version(event_type: &str) -> Option<u16> {
        match event_type.split_once('.')?.0 {
            "ticket" => TicketEvent::current_schema_version(event_type),
            "message" => MessageEvent::current_schema_version(event_type),
            "user" => UserEvent::current_schema_version(event_type),
            "employee" => EmployeeEvent::current_schema_version(event_type),
            "roster" => RosterEvent::current_schema_version(event_type),
            _ => None,
        }
    }

    /// Every event type, aggregate by aggregate.
    pub fn catalogue() -> impl Iterator<Item = &'static EventTypeEntry> {
        [TicketEvent::ENTRIES, MessageEvent::ENTRIES, UserEvent::ENTRIES, EmployeeEvent::ENTRIES, RosterEvent::ENTRIES]
            .into_iter()
            .flatten()
    }
}
