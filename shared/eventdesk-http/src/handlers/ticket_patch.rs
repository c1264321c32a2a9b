//! Setting some fields of a ticket.

#![expect(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]

use eventdesk_app::commands::EditTicket;
use eventdesk_events::{
    StreamId, Timestamp,
    ticket::{Priority, TicketType},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Answered, ticket_changes::ticket};
use crate::{Problem, request::Request};

/// Fields of a ticket to set, as a JSON merge patch (RFC 7396): what is absent stays.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketPatch {
    /// 1 to 200 characters, one line.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 200))]
    title: Option<Option<String>>,
    /// 1 to 20,000 characters.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 20_000))]
    description: Option<Option<String>>,
    /// How soon it wants attention; `null` makes it `normal`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Priority>")]
    priority: Option<Option<Priority>>,
    /// What it is about; `null` takes it away.
    #[serde(default, rename = "type", deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TicketType>")]
    ticket_type: Option<Option<TicketType>>,
    /// All tags it shall have; `null` takes all away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    tags: Option<Option<Vec<String>>>,
    /// When it should be solved; `null` takes the date away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Timestamp>")]
    due_at: Option<Option<Timestamp>>,
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Text that cannot be taken away.
fn kept(name: &str, value: Option<Option<String>>) -> Result<Option<String>, Problem> {
    match value {
        Some(None) => Err(Problem::invalid_field(format!("/{name}"), "required", "cannot be taken away")),
        Some(Some(text)) => Ok(Some(text)),
        None => Ok(None),
    }
}

pub(crate) async fn patch(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let body: TicketPatch = r.json()?;
    let command = EditTicket {
        id,
        title: kept("title", body.title.clone())?,
        description: kept("description", body.description.clone())?,
        priority: body.priority.map(Option::unwrap_or_default),
        ticket_type: body.ticket_type,
        tags: body.tags.clone().map(Option::unwrap_or_default),
        due_at: body.due_at,
    };
    let done = r.change(command, StreamId::Ticket(id), &body).await?;
    ticket(r, &done)
}
