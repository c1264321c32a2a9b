//! Commands on messages.

use eventdesk_domain::{
    message::{Message, MessageCommand, MessageError, MessageFacts},
    text::{self, Fault},
    ticket::{Ticket, TicketCommand, TicketError},
};
use eventdesk_events::{
    MessageId, StreamId, TicketId,
    message::{Author, AuthorKind, Visibility},
    ticket::Status,
};

use super::{check::Checked, ticket};
use crate::{Command, CommandError, Commands, Loaded, MessageRecord, Resource, Target, Transaction, texts};

/// Posts a message to a ticket; it may open or reopen the ticket, in the same transaction.
#[derive(Debug, Clone)]
pub struct PostMessage {
    /// The ticket.
    pub ticket_id: TicketId,
    /// Who may read it.
    pub visibility: Visibility,
    /// 1 to 50,000 characters, at least one visible.
    pub body: Option<String>,
    /// Whether the caller may write internal notes.
    pub may_note: bool,
}

/// Replaces the text of the caller's own message.
#[derive(Debug, Clone)]
pub struct EditMessage {
    /// The ticket it must belong to.
    pub ticket_id: TicketId,
    /// The message.
    pub id: MessageId,
    /// 1 to 50,000 characters, at least one visible.
    pub body: Option<String>,
    /// Whether the caller may see internal notes.
    pub may_note: bool,
}

/// Takes a message back.
#[derive(Debug, Clone)]
pub struct RetractMessage {
    /// The ticket it must belong to.
    pub ticket_id: TicketId,
    /// The message.
    pub id: MessageId,
    /// Whether the caller may take back what others wrote.
    pub any: bool,
    /// Whether the caller may see internal notes.
    pub may_note: bool,
}

impl Command for PostMessage {
    type Decided = (MessageId, Loaded<Message>);
    type Record = MessageRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let id = MessageId::from_uuid(tx.new_id());
        let stream = StreamId::Message(id);
        let (earlier, seen) = tokio::join!(tx.earlier::<Message>(stream), ticket::look(tx, self.ticket_id));
        let earlier = tx.created(stream, earlier?).await?;
        let (loaded, viewer) = seen?;
        let message = match earlier {
            Target::Replayed(message) => {
                // It may have opened or reopened its ticket: who reads after the repeat is to see that, too.
                tx.name_in_token(&loaded);
                return Ok((id, message));
            }
            Target::Fresh(message) => message,
        };
        let facts = loaded.state.facts().ok_or(CommandError::NotFound(Resource::Ticket))?;
        viewer.owned(facts)?;
        if self.visibility == Visibility::Internal && !self.may_note {
            return Err(CommandError::Forbidden);
        }
        let body = body(self.body.as_deref())?;
        let kind = if tx.caller().is_staff() { AuthorKind::Staff } else { AuthorKind::Requester };
        let author = Author { id: tx.caller().id, kind };
        let visibility = self.visibility;
        let post = MessageCommand::Post { ticket_id: self.ticket_id, author, visibility, body };
        let message = tx.decide(message, post)?;
        let before = loaded.clone();
        let cause = tx.last_event();
        let after = tx.decide_because(loaded, TicketCommand::TakeMessage { author: kind, visibility }, cause)?;
        if after.version == before.version {
            // The ticket itself does not change, but it must not close meanwhile.
            tx.require_unmoved(&before);
        }
        Ok((id, message))
    }

    async fn answer(&self, desk: &Commands, (id, message): Self::Decided) -> Result<MessageRecord, CommandError> {
        record(desk, id, message).await
    }
}

impl Command for EditMessage {
    type Decided = Loaded<Message>;
    type Record = MessageRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let (ticket, target) = target(tx, self.ticket_id, self.id, self.may_note).await?;
        let loaded = match target {
            Target::Replayed(loaded) => return Ok(loaded),
            Target::Fresh(loaded) => loaded,
        };
        // A closed ticket's conversation is over.
        if ticket.state.facts().is_some_and(|facts| facts.status == Status::Closed) {
            return Err(TicketError::Closed.into());
        }
        let body = body(self.body.as_deref())?;
        let facts = loaded.state.facts().ok_or(CommandError::NotFound(Resource::Message))?;
        let held = texts::message_body(&*tx.desk().store, &loaded, facts).await?;
        let edited = tx.decide(loaded, MessageCommand::Edit { by: tx.caller().id, body, held })?;
        tx.require_unmoved(&ticket);
        Ok(edited)
    }

    async fn answer(&self, desk: &Commands, loaded: Self::Decided) -> Result<MessageRecord, CommandError> {
        record(desk, self.id, loaded).await
    }
}

impl Command for RetractMessage {
    type Decided = Loaded<Message>;
    type Record = MessageRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        match target(tx, self.ticket_id, self.id, self.may_note).await?.1 {
            Target::Replayed(loaded) => Ok(loaded),
            Target::Fresh(loaded) => tx.decide(loaded, MessageCommand::Retract { by: tx.caller().id, any: self.any }),
        }
    }

    async fn answer(&self, desk: &Commands, loaded: Self::Decided) -> Result<MessageRecord, CommandError> {
        record(desk, self.id, loaded).await
    }
}

/// The ticket and the message of a command, if the message belongs to it and the caller may see both.
async fn target(
    tx: &mut Transaction<'_>,
    ticket_id: TicketId,
    id: MessageId,
    may_note: bool,
) -> Result<(Loaded<Ticket>, Target<Message>), CommandError> {
    let unknown = CommandError::NotFound(Resource::Message);
    let (seen, message) = tokio::join!(ticket::look(tx, ticket_id), tx.load::<Message>(StreamId::Message(id)));
    let (ticket, viewer) = seen?;
    viewer.visible(&ticket)?;
    let target = tx.targeted(message?).await?;
    let (Target::Fresh(loaded) | Target::Replayed(loaded)) = &target;
    let Some(facts) = loaded.state.facts() else { return Err(unknown) };
    let hidden = facts.visibility == Visibility::Internal && !may_note;
    if facts.ticket_id != ticket_id || hidden { Err(unknown) } else { Ok((ticket, target)) }
}

fn body(text: Option<&str>) -> Result<String, CommandError> {
    let mut check = Checked::default();
    let body = check.field("body", text.ok_or_else(Fault::required).and_then(text::message_body));
    check.done().map(|()| body)
}

/// The message with its text, as a command answers it.
async fn record(desk: &Commands, id: MessageId, loaded: Loaded<Message>) -> Result<MessageRecord, CommandError> {
    let facts: MessageFacts = loaded.state.facts().ok_or(MessageError::NotFound)?.clone();
    let body = match loaded.state {
        Message::Posted(_) => texts::message_body(&*desk.store, &loaded, &facts).await?,
        Message::Unposted | Message::Retracted(_) => None,
    };
    Ok(MessageRecord { id, version: loaded.version, facts, body, author: None })
}
