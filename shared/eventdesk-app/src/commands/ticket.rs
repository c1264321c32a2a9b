//! Commands on tickets.

mod change;
mod edit;
mod open;

pub use change::{
    AssignTicket, ChangeRequester, DeleteTicket, MoveTicket, TagTicket, UnassignTicket, UntagTicket, allowed_moves,
};
pub use edit::EditTicket;
pub use open::OpenTicket;

use eventdesk_domain::{
    employee::Employee,
    ticket::{Ticket, TicketFacts},
    user::User,
};
use eventdesk_events::{EmployeeId, StreamId, TicketId, UserId};

use crate::{CommandError, Commands, Loaded, Resource, Target, TicketRecord, Transaction, texts};

/// The ticket of a command that changes it, seen with the caller's eyes.
async fn target(tx: &mut Transaction<'_>, id: TicketId) -> Result<Target<Ticket>, CommandError> {
    let seen = look(tx, id).await?;
    aim(tx, seen).await
}

/// A ticket, and with whose eyes it is to be seen.
pub(super) async fn look(tx: &Transaction<'_>, id: TicketId) -> Result<(Loaded<Ticket>, Viewer), CommandError> {
    let (loaded, viewer) = tokio::join!(tx.load(StreamId::Ticket(id)), Viewer::of(tx));
    Ok((loaded?, viewer?))
}

/// Makes what was looked at the ticket that the command changes.
async fn aim(
    tx: &mut Transaction<'_>,
    (loaded, viewer): (Loaded<Ticket>, Viewer),
) -> Result<Target<Ticket>, CommandError> {
    let target = tx.targeted(loaded).await?;
    match &target {
        Target::Fresh(loaded) => {
            viewer.visible(loaded)?;
        }
        // The earlier answer may be that of the deletion.
        Target::Replayed(loaded) => {
            let facts = loaded.state.facts().ok_or(CommandError::NotFound(Resource::Ticket))?;
            viewer.owned(facts)?;
        }
    }
    Ok(target)
}

/// With whose eyes tickets are seen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Viewer {
    /// Sees them all.
    Staff,
    /// Knows only those that this employee is the requester of, if they are one.
    Requester(Option<EmployeeId>),
}

impl Viewer {
    /// The caller of a command; costs staff no read.
    pub(super) async fn of(tx: &Transaction<'_>) -> Result<Self, CommandError> {
        if tx.caller().is_staff() {
            return Ok(Self::Staff);
        }
        Ok(Self::Requester(tx.employee_of(tx.caller().id).await?))
    }

    /// A ticket that was never opened, was deleted, or is not the caller's does not exist for them.
    pub(super) fn visible(self, loaded: &Loaded<Ticket>) -> Result<&TicketFacts, CommandError> {
        match &loaded.state {
            Ticket::Live(facts) => self.owned(facts),
            Ticket::Unopened | Ticket::Deleted(_) => Err(CommandError::NotFound(Resource::Ticket)),
        }
    }

    /// As [`Viewer::visible`], deleted or not.
    pub(super) fn owned(self, facts: &TicketFacts) -> Result<&TicketFacts, CommandError> {
        match self {
            Self::Requester(own) if own != Some(facts.requester_id) => Err(CommandError::NotFound(Resource::Ticket)),
            Self::Staff | Self::Requester(_) => Ok(facts),
        }
    }
}

/// Whether an employee is registered and not deleted.
async fn employee_exists(tx: &Transaction<'_>, id: EmployeeId) -> Result<bool, CommandError> {
    Ok(matches!(tx.glance(StreamId::Employee(id)).await?, Employee::Active(_)))
}

/// Whether a user can be given work.
async fn is_active_staff(tx: &Transaction<'_>, id: UserId) -> Result<bool, CommandError> {
    let user = tx.glance(StreamId::User(id)).await?;
    Ok(matches!(user, User::Active(facts) if facts.is_active_staff()))
}

/// The ticket with its texts, as a command answers it.
async fn record(desk: &Commands, id: TicketId, loaded: Loaded<Ticket>) -> Result<TicketRecord, CommandError> {
    let facts = loaded.state.facts().ok_or(CommandError::NotFound(Resource::Ticket))?.clone();
    let text = texts::ticket_text(&*desk.store, &loaded, &facts).await?;
    Ok(TicketRecord { id, version: loaded.version, facts, text, fed: None })
}
