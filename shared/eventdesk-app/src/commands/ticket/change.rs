//! Changes of one thing about a ticket.

use eventdesk_domain::{
    text,
    ticket::{Ticket, TicketCommand, allowed_transitions},
};
use eventdesk_events::{EmployeeId, TicketId, UserId, ticket::Status};

use super::{aim, employee_exists, is_active_staff, look, record};
use crate::{
    Command, CommandError, Commands, Loaded, Target, TicketRecord, Transaction, access::Caller,
    commands::check::Checked,
};

/// What a command names besides its ticket.
enum Named {
    Nothing,
    Assignee(UserId),
    Requester(EmployeeId),
}

impl Named {
    async fn exists(self, tx: &Transaction<'_>) -> Result<bool, CommandError> {
        match self {
            Self::Nothing => Ok(true),
            Self::Assignee(id) => is_active_staff(tx, id).await,
            Self::Requester(id) => employee_exists(tx, id).await,
        }
    }
}

/// A change of one ticket.
trait TicketChange {
    /// What has to be looked up for it.
    fn names(&self) -> Named {
        Named::Nothing
    }

    /// What the decider is asked; `named` tells whether what it names exists.
    fn checked(&self, caller: &Caller, ticket: &Loaded<Ticket>, named: bool) -> Result<TicketCommand, CommandError>;
}

/// A command on one ticket that needs nothing but the ticket, and whether what it names exists.
macro_rules! ticket_command {
    ($name:ident) => {
        impl Command for $name {
            type Decided = Loaded<Ticket>;
            type Record = TicketRecord;

            async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
                // What is named is looked up while the ticket is.
                let (seen, named) = tokio::join!(look(tx, self.id), self.names().exists(tx));
                match aim(tx, seen?).await? {
                    Target::Replayed(loaded) => Ok(loaded),
                    Target::Fresh(loaded) => {
                        let command = self.checked(tx.caller(), &loaded, named?)?;
                        tx.decide(loaded, command)
                    }
                }
            }

            async fn answer(&self, desk: &Commands, loaded: Self::Decided) -> Result<TicketRecord, CommandError> {
                record(desk, self.id, loaded).await
            }
        }
    };
}

/// Where a caller may move a ticket: staff wherever the table leads; a requester closes what is solved, and reopens
/// what waits or is solved, as their message would.
pub fn allowed_moves(caller: &Caller, current: Status) -> Vec<Status> {
    let open_to = |to: &&Status| match to {
        _ if caller.is_staff() => true,
        Status::Open => current != Status::New,
        other => **other == Status::Closed,
    };
    allowed_transitions(current).iter().filter(open_to).copied().collect()
}

/// Moves a ticket to another status; see [`allowed_moves`].
#[derive(Debug, Clone)]
pub struct MoveTicket {
    /// The ticket.
    pub id: TicketId,
    /// The status it shall have.
    pub status: Status,
    /// Why, in words: 1 to 1,000 characters.
    pub reason: Option<String>,
}

impl TicketChange for MoveTicket {
    fn checked(&self, caller: &Caller, ticket: &Loaded<Ticket>, _: bool) -> Result<TicketCommand, CommandError> {
        let current = ticket.state.facts().map(|facts| facts.status);
        // What the table leads nowhere is refused as such, to whoever asks.
        let forbidden = |current: Status| {
            allowed_transitions(current).contains(&self.status)
                && !allowed_moves(caller, current).contains(&self.status)
        };
        if current.is_some_and(forbidden) {
            return Err(CommandError::Forbidden);
        }
        let mut check = Checked::default();
        let reason = check.optional("reason", self.reason.as_deref().map(text::reason));
        check.done()?;
        Ok(TicketCommand::SetStatus { status: self.status, reason })
    }
}

ticket_command!(MoveTicket);

