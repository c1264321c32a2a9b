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
    let target = tx.target::<Ticket>(StreamId::Ticket(id)).await?;
    match &target {
        Target::Fresh(loaded) => {
            visible(tx, loaded).await?;
        }
        // The earlier answer may be that of the deletion.
        Target::Replayed(loaded) => {
            let facts = loaded.state.facts().ok_or(CommandError::NotFound(Resource::Ticket))?;
            owned(tx, facts).await?;
        }
    }
    Ok(target)
}

/// A ticket that was never opened, was deleted, or is not the caller's does not exist for them.
pub(super) async fn visible<'l>(
    tx: &Transaction<'_>,
    loaded: &'l Loaded<Ticket>,
) -> Result<&'l TicketFacts, CommandError> {
    match &loaded.state {
        Ticket::Live(facts) => owned(tx, facts).await,
        Ticket::Unopened | Ticket::Deleted(_) => Err(CommandError::NotFound(Resource::Ticket)),
    }
}

/// Who is not staff knows only the tickets that they are the requester of.
pub(super) async fn owned<'l>(tx: &Transaction<'_>, facts: &'l TicketFacts) -> Result<&'l TicketFacts, CommandError> {
    if tx.caller().is_staff() || tx.employee_of(tx.caller().id).await? == Some(facts.requester_id) {
        Ok(facts)
    } else {
        Err(CommandError::NotFound(Resource::Ticket))
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
