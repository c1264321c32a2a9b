//! The roster of active admins, one stream of its own, so that the last of them can be guarded.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use eventdesk_events::{
    UserId,
    roster::{AdminAdded, AdminRemoved, RosterEvent},
};
use serde::{Deserialize, Serialize};

use crate::{Decider, Place};

/// Everyone for whom [`crate::user::User::is_active_admin`] holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AdminRoster {
    /// The admins; its size is that of the organisation's handful of them.
    pub admins: BTreeSet<UserId>,
}

/// What can be asked of the roster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RosterCommand {
    /// Put a new active admin on it.
    Add(UserId),
    /// Take one off it who is to be an active admin no longer.
    Remove(UserId),
}

/// Why the roster refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Nobody would be left to administer the desk.
    #[error("the last active admin must stay")]
    LastAdmin,
}

impl Decider for AdminRoster {
    type Command = RosterCommand;
    type Event = RosterEvent;
    type Error = RosterError;

    fn decide(&self, command: RosterCommand) -> Result<Vec<RosterEvent>, RosterError> {
        match command {
            RosterCommand::Add(user_id) if self.admins.contains(&user_id) => Ok(Vec::new()),
            RosterCommand::Add(user_id) => Ok(vec![RosterEvent::AdminAdded(AdminAdded { user_id })]),
            RosterCommand::Remove(user_id) if !self.admins.contains(&user_id) => Ok(Vec::new()),
            RosterCommand::Remove(_) if self.admins.len() == 1 => Err(RosterError::LastAdmin),
            RosterCommand::Remove(user_id) => Ok(vec![RosterEvent::AdminRemoved(AdminRemoved { user_id })]),
        }
    }

    fn evolve(mut self, event: &RosterEvent, _: Place) -> Self {
        match event {
            RosterEvent::AdminAdded(added) => self.admins.insert(added.user_id),
            RosterEvent::AdminRemoved(removed) => self.admins.remove(&removed.user_id),
        };
        self
    }
}
