//! Streams and the places in them.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{EmployeeId, MessageId, TicketId, UserId, parsed::parsed};

/// The ordered commits of one aggregate; text form `ticket-<uuid>`, `message-<uuid>`, `user-<uuid>`,
/// `employee-<uuid>` or `roster-admins`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// A ticket.
    Ticket(TicketId),
    /// One message; it names its ticket.
    Message(MessageId),
    /// A user.
    User(UserId),
    /// An employee.
    Employee(EmployeeId),
    /// The set of active admins.
    AdminRoster,
}

/// A text that names no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a stream id")]
pub struct ParseStreamError;

impl StreamId {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`ParseStreamError`] if `text` has another category or no UUID.
    pub fn parse(text: &str) -> Result<Self, ParseStreamError> {
        if text == "roster-admins" {
            return Ok(Self::AdminRoster);
        }
        let (category, id) = text.split_once('-').ok_or(ParseStreamError)?;
        match category {
            "ticket" => TicketId::parse(id).map(Self::Ticket),
            "message" => MessageId::parse(id).map(Self::Message),
            "user" => UserId::parse(id).map(Self::User),
            "employee" => EmployeeId::parse(id).map(Self::Employee),
            _ => return Err(ParseStreamError),
        }
        .map_err(|_| ParseStreamError)
    }

    /// The part before the first hyphen: `ticket`, `message`, `user`, `employee` or `roster`.
    pub const fn category(self) -> &'static str {
        match self {
            Self::Ticket(_) => "ticket",
            Self::Message(_) => "message",
            Self::User(_) => "user",
            Self::Employee(_) => "employee",
            Self::AdminRoster => "roster",
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket(id) => write!(f, "ticket-{id}"),
            Self::Message(id) => write!(f, "message-{id}"),
            Self::User(id) => write!(f, "user-{id}"),
            Self::Employee(id) => write!(f, "employee-{id}"),
            Self::AdminRoster => f.write_str("roster-admins"),
        }
    }
}

impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, "a stream id", Self::parse)
    }
}

impl JsonSchema for StreamId {
    fn schema_name() -> Cow<'static, str> {
        "StreamId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^((ticket|message|user|employee)-[0-9a-f-]{36}|roster-admins)$",
            "description": "The aggregate whose history this belongs to.",
        })
    }
}

/// A commit's place in its stream: 1, 2, … without gaps. 0 stands for a stream that does not exist yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// No commit yet.
    pub const NONE: Self = Self(0);
    /// The first commit's.
    pub const FIRST: Self = Self(1);

    /// The version with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version of the commit after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
