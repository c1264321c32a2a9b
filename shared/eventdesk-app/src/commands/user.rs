//! Commands on users.

use eventdesk_domain::{
    roster::{AdminRoster, RosterCommand},
    rules::RawContacts,
    user::{self, User, UserCommand, UserError},
};
use eventdesk_events::{
    StreamId, UserId,
    user::{Role, UserProfile},
};

use super::check::Checked;
use crate::{
    Command, CommandError, Commands, Loaded, Resource, Target, Transaction, UserRecord,
    ports::{Credential, Namespace},
    texts,
};

/// Registers a user with a password.
#[derive(Clone)]
pub struct RegisterUser {
    /// Unique, compared without case.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// `+` and digits; unique.
    pub phone: Option<String>,
    /// Unique, compared without case.
    pub email: Option<String>,
    /// Never stored, never logged: only its hash is kept.
    pub password: Option<String>,
    /// May be empty: such a user reaches nothing but the authentication section.
    pub roles: Vec<Role>,
    /// Whether they reach nothing but the authentication section.
    pub disabled: bool,
    /// Whether they get no token.
    pub login_denied: bool,
}

/// Deletes a user; their name on tickets stays, and nobody inherits anything by taking their username.
#[derive(Debug, Clone)]
pub struct DeleteUser {
    /// The user.
    pub id: UserId,
}

impl Command for RegisterUser {
    type Decided = (UserId, Loaded<User>);
    type Record = UserRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let id = UserId::from_uuid(tx.new_id());
        let stream = StreamId::User(id);
        let loaded = match tx.creation::<User>(stream).await? {
            Target::Replayed(loaded) => return Ok((id, loaded)),
            Target::Fresh(loaded) => loaded,
        };
        let profile = self.checked(tx)?;
        claim(tx, &profile, stream);
        tx.require_free_claims().await?;
        let hash = tx.desk().passwords.hash(self.password.as_deref().unwrap_or_default()).await?;
        // Before the commit: a user who exists has a password. What an append that fails leaves behind belongs to
        // an id that nobody has.
        tx.desk().credentials.set(id, Credential { hash, set_at: tx.now() }).await?;
        let register = user::RegisterUser {
            username: profile.username,
            contacts: profile.contacts,
            roles: self.roles.clone(),
            disabled: self.disabled,
            login_denied: self.login_denied,
        };
        let after = tx.decide(loaded, UserCommand::Register(register))?;
        if after.state.is_active_admin() {
            change_roster(tx, RosterCommand::Add(id)).await?;
        }
        Ok((id, after))
    }

    async fn answer(&self, desk: &Commands, (id, loaded): Self::Decided) -> Result<UserRecord, CommandError> {
        record(desk, id, loaded).await
    }
}

impl RegisterUser {
    fn checked(&self, tx: &Transaction<'_>) -> Result<UserProfile, CommandError> {
        let rules = &tx.desk().rules;
        let contacts = RawContacts {
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
            phone: self.phone.as_deref(),
            email: self.email.as_deref(),
        };
        let mut check = Checked::default();
        let profile = check.fields(rules.user_profile(self.username.as_deref(), contacts));
        check.fields(rules.password("password", self.password.as_deref()));
        check.done()?;
        profile.ok_or(CommandError::Forbidden)
    }
}

impl Command for DeleteUser {
    type Decided = Loaded<User>;
    type Record = ();

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let stream = StreamId::User(self.id);
        let loaded = match tx.target::<User>(stream).await? {
            Target::Replayed(loaded) => return Ok(loaded),
            Target::Fresh(loaded) => loaded,
        };
        let User::Active(facts) = &loaded.state else { return Err(CommandError::NotFound(Resource::User)) };
        let was_admin = loaded.state.is_active_admin();
        if let Some(profile) = texts::user_profile(&*tx.desk().store, &loaded, facts).await? {
            tx.release(Namespace::Username, &profile.username, stream);
            tx.release(Namespace::UserEmail, &profile.contacts.email, stream);
            tx.release(Namespace::UserPhone, &profile.contacts.phone, stream);
        }
        let after = tx.decide(loaded, UserCommand::Delete)?;
        if was_admin {
            change_roster(tx, RosterCommand::Remove(self.id)).await?;
        }
        Ok(after)
    }

    async fn answer(&self, desk: &Commands, _: Self::Decided) -> Result<(), CommandError> {
        Ok(desk.credentials.remove(self.id).await?)
    }
}

fn claim(tx: &mut Transaction<'_>, profile: &UserProfile, stream: StreamId) {
    tx.claim(Namespace::Username, &profile.username, stream, "/username");
    tx.claim(Namespace::UserEmail, &profile.contacts.email, stream, "/email");
    tx.claim(Namespace::UserPhone, &profile.contacts.phone, stream, "/phone");
}

async fn change_roster(tx: &mut Transaction<'_>, command: RosterCommand) -> Result<(), CommandError> {
    let roster = tx.load::<AdminRoster>(StreamId::AdminRoster).await?;
    tx.decide_because(roster, command, tx.last_event()).map(|_| ())
}

/// The user with names and contacts, as a command answers them.
async fn record(desk: &Commands, id: UserId, loaded: Loaded<User>) -> Result<UserRecord, CommandError> {
    let facts = loaded.state.facts().ok_or(UserError::NotFound)?.clone();
    let profile = texts::user_profile(&*desk.store, &loaded, &facts).await?;
    Ok(UserRecord { id, version: loaded.version, facts, profile })
}
