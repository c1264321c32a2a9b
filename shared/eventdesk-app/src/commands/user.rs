//! Commands on users.

mod admit;
mod change;
mod password;

use eventdesk_domain::{
    roster::{AdminRoster, RosterCommand},
    rules::RawContacts,
    user::{self, User, UserCommand, UserError},
};
use eventdesk_events::{
    StreamId, UserId,
    user::{Role, UserProfile},
};

pub use admit::AdmitUser;
pub use change::{ChangeUser, UserChange, UserContacts};
pub use password::SetPassword;

use super::check::Checked;
use crate::{
    Command, CommandError, Commands, Loaded, Resource, Target, Transaction, UserRecord,
    ports::{Credential, Namespace},
    texts,
};

/// After so long nobody is still busy with a registration.
const ABANDONED_MS: i64 = 60_000;

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
            Target::Replayed(loaded) => {
                self.require_same_password(tx, id, &loaded).await?;
                return Ok((id, loaded));
            }
            Target::Fresh(loaded) => loaded,
        };
        let profile = self.checked(tx)?;
        claim(tx, &profile, stream);
        tx.require_free_claims().await?;
        // Before the commit: a user who exists has a password. What an append that fails leaves behind belongs to
        // an id that nobody has.
        self.store_password(tx, id).await?;
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
    /// A repeat of an idempotency key must bring the password, too. No digest of it is kept beside the body's, so it is
    /// compared with the hash; once it was changed there is nothing left to compare with.
    async fn require_same_password(
        &self,
        tx: &Transaction<'_>,
        id: UserId,
        loaded: &Loaded<User>,
    ) -> Result<(), CommandError> {
        let Some(stored) = tx.desk().credentials.get(id).await? else { return Ok(()) };
        let created_at = loaded.state.facts().map(|facts| facts.created_at);
        if created_at.is_some_and(|created_at| stored.set_at > created_at) || self.matches(tx, &stored).await? {
            return Ok(());
        }
        Err(CommandError::KeyReused)
    }

    /// Stores the first password of an id. One that stands there already is of the same idempotency key: of another
    /// request on its way, which must not lose its password to this one, or of one that never got further.
    async fn store_password(&self, tx: &Transaction<'_>, id: UserId) -> Result<(), CommandError> {
        let desk = tx.desk();
        let hash = desk.passwords.hash(self.password.as_deref().unwrap_or_default()).await?;
        let credential = Credential { hash, set_at: tx.now() };
        if desk.credentials.create(id, credential.clone()).await? {
            return Ok(());
        }
        match desk.credentials.get(id).await? {
            Some(stored) if self.matches(tx, &stored).await? => Ok(()),
            Some(stored) if tx.now().millis() - stored.set_at.millis() < ABANDONED_MS => Err(CommandError::KeyReused),
            _ => Ok(desk.credentials.set(id, credential).await?),
        }
    }

    async fn matches(&self, tx: &Transaction<'_>, stored: &Credential) -> Result<bool, CommandError> {
        let password = self.password.as_deref().unwrap_or_default();
        Ok(tx.desk().passwords.verify(password, Some(&stored.hash)).await?)
    }

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
            release(tx, &profile, stream);
        }
        let after = tx.decide(loaded, UserCommand::Delete)?;
        if was_admin {
            change_roster(tx, RosterCommand::Remove(self.id)).await?;
        }
        Ok(after)
    }

    async fn answer(&self, desk: &Commands, _: Self::Decided) -> Result<(), CommandError> {
        desk.credentials.remove(self.id).await?;
        Ok(desk.logins.end_refreshing(self.id).await?)
    }
}

fn claim(tx: &mut Transaction<'_>, profile: &UserProfile, stream: StreamId) {
    tx.claim(Namespace::Username, &profile.username, stream, "/username");
    tx.claim(Namespace::UserEmail, &profile.contacts.email, stream, "/email");
    tx.claim(Namespace::UserPhone, &profile.contacts.phone, stream, "/phone");
}

fn release(tx: &mut Transaction<'_>, profile: &UserProfile, stream: StreamId) {
    tx.release(Namespace::Username, &profile.username, stream);
    tx.release(Namespace::UserEmail, &profile.contacts.email, stream);
    tx.release(Namespace::UserPhone, &profile.contacts.phone, stream);
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

/// Records that what was private about a deleted user is gone.
#[derive(Debug, Clone)]
pub struct EraseUser {
    /// The user.
    pub id: UserId,
    /// See [`user::Erased`](eventdesk_events::user::Erased).
    pub own_parts: u64,
    /// See [`user::Erased`](eventdesk_events::user::Erased).
    pub written_parts: u64,
}

impl Command for EraseUser {
    type Decided = ();
    type Record = ();

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<(), CommandError> {
        let loaded = tx.load::<User>(StreamId::User(self.id)).await?;
        let Self { own_parts, written_parts, .. } = *self;
        let erased = eventdesk_events::user::Erased { own_parts, written_parts };
        tx.decide(loaded, UserCommand::Erase(erased)).map(drop)
    }

    async fn answer(&self, _: &Commands, (): ()) -> Result<(), CommandError> {
        Ok(())
    }
}
