//! Setting a ticket's fields.

use eventdesk_domain::{
    text,
    ticket::{self, Ticket, TicketCommand},
};
use eventdesk_events::{
    TicketId, Timestamp,
    ticket::{Priority, TicketText, TicketType},
};

use super::{record, target};
use crate::{
    Command, CommandError, Commands, Loaded, Target, TicketRecord, Transaction, commands::check::Checked, texts,
};

/// Sets the fields that are given; `None` leaves a field as it is.
#[derive(Debug, Clone)]
pub struct EditTicket {
    /// The ticket.
    pub id: TicketId,
    /// 1 to 200 characters.
    pub title: Option<String>,
    /// 1 to 20,000 characters.
    pub description: Option<String>,
    /// How soon it wants attention.
    pub priority: Option<Priority>,
    /// What it is about; `Some(None)` takes the type away.
    pub ticket_type: Option<Option<TicketType>>,
    /// All tags it shall have.
    pub tags: Option<Vec<String>>,
    /// When it should be solved; `Some(None)` takes the date away.
    pub due_at: Option<Option<Timestamp>>,
}

impl Command for EditTicket {
    type Decided = Loaded<Ticket>;
    type Record = TicketRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let loaded = match target(tx, self.id).await? {
            Target::Replayed(loaded) => return Ok(loaded),
            Target::Fresh(loaded) => loaded,
        };
        let mut checked = self.checked()?;
        checked.held = match loaded.state.facts() {
            // Only a change of text needs the text that it replaces.
            Some(facts) if self.title.is_some() || self.description.is_some() => {
                texts::ticket_text(&*tx.desk().store, &loaded, facts).await?
            }
            _ => TicketText::default(),
        };
        tx.decide(loaded, TicketCommand::Edit(checked))
    }

    async fn answer(&self, desk: &Commands, loaded: Self::Decided) -> Result<TicketRecord, CommandError> {
        record(desk, self.id, loaded).await
    }
}

impl EditTicket {
    fn checked(&self) -> Result<ticket::EditTicket, CommandError> {
        let mut check = Checked::default();
        let title = check.optional("title", self.title.as_deref().map(text::title));
        let description = check.optional("description", self.description.as_deref().map(text::description));
        let tags = self.tags.as_ref().map(|tags| check.list("tags", text::tags(tags)));
        check.done()?;
        Ok(ticket::EditTicket {
            title,
            description,
            priority: self.priority,
            ticket_type: self.ticket_type,
            due_at: self.due_at,
            tags,
            held: TicketText::default(),
        })
    }
}
