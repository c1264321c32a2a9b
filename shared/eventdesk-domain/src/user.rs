//! The user: staff, or an employee's login.

#[cfg(test)]
mod tests;

use eventdesk_events::{
    Timestamp, Version,
    user::{
        Contacts, ContactsChange, ContactsChanged, Deleted, Disabled, Enabled, Erased, ExternalIssuer, LoginAllowed,
        LoginDenied, PasswordChanged, Registered, Renamed, Role, RolesChanged, UserEvent, UserProfile, UsernameChange,
    },
};
use serde::{Deserialize, Serialize};

use crate::{Decider, Place};

/// A user as far as rules need them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum User {
    /// They do not exist yet.
    #[default]
    Unregistered,
    /// They exist, disabled and login-denied ones included.
    Active(UserFacts),
    /// They were deleted; the facts are those of their last moment.
    Deleted(UserFacts),
}

/// The facts about a user, without names and contacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserFacts {
    /// Without repeats, in the order of [`Role::ALL`].
    pub roles: Vec<Role>,
    /// Whether they reach nothing but the authentication section.
    pub disabled: bool,
    /// Whether they get no token.
    pub login_denied: bool,
    /// Whether they log in elsewhere, so that the roles are those of the newest token that was seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// When they were registered.
    pub created_at: Timestamp,
    /// When their last event happened.
    pub updated_at: Timestamp,
    /// The version that last set the username.
    pub username_version: Version,
    /// The version that last set the contacts.
    pub contacts_version: Version,
}

impl UserFacts {
    /// Whether one of the roles works on tickets and nothing keeps the user from it.
    pub fn is_active_staff(&self) -> bool {
        !self.disabled && !self.login_denied && self.roles.iter().any(|role| role.is_staff())
    }
}

/// What can be asked of a user.
#[derive(Debug, Clone, PartialEq)]
pub enum UserCommand {
    /// Register them.
    Register(RegisterUser),
    /// Let in somebody who has logged in elsewhere: register them, or note their roles.
    Admit(AdmitUser),
    /// Set name and contacts.
    ChangeContacts {
        /// All four fields.
        contacts: Contacts,
        /// The contacts now stored; `None` if they were erased, so that every field is a change.
        held: Option<Contacts>,
    },
    /// Give them another username.
    Rename {
        /// The new name.
        username: String,
        /// The name now stored; `None` if it was erased.
        held: Option<String>,
    },
    /// Set their roles.
    ChangeRoles {
        /// In any order, repeats allowed.
        roles: Vec<Role>,
    },
    /// Set whether they reach nothing but the authentication section.
    SetDisabled(bool),
    /// Set whether they get no token.
    SetLoginDenied(bool),
    /// Set everything but the password at once.
    Replace(ReplaceUser),
    /// Record that the password was changed; the password itself comes nowhere near.
    ChangePassword,
    /// Delete them.
    Delete,
    /// Record that what was private about them is gone.
    Erase(Erased),
}

/// A new user; names and contacts have passed [`crate::rules`].
#[derive(Debug, Clone, PartialEq)]
pub struct RegisterUser {
    /// Unique, compared without case.
    pub username: String,
    /// Name and contacts.
    pub contacts: Contacts,
    /// In any order, repeats allowed.
    pub roles: Vec<Role>,
    /// Whether they reach nothing but the authentication section.
    pub disabled: bool,
    /// Whether they get no token.
    pub login_denied: bool,
}

/// A user who has logged in elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct AdmitUser {
    /// Where.
    pub issuer: ExternalIssuer,
    /// Unique, compared without case; counts for the first time only.
    pub username: String,
    /// As far as the token tells them, else empty; count for the first time only.
    pub contacts: Contacts,
    /// In any order, repeats allowed.
    pub roles: Vec<Role>,
}

/// A user's whole record; names and contacts have passed [`crate::rules`].
#[derive(Debug, Clone, PartialEq)]
pub struct ReplaceUser {
    /// Unique, compared without case.
    pub username: String,
    /// Name and contacts.
    pub contacts: Contacts,
    /// In any order, repeats allowed; `None` leaves them.
    pub roles: Option<Vec<Role>>,
    /// `None` leaves it.
    pub disabled: Option<bool>,
    /// `None` leaves it.
    pub login_denied: Option<bool>,
    /// The names now stored; `None` if they were erased, so that every field is a change.
    pub held: Option<UserProfile>,
}

