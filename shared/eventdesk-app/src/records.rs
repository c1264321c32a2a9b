//! What commands and queries answer: the facts and texts of one thing, and what other streams feed into it.

use eventdesk_domain::{employee::EmployeeFacts, message::MessageFacts, ticket::TicketFacts, user::UserFacts};
use eventdesk_events::{
    EmployeeId, MessageId, TicketId, Timestamp, UserId, Version, employee::EmployeeProfile, ticket::TicketText,
    user::UserProfile,
};

/// A ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketRecord {
    /// Its id.
    pub id: TicketId,
    /// The version of its own stream.
    pub version: Version,
    /// What its decider knows.
    pub facts: TicketFacts,
    /// Title and description, unless erased.
    pub text: TicketText,
    /// What other streams feed; only queries know it.
    pub fed: Option<TicketFed>,
}

/// What other streams feed into a ticket's representation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TicketFed {
    /// Grows with every change of what stands here: the part of the `ETag` after the dot; 0 = nothing yet.
    pub revision: u64,
    /// The requester's display name, the last known one after deletion.
    pub requester_name: Option<String>,
    /// The assignee's display name, the last known one after deletion.
    pub assignee_name: Option<String>,
    /// Messages that the caller may read.
    pub message_count: u64,
    /// The newest of them.
    pub last_message_at: Option<Timestamp>,
    /// The first public message of staff.
    pub first_response_at: Option<Timestamp>,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRecord {
    /// Its id.
    pub id: MessageId,
    /// The version of its own stream.
    pub version: Version,
    /// What its decider knows.
    pub facts: MessageFacts,
    /// The text, unless retracted or erased.
    pub body: Option<String>,
    /// The author's display name; only queries know it.
    pub author: Option<NameAt>,
}

/// A display name with its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAt {
    /// First and last name; `None` if erased.
    pub name: Option<String>,
    /// The version of the record that last changed it, 0 if none is known: grows when the name changes, and only then.
    pub version: u64,
}

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub struct UserRecord {
    /// Their id.
    pub id: UserId,
    /// The version of their own stream.
    pub version: Version,
    /// What their decider knows.
    pub facts: UserFacts,
    /// Names and contacts, unless erased.
    pub profile: Option<UserProfile>,
}

/// An employee.
#[derive(Debug, Clone, PartialEq)]
pub struct EmployeeRecord {
    /// Their id.
    pub id: EmployeeId,
    /// The version of their own stream.
    pub version: Version,
    /// What their decider knows.
    pub facts: EmployeeFacts,
    /// Personal details, unless erased.
    pub profile: Option<EmployeeProfile>,
    /// Tickets about them that are neither solved nor closed; only queries know it.
    pub open_tickets: Option<u64>,
}

/// Bytes of a consistency token: streams with the versions that a command left them at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsistencyToken(pub Vec<(eventdesk_events::StreamId, Version)>);

/// Most streams a token may name.
const TOKEN_STREAMS: usize = 16;

impl ConsistencyToken {
    /// Reads `<stream>@<version>[,…]`, at most 16 of them.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = text.split(',').map(|part| {
            let (stream, version) = part.trim().rsplit_once('@')?;
            let version: u64 = version.parse().ok()?;
            Some((eventdesk_events::StreamId::parse(stream).ok()?, Version::new(version)))
        });
        let streams: Vec<_> = parts.collect::<Option<_>>()?;
        (streams.len() <= TOKEN_STREAMS).then_some(Self(streams))
    }
}

impl std::fmt::Display for ConsistencyToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (stream, version)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{stream}@{version}")?;
        }
        Ok(())
    }
}