/// Gives a ticket to an active staff user.
#[derive(Debug, Clone)]
pub struct AssignTicket {
    /// The ticket.
    pub id: TicketId,
    /// The user.
    pub user_id: UserId,
}

impl TicketChange for AssignTicket {
    fn names(&self) -> Named {
        Named::Assignee(self.user_id)
    }

    fn checked(&self, _: &Caller, ticket: &Loaded<Ticket>, named: bool) -> Result<TicketCommand, CommandError> {
        // What is so already stays so, whatever became of the assignee.
        let same = ticket.state.facts().is_some_and(|facts| facts.assignee_id == Some(self.user_id));
        if same || named {
            return Ok(TicketCommand::Assign { user_id: self.user_id });
        }
        let mut check = Checked::default();
        check.refuse("user_id", "unknown_assignee", "names no active staff user");
        check.done()?;
        Err(CommandError::Forbidden)
    }
}

ticket_command!(AssignTicket);

/// Takes a ticket from its assignee.
#[derive(Debug, Clone)]
pub struct UnassignTicket {
    /// The ticket.
    pub id: TicketId,
}

impl TicketChange for UnassignTicket {
    fn checked(&self, _: &Caller, _: &Loaded<Ticket>, _: bool) -> Result<TicketCommand, CommandError> {
        Ok(TicketCommand::Unassign)
    }
}

ticket_command!(UnassignTicket);

/// Makes a ticket about another employee.
#[derive(Debug, Clone)]
pub struct ChangeRequester {
    /// The ticket.
    pub id: TicketId,
    /// The employee.
    pub employee_id: EmployeeId,
}

impl TicketChange for ChangeRequester {
    fn names(&self) -> Named {
        Named::Requester(self.employee_id)
    }

    fn checked(&self, _: &Caller, ticket: &Loaded<Ticket>, named: bool) -> Result<TicketCommand, CommandError> {
        // What is so already stays so, whatever became of the requester.
        let same = ticket.state.facts().is_some_and(|facts| facts.requester_id == self.employee_id);
        if same || named {
            return Ok(TicketCommand::ChangeRequester { employee_id: self.employee_id });
        }
        let mut check = Checked::default();
        check.refuse("employee_id", "unknown_employee", "names no employee");
        check.done()?;
        Err(CommandError::Forbidden)
    }
}

ticket_command!(ChangeRequester);

/// Adds a tag.
#[derive(Debug, Clone)]
pub struct TagTicket {
    /// The ticket.
    pub id: TicketId,
    /// The tag.
    pub tag: String,
}

impl TicketChange for TagTicket {
    fn checked(&self, _: &Caller, _: &Loaded<Ticket>, _: bool) -> Result<TicketCommand, CommandError> {
        Ok(TicketCommand::AddTag(tag(&self.tag)?))
    }
}

ticket_command!(TagTicket);

/// Removes a tag.
#[derive(Debug, Clone)]
pub struct UntagTicket {
    /// The ticket.
    pub id: TicketId,
    /// The tag.
    pub tag: String,
}

impl TicketChange for UntagTicket {
    fn checked(&self, _: &Caller, _: &Loaded<Ticket>, _: bool) -> Result<TicketCommand, CommandError> {
        Ok(TicketCommand::RemoveTag(tag(&self.tag)?))
    }
}

ticket_command!(UntagTicket);

/// Deletes a ticket; its history stays.
#[derive(Debug, Clone)]
pub struct DeleteTicket {
    /// The ticket.
    pub id: TicketId,
}

impl TicketChange for DeleteTicket {
    fn checked(&self, _: &Caller, _: &Loaded<Ticket>, _: bool) -> Result<TicketCommand, CommandError> {
        Ok(TicketCommand::Delete)
    }
}

ticket_command!(DeleteTicket);

fn tag(text: &str) -> Result<String, CommandError> {
    let mut check = Checked::default();
    let tag = check.field("tag", text::tag(text));
    check.done().map(|()| tag)
}
