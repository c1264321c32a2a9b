//! The employee: a person who is supported.

#[cfg(test)]
mod tests;

use eventdesk_events::{
    Timestamp, UserId, Version,
    employee::{Changed, Deleted, EmployeeEvent, EmployeeProfile, Erased, ProfileChange, Registered},
};
use serde::{Deserialize, Serialize};

use crate::{Decider, Place};

/// An employee as far as rules need them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Employee {
    /// They do not exist yet.
    #[default]
    Unregistered,
    /// They exist.
    Active(EmployeeFacts),
    /// They were deleted; the facts are those of their last moment.
    Deleted(EmployeeFacts),
}

/// The facts about an employee, without personal details.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmployeeFacts {
    /// The user as whom they log in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_id: Option<UserId>,
    /// When they were registered.
    pub created_at: Timestamp,
    /// When their last event happened.
    pub updated_at: Timestamp,
    /// The version that last set the personal details.
    pub profile_version: Version,
}

/// What can be asked of an employee.
#[derive(Debug, Clone, PartialEq)]
pub enum EmployeeCommand {
    /// Register them.
    Register {
        /// Has passed [`crate::rules`].
        profile: EmployeeProfile,
        /// The user as whom they log in.
        user_id: Option<UserId>,
    },
    /// Set the whole record.
    Replace {
        /// Has passed [`crate::rules`].
        profile: EmployeeProfile,
        /// The user as whom they log in.
        user_id: Option<UserId>,
        /// The details now stored; `None` if they were erased, so that every field with a value is a change.
        held: Option<EmployeeProfile>,
    },
    /// Delete them.
    Delete,
    /// Record that what was private about them is gone.
    Erase(Erased),
}

/// Why an employee refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmployeeError {
    /// They were never registered.
    #[error("no such employee")]
    NotFound,
    /// The id is taken.
    #[error("the employee was registered already")]
    AlreadyRegistered,
    /// They were deleted; also what a second deletion gets.
    #[error("the employee was deleted")]
    Deleted,
    /// They were not deleted, so nothing of them can be erased.
    #[error("the employee was not deleted")]
    StillActive,
}

impl Employee {
    /// The facts, unless they were never registered.
    pub fn facts(&self) -> Option<&EmployeeFacts> {
        match self {
            Self::Unregistered => None,
            Self::Active(facts) | Self::Deleted(facts) => Some(facts),
        }
    }
}

/// The personal details that differ; all that have a value if the old ones are unknown.
fn changed_fields(held: Option<&EmployeeProfile>, new: &EmployeeProfile) -> Vec<String> {
    type Field = fn(&EmployeeProfile) -> Option<&str>;
    let fields: [(&str, Field); 9] = [
        ("first_name", |p| Some(&p.first_name)),
        ("last_name", |p| Some(&p.last_name)),
        ("nick_name", |p| p.nick_name.as_deref()),
        ("phone", |p| p.phone.as_deref()),
        ("email", |p| Some(&p.email)),
        ("birthday", |p| p.birthday.as_deref()),
        ("country", |p| p.country.as_deref()),
        ("city", |p| p.city.as_deref()),
        ("address", |p| p.address.as_deref()),
    ];
    let differs = |field: Field| held.and_then(field) != field(new);
    fields.into_iter().filter(|(_, field)| differs(*field)).map(|(name, _)| name.to_owned()).collect()
}

fn replace(
    facts: &EmployeeFacts,
    profile: EmployeeProfile,
    user_id: Option<UserId>,
    held: Option<EmployeeProfile>,
) -> Vec<EmployeeEvent> {
    let mut changed = changed_fields(held.as_ref(), &profile);
    let private = (!changed.is_empty()).then_some(ProfileChange { previous: held, current: profile });
    let mut previous_user_id = None;
    if user_id != facts.user_id {
        changed.push("user_id".to_owned());
        previous_user_id = facts.user_id;
    }
    if changed.is_empty() {
        return Vec::new();
    }
    vec![EmployeeEvent::Changed(Changed { changed, previous_user_id, user_id, private })]
}

impl Decider for Employee {
    type Command = EmployeeCommand;
    type Event = EmployeeEvent;
    type Error = EmployeeError;

    fn decide(&self, command: EmployeeCommand) -> Result<Vec<EmployeeEvent>, EmployeeError> {
        use {EmployeeCommand as C, EmployeeError as R};
        match (self, command) {
            (Self::Unregistered, C::Register { profile, user_id }) => {
                Ok(vec![EmployeeEvent::Registered(Registered { user_id, private: Some(profile) })])
            }
            (Self::Unregistered, _) => Err(R::NotFound),
            (Self::Active(_) | Self::Deleted(_), C::Register { .. }) => Err(R::AlreadyRegistered),
            (Self::Deleted(_), C::Erase(erased)) => Ok(vec![EmployeeEvent::Erased(erased)]),
            (Self::Deleted(_), _) => Err(R::Deleted),
            (Self::Active(_), C::Erase(_)) => Err(R::StillActive),
            (Self::Active(facts), C::Replace { profile, user_id, held }) => Ok(replace(facts, profile, user_id, held)),
            (Self::Active(_), C::Delete) => Ok(vec![EmployeeEvent::Deleted(Deleted {})]),
        }
    }

    fn evolve(self, event: &EmployeeEvent, place: Place) -> Self {
        match (self, event) {
            (Self::Unregistered, EmployeeEvent::Registered(registered)) => Self::Active(EmployeeFacts {
                user_id: registered.user_id,
                created_at: place.at,
                updated_at: place.at,
                profile_version: place.version,
            }),
            (Self::Active(facts), EmployeeEvent::Changed(changed)) => Self::Active(EmployeeFacts {
                user_id: changed.user_id,
                updated_at: place.at,
                // A change of the login alone carries no details.
                profile_version: if changed.changed.iter().any(|field| field != "user_id") {
                    place.version
                } else {
                    facts.profile_version
                },
                ..facts
            }),
            (Self::Active(facts), EmployeeEvent::Deleted(_)) => {
                Self::Deleted(EmployeeFacts { updated_at: place.at, ..facts })
            }
            // No decider records anything else; whatever it was, it changed nothing.
            (state, _) => state,
        }
    }
}
