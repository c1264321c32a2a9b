//! The built-in issuer: who may have a token, and what stands in it.
//!
//! Passwords and tokens pass through here and are kept nowhere. How tokens are signed and hashes computed is behind
//! ports; what HTTP makes of the outcomes is not decided here.

mod bootstrap;
mod clients;
mod discovery;
mod logins;
mod refresh;
mod revoked;
mod scopes;
mod sessions;
#[cfg(test)]
mod tests;
mod tokens;

use std::{net::IpAddr, sync::Arc};

use eventdesk_domain::{
    rules::normalise_unique,
    user::{User, UserFacts},
};
use eventdesk_events::{StreamId, UserId, user::Role};
use uuid::Uuid;

pub use bootstrap::{BOOTSTRAP_USERNAME, Bootstrap, GeneratedPassword, bootstrap, operator};
pub use clients::{ClientError, ClientSecret, MOST_CLIENTS, NewClient};
pub use discovery::Discovery;
pub use logins::{LocalFailedLogins, LoginLimiter};
pub use refresh::LiveRefreshToken;
pub use revoked::KnownRevocations;
pub use scopes::Scope;
pub use sessions::{EndSessionError, LoginSessions};
pub use tokens::ActiveToken;

use crate::{
    Digester, LoadError, Loaded, QueryError, UserRecord,
    access::AccessMatrix,
    execute::reservation,
    ports::{
        AccessClaims, Clients, Clock, Credentials, CredentialsError, EventStore, FailedLoginsError, Ids, Namespace,
        PasswordHasher, RevocationsError, SessionsError, StoreError, TokenIssuer,
    },
    texts,
};

/// Stands in for the user of an unknown name.
const NOBODY: UserId = UserId::from_uuid(Uuid::nil());

/// Everything that the built-in issuer stands on.
pub struct Identity {
    /// The durable truth.
    pub store: Arc<dyn EventStore>,
    /// Keeps password hashes.
    pub credentials: Arc<dyn Credentials>,
    /// Compares passwords with them.
    pub passwords: Arc<dyn PasswordHasher>,
    /// Signs.
    pub issuer: Arc<dyn TokenIssuer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes token ids.
    pub ids: Arc<dyn Ids>,
    /// Digests unique values; purpose `reservations`.
    pub reservations: Digester,
    /// Keeps service accounts.
    pub clients: Arc<dyn Clients>,
    /// Seals and digests refresh tokens and secrets; purpose `token families`.
    pub families: Digester,
    /// Keeps sessions, and ends them.
    pub logins: LoginSessions,
    /// Which scopes a role may have follows from it.
    pub access: Arc<AccessMatrix>,
    /// Slows down who guesses.
    pub limiter: LoginLimiter,
    /// How long a token is valid.
    pub token_minutes: u32,
    /// How long a session can be refreshed, in milliseconds; 0 = there are no refresh tokens.
    pub refresh_ms: i64,
    /// The `aud` of the tokens.
    pub audience: String,
}

/// A token and what to say about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// The signed token.
    pub access_token: String,
    /// Seconds until it expires.
    pub expires_in_s: u64,
    /// The scopes in it, parted by single spaces.
    pub scope: String,
    /// The token to get the next one with.
    pub refresh_token: Option<String>,
}

/// Whom a token is for.
struct Grant<'a> {
    subject: UserId,
    roles: &'a [Role],
    session: Option<uuid::Uuid>,
    /// Whether the subject is a service account.
    client: bool,
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted")
            .field("expires_in_s", &self.expires_in_s)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Unknown name, wrong password or denied login: which of them is not told, and all take the same time. Or a refresh
    /// token that is worth nothing.
    #[error("invalid username, password or refresh token")]
    InvalidGrant,
    /// An unknown service account, or a wrong secret.
    #[error("invalid client")]
    InvalidClient,
    /// Nothing of the scope asked for can be granted, or it is not a scope (RFC 6749, section 3.3).
    #[error("the scope asked for cannot be granted")]
    InvalidScope,
    /// Too many failed logins for this name or from this address.
    #[error("too many failed logins")]
    TooManyAttempts {
        /// When to try again, in seconds; at least 1.
        retry_after_s: u64,
    },
    /// Something the issuer stands on is busy or away. Worth trying again later.
    #[error("unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the caller cannot act on.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for GrantError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(source) => Self::Unavailable(source),
            StoreError::Internal(source) => Self::Internal(source),
        }
    }
}

