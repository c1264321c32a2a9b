//! Messages.

use eventdesk_app::{
    access::Permission,
    commands::{EditMessage, PostMessage, RetractMessage},
    queries::MessageFilter,
};
use eventdesk_events::{StreamId, TicketId, UserId, message::Visibility};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, changed, created, gone, shown};
use crate::{
    Problem,
    represent::{MessageView, page},
    request::{Request, etag},
};

/// A new message.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// `public` if not given.
    visibility: Option<Visibility>,
    /// 1 to 50,000 characters, at least one visible.
    #[schemars(required, with = "String", length(min = 1, max = 50_000))]
    body: Option<String>,
}

pub(crate) async fn post(r: &Request<'_>) -> Answered {
    let ticket_id = r.ticket_id()?;
    let body: NewMessage = r.json()?;
    let command = PostMessage {
        ticket_id,
        visibility: body.visibility.unwrap_or_default(),
        body: body.body.clone(),
        may_note: r.may(Permission::MessagesInternal).await?,
    };
    let done = r.create(command, &body).await?;
    let place = format!("/tickets/{ticket_id}/messages/{}", done.record.id);
    created(r, &done, done.record.version, &place, &MessageView::new(&done.record))
}

/// A message's new text.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessagePatch {
    /// 1 to 50,000 characters, at least one visible.
    #[schemars(required, with = "String", length(min = 1, max = 50_000))]
    body: Option<String>,
}

pub(crate) async fn edit(r: &Request<'_>) -> Answered {
    let (ticket_id, id) = (r.ticket_id()?, r.message_id()?);
    let body: MessagePatch = r.json()?;
    let may_note = r.may(Permission::MessagesInternal).await?;
    let command = EditMessage { ticket_id, id, body: body.body.clone(), may_note };
    let done = r.change(command, StreamId::Message(id), &body).await?;
    changed(&done, done.record.version, &MessageView::new(&done.record))
}

pub(crate) async fn retract(r: &Request<'_>) -> Answered {
    let (ticket_id, id) = (r.ticket_id()?, r.message_id()?);
    let any = r.may(Permission::MessagesRetractAny).await?;
    let may_note = r.may(Permission::MessagesInternal).await?;
    let command = RetractMessage { ticket_id, id, any, may_note };
    let done = r.change(command, StreamId::Message(id), &r.no_body()?).await?;
    Ok(gone(&done, Some(done.record.version)))
}

pub(crate) async fn get(r: &Request<'_>) -> Answered {
    let (ticket_id, id) = (r.ticket_id()?, r.message_id()?);
    let may_note = r.may(Permission::MessagesInternal).await?;
    let record = r.queries()?.message(&r.query_context()?, ticket_id, id, may_note).await?;
    let tag = etag(record.version, record.author.as_ref().map_or(0, |author| author.version));
    shown(r, tag, || MessageView::new(&record))
}

pub(crate) async fn list_of_ticket(r: &Request<'_>) -> Answered {
    let filter = MessageFilter { ticket: Some(r.ticket_id()?), ..filter(r).await? };
    list(r, &filter).await
}

pub(crate) async fn list_all(r: &Request<'_>) -> Answered {
    let me = r.caller()?.id;
    let filter = MessageFilter {
        ticket: r.query.read("ticket", "a ticket's id", |text| TicketId::parse(text).ok())?,
        author: r.query.read("author", "a user's id or me", |text| {
            if text == "me" { Some(me) } else { UserId::parse(text).ok() }
        })?,
        after: r.query.time("after")?,
        ..filter(r).await?
    };
    list(r, &filter).await
}

async fn filter(r: &Request<'_>) -> Result<MessageFilter, Problem> {
    let visibility = r.query.read("visibility", "public or internal", |text| {
        [Visibility::Public, Visibility::Internal].into_iter().find(|one| one.as_str() == text)
    })?;
    let may_note = r.may(Permission::MessagesInternal).await?;
    Ok(MessageFilter { visibility, may_note, ..MessageFilter::default() })
}

async fn list(r: &Request<'_>, filter: &MessageFilter) -> Answered {
    let found = r.queries()?.messages(&r.query_context()?, filter, &r.query.page()?).await?;
    page(r, &found, MessageView::new)
}
