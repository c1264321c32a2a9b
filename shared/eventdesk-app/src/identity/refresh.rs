//! Refresh tokens: how they look, and what becomes of one that is used.
//!
//! A token is used once. Whoever brings one that was used before has found it, or was robbed of it: the whole session
//! ends. The exception is the token that was replaced a moment ago: it is refused, and the session goes on, for a
//! client that asks twice at once, or asks again because the answer was lost, is no thief. It has to log in again then:
//! a second successor would let a thief go on beside it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use eventdesk_domain::user::User;
use eventdesk_events::{StreamId, Timestamp, UserId};
use uuid::Uuid;

use super::{Grant, GrantError, Granted, Identity, scopes};
use crate::{Digest, Digester, Loaded, ports::Session};

/// So long after its replacement a token's use is taken for a repeat.
const REPEAT_MS: i64 = 10_000;

const SECRET_BYTES: usize = 32;

/// What a refresh token says: 80 bytes in unpadded base64url.
struct RefreshToken {
    user: UserId,
    session: Uuid,
    secret: [u8; SECRET_BYTES],
}

impl RefreshToken {
    fn text(&self, digests: &Digester) -> String {
        let (user, seal) = (self.user.uuid(), self.seal(digests));
        let parts: [&[u8]; 4] = [user.as_bytes(), self.session.as_bytes(), &self.secret, &seal.0];
        URL_SAFE_NO_PAD.encode(parts.concat())
    }

    /// Only tokens of this deployment are looked up: nobody ends a session by naming it.
    fn parse(text: &str, digests: &Digester) -> Option<Self> {
        let bytes: [u8; 32 + SECRET_BYTES + 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (ids, rest) = bytes.split_at(32);
        let (secret, seal) = rest.split_at(SECRET_BYTES);
        let token = Self {
            user: UserId::from_uuid(Uuid::from_slice(&ids[..16]).ok()?),
            session: Uuid::from_slice(&ids[16..]).ok()?,
            secret: secret.try_into().ok()?,
        };
        token.seal(digests).same_as(&Digest(seal.try_into().ok()?)).then_some(token)
    }

    fn seal(&self, digests: &Digester) -> Digest {
        digests.digest(&[b"seal", self.user.uuid().as_bytes(), self.session.as_bytes(), &self.secret])
    }

    /// What is stored of it.
    fn digest(&self, digests: &Digester) -> Digest {
        digests.digest(&[b"secret", &self.secret])
    }
}

/// What is known of a refresh token that can be used now.
pub struct LiveRefreshToken {
    /// Its session.
    pub session: Session,
}

impl Identity {
    /// Begins a session for a user who has just logged in; `None` if there are no refresh tokens here.
    pub(super) async fn begin_session(
        &self,
        user: UserId,
        password_set_at: Timestamp,
        scope: &str,
    ) -> Result<Option<(Uuid, String)>, GrantError> {
        if self.refresh_ms == 0 {
            return Ok(None);
        }
        let now = self.clock.now();
        let token = self.new_token(user, self.ids.next());
        let session = Session {
            id: token.session,
            user,
            current: token.digest(&self.families),
            previous: None,
            rotated_at: now,
            expires_at: Timestamp::from_millis(now.millis() + self.refresh_ms),
            password_set_at,
            scope: scope.to_owned(),
        };
        self.logins.sessions().begin(session).await?;
        Ok(Some((token.session, token.text(&self.families))))
    }

    fn new_token(&self, user: UserId, session: Uuid) -> RefreshToken {
        let mut secret = [0; SECRET_BYTES];
        self.ids.fill(&mut secret);
        RefreshToken { user, session, secret }
    }

    /// The refresh grant (RFC 6749, section 6): a token and the next refresh token for who has the current one.
    ///
    /// A `scope` may ask for less than was granted at first, and roles that were taken away take their scopes along.
    ///
    /// # Errors
    /// See [`GrantError`]; never `TooManyAttempts`: these tokens cannot be guessed.
    pub async fn refresh_grant(&self, text: &str, scope: Option<&str>) -> Result<Granted, GrantError> {
        let asked = scopes::asked(scope).ok_or(GrantError::InvalidScope)?;
        let token = RefreshToken::parse(text, &self.families).ok_or(GrantError::InvalidGrant)?;
        let LiveRefreshToken { session } = self.usable(&token).await?.ok_or(GrantError::InvalidGrant)?;
        let loaded: Loaded<User> = Loaded::newest(&*self.store, StreamId::User(session.user)).await?;
        let User::Active(facts) = loaded.state else { return Err(GrantError::InvalidGrant) };
        let credential = self.credentials.get(session.user).await?;
        let same_password = credential.is_some_and(|credential| credential.set_at == session.password_set_at);
        if facts.login_denied || facts.disabled || !same_password {
            return Err(GrantError::InvalidGrant);
        }
        let scope = self.scope(&facts.roles, &asked.within(&session.scope))?;
        let next = self.new_token(session.user, session.id);
        // Signed first: a token that cannot be signed must not cost the session.
        let grant = Grant { subject: session.user, roles: &facts.roles, session: Some(session.id), client: false };
        let granted = self.sign(&grant, scope).await?;
        let (from, to) = (token.digest(&self.families), next.digest(&self.families));
        let now = self.clock.now();
        if !self.logins.sessions().rotate(session.user, session.id, from, to, now).await? {
            return Err(GrantError::InvalidGrant);
        }
        Ok(Granted { refresh_token: Some(next.text(&self.families)), ..granted })
    }

    /// The session of a token that may be used; one that was used before ends its session.
    async fn usable(&self, token: &RefreshToken) -> Result<Option<LiveRefreshToken>, GrantError> {
        let sessions = self.logins.sessions();
        let Some(session) = sessions.get(token.user, token.session).await? else { return Ok(None) };
        let now = self.clock.now();
        if session.expires_at <= now {
            return Ok(None);
        }
        let digest = token.digest(&self.families);
        if digest.same_as(&session.current) {
            return Ok(Some(LiveRefreshToken { session }));
        }
        let just_replaced = session.previous.is_some_and(|previous| digest.same_as(&previous))
            && now.millis() - session.rotated_at.millis() < REPEAT_MS;
        if !just_replaced {
            tracing::warn!(user.id = %token.user, session.id = %token.session, "a refresh token was used again: its session ends");
            self.logins.end(token.user, token.session).await?;
        }
        Ok(None)
    }

    /// What a refresh token is worth, without using it.
    ///
    /// # Errors
    /// `Unavailable` and `Internal` only.
    pub async fn inspect_refresh_token(&self, text: &str) -> Result<Option<LiveRefreshToken>, GrantError> {
        let Some(token) = RefreshToken::parse(text, &self.families) else { return Ok(None) };
        let Some(session) = self.logins.sessions().get(token.user, token.session).await? else { return Ok(None) };
        let current = token.digest(&self.families).same_as(&session.current);
        Ok((current && session.expires_at > self.clock.now()).then_some(LiveRefreshToken { session }))
    }

    /// Ends the session of a refresh token, be it the current one or not, with the access tokens that are out; whether
    /// the text is a refresh token at all.
    ///
    /// # Errors
    /// `Unavailable` and `Internal` only.
    pub async fn revoke_refresh_token(&self, text: &str) -> Result<bool, GrantError> {
        let Some(token) = RefreshToken::parse(text, &self.families) else { return Ok(false) };
        self.logins.end(token.user, token.session).await?;
        Ok(true)
    }
}
