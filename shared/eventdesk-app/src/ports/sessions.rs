//! Logins that can be continued with refresh tokens.

use async_trait::async_trait;
use eventdesk_events::{Timestamp, UserId};
use uuid::Uuid;

use crate::Digest;

/// A login: one family of refresh tokens, of which one at a time can be used.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, the `sid` of its access tokens.
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// The keyed digest of the refresh token that may be used next.
    pub current: Digest,
    /// That of the one before it.
    pub previous: Option<Digest>,
    /// When the current one was given.
    pub rotated_at: Timestamp,
    /// When the whole family ends, used or not.
    pub expires_at: Timestamp,
    /// When the password was set that it began with; with another one it is over.
    pub password_set_at: Timestamp,
    /// The scopes granted at first, parted by single spaces; later tokens never have more.
    pub scope: String,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The sessions could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("sessions unavailable")]
pub struct SessionsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps sessions. What was answered is durable. Those past their end may be forgotten at any time.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Stores a new session.
    ///
    /// # Errors
    /// [`SessionsError`].
    async fn begin(&self, session: Session) -> Result<(), SessionsError>;

    /// A user's session, past its end too if it is not forgotten yet; `None` if it was ended.
    ///
    /// # Errors
    /// [`SessionsError`].
    async fn get(&self, user: UserId, id: Uuid) -> Result<Option<Session>, SessionsError>;

    /// Makes `to` the token that may be used next, and `from` the one before it, if `from` is still the current one;
    /// else nothing changes and the answer is `false`. Of several at once one succeeds.
    ///
    /// # Errors
    /// [`SessionsError`].
    async fn rotate(
        &self,
        user: UserId,
        id: Uuid,
        from: Digest,
        to: Digest,
        at: Timestamp,
    ) -> Result<bool, SessionsError>;

    /// Ends a session; ending what is not there is fine.
    ///
    /// # Errors
    /// [`SessionsError`].
    async fn end(&self, user: UserId, id: Uuid) -> Result<(), SessionsError>;

    /// The ids of all of a user's sessions that were not ended, in no order.
    ///
    /// # Errors
    /// [`SessionsError`].
    async fn of(&self, user: UserId) -> Result<Vec<Uuid>, SessionsError>;

    /// Ends all of a user's sessions but the one in `kept`, which stands on the password set at the time beside it from
    /// now on. Answers those that were ended; a session begun meanwhile may remain.
    ///
    /// # Errors
    /// [`SessionsError`].
    async fn end_others(&self, user: UserId, kept: Option<(Uuid, Timestamp)>) -> Result<Vec<Uuid>, SessionsError>;
}
