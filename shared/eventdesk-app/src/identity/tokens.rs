//! What a token is worth now, and taking one back.

use eventdesk_domain::user::User;
use eventdesk_events::{StreamId, Timestamp, UserId};
use uuid::Uuid;

use super::{GrantError, Identity, LiveRefreshToken};
use crate::{
    Loaded,
    ports::{Client, IssuedClaims},
};

/// Clocks differ: a revocation outlives its token by so much.
const SKEW_MS: i64 = 60_000;

/// A token that counts.
pub enum ActiveToken {
    /// An access token, with its claims.
    Access(Box<IssuedClaims>),
    /// A refresh token.
    Refresh(LiveRefreshToken),
}

impl Identity {
    /// What a token of this issuer is worth now; `None` if nothing, or if it is not one.
    ///
    /// # Errors
    /// `Unavailable` and `Internal` only.
    pub async fn inspect_token(&self, text: &str) -> Result<Option<ActiveToken>, GrantError> {
        let Some(claims) = self.issuer.read(text).await.map_err(|error| GrantError::Unavailable(error.into()))? else {
            let refresh = self.inspect_refresh_token(text).await?;
            return Ok(match refresh {
                Some(token) if self.may_act(token.session.user, None).await? => Some(ActiveToken::Refresh(token)),
                _ => None,
            });
        };
        let now_s = self.clock.now().millis().div_euclid(1_000);
        let ids = [Some(claims.jti), claims.sid, claims.client_id.map(UserId::uuid)];
        let ids: Vec<Uuid> = ids.into_iter().flatten().collect();
        let current = claims.exp > now_s && claims.nbf <= now_s && claims.aud == self.audience;
        if !current || self.logins.any_revoked(&ids).await? || !self.may_act(claims.sub, claims.client_id).await? {
            return Ok(None);
        }
        Ok(Some(ActiveToken::Access(Box::new(claims))))
    }

    /// Whether a subject is there, and nothing keeps them out.
    async fn may_act(&self, subject: UserId, client: Option<UserId>) -> Result<bool, GrantError> {
        if let Some(client) = client {
            let stored = self.clients.get(client.uuid()).await?;
            return Ok(stored.is_some_and(|stored| stored.client.secret.is_some()));
        }
        let loaded: Loaded<User> = Loaded::glance(&*self.store, StreamId::User(subject)).await?;
        Ok(matches!(loaded.state, User::Active(facts) if !facts.disabled))
    }

    /// Takes a token back (RFC 7009); what is no token of this issuer, or has ended, changes nothing. A refresh token
    /// takes its whole session along. A service account's token is taken back by that account alone.
    ///
    /// # Errors
    /// `InvalidClient` if a service account's token comes without its account's secret, `InvalidGrant` if with
    /// another's; `Unavailable` and `Internal`.
    pub async fn revoke_token(&self, text: &str, client: Option<&Client>) -> Result<(), GrantError> {
        if self.revoke_refresh_token(text).await? {
            return Ok(());
        }
        let read = self.issuer.read(text).await.map_err(|error| GrantError::Unavailable(error.into()))?;
        let Some(claims) = read else { return Ok(()) };
        match (claims.client_id, client) {
            (Some(_), None) => return Err(GrantError::InvalidClient),
            (Some(owner), Some(client)) if owner.uuid() != client.id => return Err(GrantError::InvalidGrant),
            _ => {}
        }
        let until = Timestamp::from_millis(claims.exp.saturating_mul(1_000).saturating_add(SKEW_MS));
        if until > self.clock.now() {
            self.logins.revoke(claims.jti, until).await?;
        }
        Ok(())
    }
}
