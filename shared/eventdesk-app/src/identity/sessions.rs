//! Ending logins: their refresh tokens, and the access tokens that are out.

use std::sync::Arc;

use eventdesk_events::{Timestamp, UserId};
use uuid::Uuid;

use super::KnownRevocations;
use crate::ports::{Clock, RevocationsError, Sessions, SessionsError};

/// What a login leaves behind, and how it is ended.
#[derive(Clone)]
pub struct LoginSessions {
    sessions: Arc<dyn Sessions>,
    revocations: Option<Arc<KnownRevocations>>,
    clock: Arc<dyn Clock>,
    /// How long an access token lives at most.
    token_ms: i64,
}

/// Sessions or revocations could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// The sessions.
    #[error(transparent)]
    Sessions(#[from] SessionsError),
    /// The revocations.
    #[error(transparent)]
    Revocations(#[from] RevocationsError),
}

impl LoginSessions {
    /// Over these; access tokens live `token_minutes` at most.
    pub fn new(
        sessions: Arc<dyn Sessions>,
        revocations: Option<Arc<KnownRevocations>>,
        clock: Arc<dyn Clock>,
        token_minutes: u32,
    ) -> Self {
        Self { sessions, revocations, clock, token_ms: i64::from(token_minutes) * 60_000 }
    }

    pub(super) fn sessions(&self) -> &dyn Sessions {
        &*self.sessions
    }

    /// Ends a session, with the access tokens that are out.
    ///
    /// # Errors
    /// See [`EndSessionError`].
    pub async fn end(&self, user: UserId, session: Uuid) -> Result<(), EndSessionError> {
        // First what counts at once: who is told of a failure tries again, and still finds the session.
        self.revoke(session, self.last_end()).await?;
        Ok(self.sessions.end(user, session).await?)
    }

    /// Ends every access token of a subject.
    pub(super) async fn revoke_all_of(&self, subject: Uuid) -> Result<(), EndSessionError> {
        Ok(self.revoke(subject, self.last_end()).await?)
    }

    /// Revokes a token or a session until a time by which it has ended anyway.
    pub(super) async fn revoke(&self, id: Uuid, until: Timestamp) -> Result<(), RevocationsError> {
        match &self.revocations {
            Some(revocations) => revocations.revoke(id, until).await,
            None => Ok(()),
        }
    }

    /// Whether any of these is revoked.
    pub(super) async fn any_revoked(&self, ids: &[Uuid]) -> Result<bool, RevocationsError> {
        match &self.revocations {
            Some(revocations) => revocations.any(ids).await,
            None => Ok(false),
        }
    }

    /// Ends all refresh tokens of a user; access tokens that are out go on.
    ///
    /// # Errors
    /// See [`EndSessionError`].
    pub async fn end_refreshing(&self, user: UserId) -> Result<(), EndSessionError> {
        self.sessions.end_others(user, None).await?;
        Ok(())
    }

    /// Ends all sessions of a user but `kept`, with the access tokens that are out: their password was set anew at
    /// `password_set_at`.
    ///
    /// # Errors
    /// See [`EndSessionError`].
    pub async fn password_changed(
        &self,
        user: UserId,
        kept: Option<Uuid>,
        password_set_at: Timestamp,
    ) -> Result<(), EndSessionError> {
        let until = self.last_end();
        // Revoked before they are forgotten, so that a second try after a failure misses none.
        let known = self.sessions.of(user).await?;
        for session in known.iter().filter(|session| kept != Some(**session)) {
            self.revoke(*session, until).await?;
        }
        let ended = self.sessions.end_others(user, kept.map(|session| (session, password_set_at))).await?;
        for session in ended.iter().filter(|session| !known.contains(session)) {
            self.revoke(*session, until).await?;
        }
        Ok(())
    }

    /// By when every access token of today has ended, clocks that differ included.
    fn last_end(&self) -> Timestamp {
        const SKEW_MS: i64 = 60_000;
        Timestamp::from_millis(self.clock.now().millis() + self.token_ms + SKEW_MS)
    }
}
