//! Another password for a user.

use eventdesk_domain::user::{User, UserCommand};
use eventdesk_events::{StreamId, UserId};
use uuid::Uuid;

use super::record;
use crate::{
    Command, CommandError, Commands, Loaded, Resource, Target, Transaction, UserRecord, commands::check::Checked,
    ports::Credential,
};

/// Sets a user's password and ends their sessions. To be executed without an idempotency key: a repeat sets it once more.
#[derive(Clone)]
pub struct SetPassword {
    /// The user.
    pub id: UserId,
    /// The `new_password`; never stored, never logged: only its hash is kept.
    pub password: Option<String>,
    /// The session that goes on; all others end.
    pub kept_session: Option<Uuid>,
}

impl Command for SetPassword {
    type Decided = (Loaded<User>, Credential);
    type Record = UserRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let loaded = match tx.target::<User>(StreamId::User(self.id)).await? {
            Target::Replayed(loaded) | Target::Fresh(loaded) => loaded,
        };
        if !matches!(loaded.state, User::Active(_)) {
            return Err(CommandError::NotFound(Resource::User));
        }
        let mut check = Checked::default();
        check.fields(tx.desk().rules.password("new_password", self.password.as_deref()));
        check.done()?;
        let after = tx.decide(loaded, UserCommand::ChangePassword)?;
        let hash = tx.desk().passwords.hash(self.password.as_deref().unwrap_or_default()).await?;
        // The commit's own time, which never runs backwards: of two changes at once the later commit's stays.
        let set_at = after.state.facts().map_or(tx.now(), |facts| facts.updated_at);
        Ok((after, Credential { hash, set_at }))
    }

    /// The hash follows the commit: a change that is refused leaves the password as it is, and none goes unrecorded.
    async fn answer(&self, desk: &Commands, decided: Self::Decided) -> Result<UserRecord, CommandError> {
        let (loaded, credential) = decided;
        let set_at = credential.set_at;
        desk.credentials.set(self.id, credential).await?;
        desk.logins.password_changed(self.id, self.kept_session, set_at).await?;
        record(desk, self.id, loaded).await
    }
}
