//! Opening a ticket.

use eventdesk_domain::{
    text::{self, Fault},
    ticket::{self, Ticket, TicketCommand},
};
use eventdesk_events::{
    EmployeeId, StreamId, TicketId, Timestamp, UserId,
    ticket::{Priority, Status, TicketType},
};

use super::{employee_exists, is_active_staff, look, record};
use crate::{Command, CommandError, Commands, Loaded, Target, TicketRecord, Transaction, commands::check::Checked};

/// Opens a ticket for an employee.
#[derive(Debug, Clone)]
pub struct OpenTicket {
    /// 1 to 200 characters.
    pub title: Option<String>,
    /// 1 to 20,000 characters.
    pub description: Option<String>,
    /// Whom it is about; who is not staff may leave it out, and can name nobody else.
    pub employee_id: Option<EmployeeId>,
    /// How soon it wants attention.
    pub priority: Option<Priority>,
    /// What it is about.
    pub ticket_type: Option<TicketType>,
    /// At most 20.
    pub tags: Vec<String>,
    /// The staff user who shall work on it.
    pub assignee_id: Option<UserId>,
    /// When it should be solved.
    pub due_at: Option<Timestamp>,
    /// The closed ticket that it continues.
    pub follow_up_of: Option<TicketId>,
}

impl Command for OpenTicket {
    type Decided = (TicketId, Loaded<Ticket>);
    type Record = TicketRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let id = TicketId::from_uuid(tx.new_id());
        let stream = StreamId::Ticket(id);
        let (earlier, open) = tokio::join!(tx.earlier::<Ticket>(stream), self.checked(tx));
        let loaded = match tx.created(stream, earlier?).await? {
            Target::Replayed(loaded) => return Ok((id, loaded)),
            Target::Fresh(loaded) => loaded,
        };
        let open = open?;
        // Only now is it certain that one is needed.
        let number = tx.ticket_number().await?;
        let open = ticket::OpenTicket { number, ..open };
        Ok((id, tx.decide(loaded, TicketCommand::Open(open))?))
    }

    async fn answer(&self, desk: &Commands, (id, loaded): Self::Decided) -> Result<TicketRecord, CommandError> {
        record(desk, id, loaded).await
    }
}

impl OpenTicket {
    /// What is to be decided on, without a number yet. All look-ups are made at once.
    async fn checked(&self, tx: &Transaction<'_>) -> Result<ticket::OpenTicket, CommandError> {
        if self.assignee_id.is_some() && !tx.caller().is_staff() {
            return Err(CommandError::Forbidden);
        }
        let (requester, assignable, followable) = tokio::join!(
            self.requester(tx),
            async {
                match self.assignee_id {
                    Some(assignee) => is_active_staff(tx, assignee).await,
                    None => Ok(true),
                }
            },
            async {
                match self.follow_up_of {
                    Some(earlier) => can_follow(tx, earlier).await,
                    None => Ok(true),
                }
            },
        );
        let mut check = Checked::default();
        let required = |text: &Option<String>, rule: fn(&str) -> Result<String, Fault>| {
            text.as_deref().ok_or_else(Fault::required).and_then(rule)
        };
        let title = check.field("title", required(&self.title, text::title));
        let description = check.field("description", required(&self.description, text::description));
        let tags = check.list("tags", text::tags(&self.tags));
        let requester_id = check.optional("employee_id", Some(requester?));
        if !assignable? {
            check.refuse("assignee_id", "unknown_assignee", "names no active staff user");
        }
        if !followable? {
            check.refuse("follow_up_of", "not_closed", "names no closed ticket");
        }
        check.done()?;
        let requester_id = requester_id.ok_or(CommandError::Forbidden)?;
        Ok(ticket::OpenTicket {
            number: 0,
            title,
            description,
            priority: self.priority.unwrap_or_default(),
            ticket_type: self.ticket_type,
            tags,
            requester_id,
            assignee_id: self.assignee_id,
            opened_by: tx.caller().id,
            due_at: self.due_at,
            follow_up_of: self.follow_up_of,
        })
    }

    async fn requester(&self, tx: &Transaction<'_>) -> Result<Result<EmployeeId, Fault>, CommandError> {
        let known = if tx.caller().is_staff() {
            match self.employee_id {
                Some(id) => employee_exists(tx, id).await?.then_some(id),
                None => return Ok(Err(Fault::required())),
            }
        } else {
            let own = tx.employee_of(tx.caller().id).await?.ok_or(CommandError::Forbidden)?;
            (self.employee_id.is_none() || self.employee_id == Some(own)).then_some(own)
        };
        Ok(known.ok_or_else(|| Fault::new("unknown_employee", "names no employee")))
    }
}

/// Whether the caller may continue a ticket: it is closed, and theirs to see.
async fn can_follow(tx: &Transaction<'_>, earlier: TicketId) -> Result<bool, CommandError> {
    let (loaded, viewer) = look(tx, earlier).await?;
    match viewer.visible(&loaded) {
        Ok(facts) => Ok(facts.status == Status::Closed),
        Err(CommandError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