impl ReplaceUser {
    /// The single changes that it is made of.
    fn parts(self) -> Vec<UserCommand> {
        use UserCommand as C;
        let (name, contacts) = self.held.map(|held| (held.username, held.contacts)).unzip();
        let always = [
            C::Rename { username: self.username, held: name },
            C::ChangeContacts { contacts: self.contacts, held: contacts },
        ];
        let roles = self.roles.map(|roles| C::ChangeRoles { roles });
        let flags = [self.disabled.map(C::SetDisabled), self.login_denied.map(C::SetLoginDenied)];
        always.into_iter().chain(roles).chain(flags.into_iter().flatten()).collect()
    }
}

/// Why a user refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// They were never registered.
    #[error("no such user")]
    NotFound,
    /// The id is taken.
    #[error("the user was registered already")]
    AlreadyRegistered,
    /// They were deleted; also what a second deletion gets.
    #[error("the user was deleted")]
    Deleted,
    /// They log in at another issuer, which has their password and tells their roles.
    #[error("the user logs in at another issuer")]
    External,
    /// They were not deleted, so nothing of them can be erased.
    #[error("the user was not deleted")]
    StillActive,
}

impl User {
    /// The facts, unless they were never registered.
    pub fn facts(&self) -> Option<&UserFacts> {
        match self {
            Self::Unregistered => None,
            Self::Active(facts) | Self::Deleted(facts) => Some(facts),
        }
    }

    /// Whether they belong on the roster of active admins: role `admin`, neither disabled nor login-denied, and not so
    /// by the word of an issuer elsewhere, which may take it back without a word.
    pub fn is_active_admin(&self) -> bool {
        let Self::Active(facts) = self else { return false };
        facts.roles.contains(&Role::Admin) && !facts.disabled && !facts.login_denied && !facts.external
    }
}

fn roles_changed(facts: &UserFacts, roles: &[Role]) -> Option<UserEvent> {
    let current = normalised(roles);
    let changed = || RolesChanged { previous: facts.roles.clone(), current: current.clone() };
    (current != facts.roles).then(|| UserEvent::RolesChanged(changed()))
}

/// The same roles without repeats, in the order of [`Role::ALL`].
fn normalised(roles: &[Role]) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| roles.contains(role)).collect()
}

/// The contact fields that differ; all of them if the old ones are unknown.
fn changed_contacts(held: Option<&Contacts>, new: &Contacts) -> Vec<String> {
    type Field = fn(&Contacts) -> &String;
    let fields: [(&str, Field); 4] = [
        ("first_name", |c| &c.first_name),
        ("last_name", |c| &c.last_name),
        ("phone", |c| &c.phone),
        ("email", |c| &c.email),
    ];
    let differs = |field: Field| held.is_none_or(|held| field(held) != field(new));
    fields.into_iter().filter(|(_, field)| differs(*field)).map(|(name, _)| name.to_owned()).collect()
}

