//! Messages.

use eventdesk_app::MessageRecord;
use eventdesk_events::{
    MessageId, TicketId, Timestamp, UserId, Version,
    message::{AuthorKind, Visibility},
};
use schemars::JsonSchema;
use serde::Serialize;

/// A message of a ticket's conversation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Message")]
pub(crate) struct MessageView<'a> {
    /// Its id.
    id: MessageId,
    /// The ticket it belongs to.
    ticket_id: TicketId,
    /// Who wrote it.
    author: AuthorView<'a>,
    /// Who may read it.
    visibility: Visibility,
    /// The text; absent once retracted or erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    /// When it was posted.
    created_at: Timestamp,
    /// When its text was last replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Timestamp>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    retracted_at: Option<Timestamp>,
    /// Grows with each change of the message.
    version: Version,
}

/// Who wrote a message.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Author")]
struct AuthorView<'a> {
    /// The user.
    id: UserId,
    /// The last known display name; absent in a command's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// On which side of the desk they stand.
    kind: AuthorKind,
}

impl<'a> MessageView<'a> {
    /// The message; whether the caller may read it was decided before.
    pub(crate) fn new(record: &'a MessageRecord) -> Self {
        let facts = &record.facts;
        let name = record.author.as_ref().and_then(|author| author.name.as_deref());
        Self {
            id: record.id,
            ticket_id: facts.ticket_id,
            author: AuthorView { id: facts.author.id, name, kind: facts.author.kind },
            visibility: facts.visibility,
            body: record.body.as_deref(),
            created_at: facts.created_at,
            edited_at: facts.edited_at,
            retracted_at: facts.retracted_at,
            version: record.version,
        }
    }
}