impl From<LoadError> for GrantError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => error.into(),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<CredentialsError> for GrantError {
    fn from(error: CredentialsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<SessionsError> for GrantError {
    fn from(error: SessionsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<RevocationsError> for GrantError {
    fn from(error: RevocationsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<EndSessionError> for GrantError {
    fn from(error: EndSessionError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<FailedLoginsError> for GrantError {
    fn from(error: FailedLoginsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl Identity {
    /// The resource owner password grant (RFC 6749, section 4.3): a token for who knows the password.
    ///
    /// A `scope` that is absent or empty asks for all that the user's roles allow; what they do not allow is left
    /// out of the answer. `address` is the client's, for throttling; without one only the name counts. A disabled
    /// user gets a token, though it opens little.
    ///
    /// # Errors
    /// See [`GrantError`].
    pub async fn password_grant(
        &self,
        username: &str,
        password: &str,
        scope: Option<&str>,
        address: Option<IpAddr>,
    ) -> Result<Granted, GrantError> {
        let asked = scopes::asked(scope).ok_or(GrantError::InvalidScope)?;
        let claim = reservation(&self.reservations, Namespace::Username, &normalise_unique(username));
        let attempt = self.limiter.attempt(claim.value, address);
        attempt.require_allowed(self.clock.now()).await?;
        let found = self.login(claim).await?;
        // Who is unknown costs as many reads, each in its turn, as who is not.
        let id = found.as_ref().map_or(NOBODY, |(id, _)| *id);
        let credential = self.credentials.get(id).await?.filter(|_| found.is_some());
        let right = self.passwords.verify(password, credential.as_ref().map(|c| c.hash.as_str())).await?;
        let now = self.clock.now();
        // Asked again, because many guesses may have been on their way at once: beyond the limit not even a right
        // one is told apart.
        attempt.require_allowed(now).await?;
        // Who logs in elsewhere has the roles of the tokens from there, and no password here.
        let found = found.filter(|(_, facts)| right && !facts.login_denied && !facts.external);
        let Some(((id, facts), credential)) = found.zip(credential) else {
            attempt.failed(now).await?;
            return Err(GrantError::InvalidGrant);
        };
        let scope = self.scope(&facts.roles, &asked)?;
        let (session, refresh_token) = self.begin_session(id, credential.set_at, &scope).await?.unzip();
        let grant = Grant { subject: id, roles: &facts.roles, session, client: false };
        Ok(Granted { refresh_token, ..self.sign(&grant, scope).await? })
    }

    /// Makes sure that a user who has a token knows the password, too. Throttled as logins are, by user and address.
    ///
    /// # Errors
    /// See [`GrantError`]; `InvalidScope` never.
    pub async fn confirm_password(
        &self,
        user: UserId,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<(), GrantError> {
        let name = self.reservations.digest(&[b"own password", user.uuid().as_bytes()]);
        let attempt = self.limiter.attempt(name, address);
        attempt.require_allowed(self.clock.now()).await?;
        let hash = self.credentials.get(user).await?.map(|credential| credential.hash);
        let right = self.passwords.verify(password, hash.as_deref()).await?;
        let now = self.clock.now();
        attempt.require_allowed(now).await?;
        if right {
            return Ok(());
        }
        attempt.failed(now).await?;
        Err(GrantError::InvalidGrant)
    }

    /// The user who holds a name, unless nobody does.
    ///
    /// # Errors
    /// `Unavailable` and `Internal` only.
    pub async fn user_named(&self, username: &str) -> Result<Option<UserId>, GrantError> {
        let claim = reservation(&self.reservations, Namespace::Username, &normalise_unique(username));
        Ok(self.login(claim).await?.map(|(id, _)| id))
    }

    /// The user who holds a name.
    async fn login(&self, claim: crate::ports::Claim) -> Result<Option<(UserId, UserFacts)>, GrantError> {
        let id = match self.store.holder(claim).await? {
            Some(StreamId::User(id)) => id,
            _ => NOBODY,
        };
        let loaded: Loaded<User> = Loaded::newest(&*self.store, StreamId::User(id)).await?;
        Ok(match loaded.state {
            User::Active(facts) => Some((id, facts)),
            User::Unregistered | User::Deleted(_) => None,
        })
    }

    /// What of the scope asked for these roles allow.
    fn scope(&self, roles: &[Role], asked: &scopes::Asked) -> Result<String, GrantError> {
        let scope = asked.granted(&self.access, roles);
        // Who has no role still reaches the authentication section, with a token of no scope.
        if scope.is_empty() && *asked != scopes::Asked::Everything {
            return Err(GrantError::InvalidScope);
        }
        Ok(scopes::text(scope))
    }

    async fn sign(&self, grant: &Grant<'_>, scope: String) -> Result<Granted, GrantError> {
        let seconds = u64::from(self.token_minutes) * 60;
        let iat = self.clock.now().millis().div_euclid(1_000);
        let claims = AccessClaims {
            iss: self.issuer.issuer().to_owned(),
            aud: self.audience.clone(),
            sub: grant.subject,
            client_id: grant.client.then_some(grant.subject),
            sid: grant.session,
            exp: iat.saturating_add_unsigned(seconds),
            iat,
            nbf: iat,
            jti: self.ids.next(),
            scope: scope.clone(),
            groups: grant.roles.to_vec(),
        };
        let access_token = self.issuer.sign(&claims).await.map_err(|error| GrantError::Internal(error.into()))?;
        Ok(Granted { access_token, expires_in_s: seconds, scope, refresh_token: None })
    }

    /// What the directory says about a user now, without names: one read. `None` if they never were or were deleted,
    /// and then no token of theirs is worth anything.
    ///
    /// # Errors
    /// `Unavailable` and `Internal` only.
    pub async fn facts(&self, user: UserId) -> Result<Option<UserFacts>, QueryError> {
        let loaded: Loaded<User> = Loaded::glance(&*self.store, StreamId::User(user)).await?;
        Ok(match loaded.state {
            User::Active(facts) => Some(facts),
            User::Unregistered | User::Deleted(_) => None,
        })
    }

    /// As [`Identity::facts`], with names and contacts.
    ///
    /// # Errors
    /// `Unavailable` and `Internal` only.
    pub async fn record(&self, user: UserId) -> Result<Option<UserRecord>, QueryError> {
        let loaded: Loaded<User> = Loaded::newest(&*self.store, StreamId::User(user)).await?;
        let User::Active(facts) = &loaded.state else { return Ok(None) };
        let profile = texts::user_profile(&*self.store, &loaded, facts).await?;
        Ok(Some(UserRecord { id: user, version: loaded.version, facts: facts.clone(), profile }))
    }

    /// What the issuer says about itself (OpenID Connect Discovery 1.0).
    pub fn discovery(&self) -> Discovery {
        Discovery::of(self.issuer.issuer())
    }

    /// The issuer's public keys as a JWK Set, in JSON.
    pub async fn jwks(&self) -> String {
        self.issuer.jwks().await
    }
}
