//! Changes of a user who exists, the password apart.

use eventdesk_domain::{
    roster::RosterCommand,
    rules::RawContacts,
    user::{ReplaceUser, User, UserCommand},
};
use eventdesk_events::{
    StreamId, UserId,
    user::{Contacts, Role, UserProfile},
};

use super::{change_roster, claim, record, release};
use crate::{
    Command, CommandError, Commands, Loaded, Resource, Target, Transaction, UserRecord, commands::check::Checked,
    ports::Namespace, texts,
};

/// Changes a user.
#[derive(Debug, Clone)]
pub struct ChangeUser {
    /// The user.
    pub id: UserId,
    /// What is to become of them.
    pub change: UserChange,
    /// Whether the caller may do anything to users; who may not changes no admin.
    pub may_administer: bool,
}

/// What can become of a user.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// Sets everything but the password.
    Replace {
        /// Unique, compared without case.
        username: Option<String>,
        /// Name and contacts.
        contacts: UserContacts,
        /// What is left out stays.
        roles: Option<Vec<Role>>,
        /// What is left out stays.
        disabled: Option<bool>,
        /// What is left out stays.
        login_denied: Option<bool>,
    },
    /// Sets name and contacts.
    Contacts(UserContacts),
    /// Gives another username.
    Username(Option<String>),
    /// Sets the roles; none is allowed.
    Roles(Vec<Role>),
    /// Sets whether they reach nothing but the authentication section.
    Disabled(bool),
    /// Sets whether they get no token.
    LoginDenied(bool),
}

/// Name and contacts as they came in; all four are required.
#[derive(Debug, Clone, Default)]
pub struct UserContacts {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// `+` and digits; unique.
    pub phone: Option<String>,
    /// Unique, compared without case.
    pub email: Option<String>,
}

impl UserContacts {
    fn raw(&self) -> RawContacts<'_> {
        RawContacts {
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
            phone: self.phone.as_deref(),
            email: self.email.as_deref(),
        }
    }
}

impl Command for ChangeUser {
    type Decided = Loaded<User>;
    type Record = UserRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let stream = StreamId::User(self.id);
        let loaded = match tx.target::<User>(stream).await? {
            Target::Replayed(loaded) => return Ok(loaded),
            Target::Fresh(loaded) => loaded,
        };
        let User::Active(facts) = &loaded.state else { return Err(CommandError::NotFound(Resource::User)) };
        if !self.may_administer && facts.roles.contains(&Role::Admin) {
            return Err(CommandError::Forbidden);
        }
        let was_admin = loaded.state.is_active_admin();
        let held = match self.change {
            UserChange::Replace { .. } | UserChange::Contacts(_) | UserChange::Username(_) => {
                texts::user_profile(&*tx.desk().store, &loaded, facts).await?
            }
            UserChange::Roles(_) | UserChange::Disabled(_) | UserChange::LoginDenied(_) => None,
        };
        let command = self.checked(tx, held, stream)?;
        let after = tx.decide(loaded, command)?;
        match (was_admin, after.state.is_active_admin()) {
            (false, true) => change_roster(tx, RosterCommand::Add(self.id)).await?,
            (true, false) => change_roster(tx, RosterCommand::Remove(self.id)).await?,
            _ => {}
        }
        Ok(after)
    }

    async fn answer(&self, desk: &Commands, loaded: Self::Decided) -> Result<UserRecord, CommandError> {
        // Tokens that are out go on; nobody gets another one.
        if loaded.state.facts().is_some_and(|facts| facts.login_denied) && self.change.may_deny() {
            desk.logins.end_refreshing(self.id).await?;
        }
        record(desk, self.id, loaded).await
    }
}

impl UserChange {
    /// Whether it may take away that a user logs in.
    fn may_deny(&self) -> bool {
        matches!(self, Self::LoginDenied(true) | Self::Replace { login_denied: Some(true), .. })
    }
}

impl ChangeUser {
    /// The domain's command, once the fields are in order; unique values that change hands are freed and claimed.
    fn checked(
        &self,
        tx: &mut Transaction<'_>,
        held: Option<UserProfile>,
        stream: StreamId,
    ) -> Result<UserCommand, CommandError> {
        let rules = &tx.desk().rules;
        let mut check = Checked::default();
        Ok(match &self.change {
            UserChange::Replace { username, contacts, roles, disabled, login_denied } => {
                let profile = check.fields(rules.user_profile(username.as_deref(), contacts.raw()));
                check.done()?;
                let profile = profile.ok_or(CommandError::Forbidden)?;
                if let Some(held) = &held {
                    release(tx, held, stream);
                }
                claim(tx, &profile, stream);
                let UserProfile { username, contacts } = profile;
                let (roles, disabled, login_denied) = (roles.clone(), *disabled, *login_denied);
                UserCommand::Replace(ReplaceUser { username, contacts, roles, disabled, login_denied, held })
            }
            UserChange::Contacts(contacts) => {
                let contacts = check.fields(rules.contacts(contacts.raw()));
                check.done()?;
                let contacts = contacts.ok_or(CommandError::Forbidden)?;
                let held = held.map(|held| held.contacts);
                exchange_contacts(tx, held.as_ref(), &contacts, stream);
                UserCommand::ChangeContacts { contacts, held }
            }
            UserChange::Username(username) => {
                let username = check.fields(rules.username(username.as_deref()));
                check.done()?;
                let username = username.ok_or(CommandError::Forbidden)?;
                let held = held.map(|held| held.username);
                if let Some(held) = &held {
                    tx.release(Namespace::Username, held, stream);
                }
                tx.claim(Namespace::Username, &username, stream, "/username");
                UserCommand::Rename { username, held }
            }
            UserChange::Roles(roles) => UserCommand::ChangeRoles { roles: roles.clone() },
            UserChange::Disabled(disabled) => UserCommand::SetDisabled(*disabled),
            UserChange::LoginDenied(denied) => UserCommand::SetLoginDenied(*denied),
        })
    }
}

/// What was held is freed first; a claim in the same transaction takes back what stays.
fn exchange_contacts(tx: &mut Transaction<'_>, held: Option<&Contacts>, new: &Contacts, stream: StreamId) {
    if let Some(held) = held {
        tx.release(Namespace::UserEmail, &held.email, stream);
        tx.release(Namespace::UserPhone, &held.phone, stream);
    }
    tx.claim(Namespace::UserEmail, &new.email, stream, "/email");
    tx.claim(Namespace::UserPhone, &new.phone, stream, "/phone");
}