fn decide_active(facts: &UserFacts, command: UserCommand) -> Result<Vec<UserEvent>, UserError> {
    use {UserCommand as C, UserEvent as E};
    let event = match command {
        C::Register(_) => return Err(UserError::AlreadyRegistered),
        C::Admit(_) if !facts.external => return Err(UserError::AlreadyRegistered),
        C::Replace(whole) => {
            let decided: Result<Vec<_>, _> = whole.parts().into_iter().map(|part| decide_active(facts, part)).collect();
            return decided.map(|events| events.into_iter().flatten().collect());
        }
        C::ChangeContacts { contacts, held } => {
            let changed = changed_contacts(held.as_ref(), &contacts);
            (!changed.is_empty()).then(|| {
                let private = Some(ContactsChange { previous: held, current: contacts });
                E::ContactsChanged(ContactsChanged { changed, private })
            })
        }
        C::Rename { username, held } => (held.as_ref() != Some(&username))
            .then_some(E::Renamed(Renamed { private: Some(UsernameChange { previous: held, current: username }) })),
        C::ChangeRoles { roles } if facts.external && normalised(&roles) != facts.roles => {
            return Err(UserError::External);
        }
        C::ChangeRoles { roles } | C::Admit(AdmitUser { roles, .. }) => roles_changed(facts, &roles),
        C::SetDisabled(disabled) => (disabled != facts.disabled).then_some(if disabled {
            E::Disabled(Disabled {})
        } else {
            E::Enabled(Enabled {})
        }),
        C::SetLoginDenied(denied) => (denied != facts.login_denied).then_some(if denied {
            E::LoginDenied(LoginDenied {})
        } else {
            E::LoginAllowed(LoginAllowed {})
        }),
        C::ChangePassword if facts.external => return Err(UserError::External),
        C::ChangePassword => Some(E::PasswordChanged(PasswordChanged {})),
        C::Delete => Some(E::Deleted(Deleted {})),
        C::Erase(_) => return Err(UserError::StillActive),
    };
    Ok(event.into_iter().collect())
}

fn apply(facts: &mut UserFacts, event: &UserEvent, place: Place) {
    match event {
        UserEvent::ContactsChanged(_) => facts.contacts_version = place.version,
        UserEvent::Renamed(_) => facts.username_version = place.version,
        UserEvent::RolesChanged(changed) => facts.roles.clone_from(&changed.current),
        UserEvent::Disabled(_) => facts.disabled = true,
        UserEvent::Enabled(_) => facts.disabled = false,
        UserEvent::LoginDenied(_) => facts.login_denied = true,
        UserEvent::LoginAllowed(_) => facts.login_denied = false,
        UserEvent::Registered(_) | UserEvent::PasswordChanged(_) | UserEvent::Deleted(_) | UserEvent::Erased(_) => {}
    }
}

impl Decider for User {
    type Command = UserCommand;
    type Event = UserEvent;
    type Error = UserError;

    fn decide(&self, command: UserCommand) -> Result<Vec<UserEvent>, UserError> {
        match (self, command) {
            (Self::Unregistered, UserCommand::Register(new)) => Ok(vec![UserEvent::Registered(Registered {
                roles: normalised(&new.roles),
                disabled: new.disabled,
                login_denied: new.login_denied,
                external: None,
                private: Some(UserProfile { username: new.username, contacts: new.contacts }),
            })]),
            (Self::Unregistered, UserCommand::Admit(new)) => Ok(vec![UserEvent::Registered(Registered {
                roles: normalised(&new.roles),
                disabled: false,
                login_denied: false,
                external: Some(new.issuer),
                private: Some(UserProfile { username: new.username, contacts: new.contacts }),
            })]),
            (Self::Unregistered, _) => Err(UserError::NotFound),
            (Self::Deleted(_), UserCommand::Register(_)) => Err(UserError::AlreadyRegistered),
            (Self::Deleted(_), UserCommand::Erase(erased)) => Ok(vec![UserEvent::Erased(erased)]),
            (Self::Deleted(_), _) => Err(UserError::Deleted),
            (Self::Active(facts), command) => decide_active(facts, command),
        }
    }

    fn evolve(self, event: &UserEvent, place: Place) -> Self {
        match (self, event) {
            (Self::Unregistered, UserEvent::Registered(registered)) => Self::Active(UserFacts {
                roles: registered.roles.clone(),
                disabled: registered.disabled,
                login_denied: registered.login_denied,
                external: registered.external.is_some(),
                created_at: place.at,
                updated_at: place.at,
                username_version: place.version,
                contacts_version: place.version,
            }),
            (Self::Active(facts), UserEvent::Deleted(_)) => Self::Deleted(UserFacts { updated_at: place.at, ..facts }),
            (Self::Active(mut facts), event) => {
                apply(&mut facts, event, place);
                facts.updated_at = place.at;
                Self::Active(facts)
            }
            // No decider records these; whatever they were, they changed nothing.
            (state @ (Self::Unregistered | Self::Deleted(_)), _) => state,
        }
    }
}
