//! Service accounts: made, rotated and deleted by admins, and logged in with a secret of their own.
//!
//! A secret is 256 random bits, so it needs no slow hash and its owner no throttling: a keyed digest is stored, and
//! nobody guesses it. A deleted account's tokens end at once; those given before a rotation live out their time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use eventdesk_domain::text::{Bounds, Fault, single_line};
use eventdesk_events::{Actor, UserId, user::Role};
use uuid::Uuid;

use super::{EndSessionError, Grant, GrantError, Granted, Identity, Scope, scopes};
use crate::{
    Digest, InvalidField,
    ports::{Client, ClientChange, ClientEntry, ClientsError, MOST_ENTRIES, StoredClient},
    queries::{Page, PageRequest},
};

/// Most service accounts at a time.
pub const MOST_CLIENTS: usize = 1_000;
const NAME: Bounds = Bounds { min: 1, max: 100 };
const SECRET_BYTES: usize = 32;
/// How often a change is tried that others make at the same time.
const TRIES: u32 = 8;

/// A new service account as it came in.
#[derive(Debug, Clone, Default)]
pub struct NewClient {
    /// For people; 1 to 100 characters.
    pub name: Option<String>,
    /// What its tokens may do.
    pub roles: Vec<Role>,
    /// The most that its tokens have; `None` for all that the roles allow.
    pub scopes: Option<Vec<String>>,
}

/// A service account's secret, to be shown once.
pub struct ClientSecret(String);

impl ClientSecret {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// Why nothing was done to a service account.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is none with this id.
    #[error("no such service account")]
    NotFound,
    /// Fields that cannot be accepted.
    #[error("{} invalid fields", .0.len())]
    Invalid(Vec<InvalidField>),
    /// There are [`MOST_CLIENTS`] already.
    #[error("there are too many service accounts")]
    TooMany,
    /// The cursor was not made here.
    #[error("bad cursor")]
    BadCursor,
    /// Others changed it again and again.
    #[error("lost the race")]
    ConcurrentChange,
    /// They cannot be reached now.
    #[error("unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<ClientsError> for ClientError {
    fn from(error: ClientsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<EndSessionError> for ClientError {
    fn from(error: EndSessionError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<ClientsError> for GrantError {
    fn from(error: ClientsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl NewClient {
    fn checked(&self) -> Result<(String, Vec<Role>, String), ClientError> {
        let mut faults = Vec::new();
        let name = match self.name.as_deref().map(|name| single_line(name, NAME)) {
            Some(Ok(name)) => name,
            Some(Err(fault)) => {
                faults.push(InvalidField::new("name", fault));
                String::new()
            }
            None => {
                faults.push(InvalidField::new("name", Fault::required()));
                String::new()
            }
        };
        let mut scopes: Vec<Scope> = Vec::new();
        for (index, scope) in self.scopes.iter().flatten().enumerate() {
            match Scope::ALL.into_iter().find(|known| known.as_str() == scope) {
                Some(scope) => scopes.push(scope),
                None => faults.push(InvalidField {
                    pointer: format!("/scopes/{index}"),
                    fault: Fault::new("unknown_value", "is not a scope"),
                }),
            }
        }
        if !faults.is_empty() {
            return Err(ClientError::Invalid(faults));
        }
        let wanted = |scope: &Scope| self.scopes.is_none() || scopes.contains(scope);
        let roles = Role::ALL.into_iter().filter(|role| self.roles.contains(role)).collect();
        Ok((name, roles, scopes::text(Scope::ALL.into_iter().filter(wanted))))
    }
}

impl Identity {
    /// Makes a service account; the secret is to be shown once and kept nowhere.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_client(&self, actor: Actor, new: &NewClient) -> Result<(Client, ClientSecret), ClientError> {
        let (name, roles, scopes) = new.checked()?;
        if self.clients().await?.len() >= MOST_CLIENTS {
            return Err(ClientError::TooMany);
        }
        let id = self.ids.next();
        let (secret, digest) = self.new_secret(id);
        let history = vec![ClientEntry { what: ClientChange::Created, at: self.clock.now(), actor }];
        let client = Client { id, name, roles, scopes, secret: Some(digest), history };
        self.clients.create(client.clone()).await?;
        Ok((client, secret))
    }

    /// A page of service accounts, in the order in which they were made.
    ///
    /// # Errors
    /// `BadCursor` and `Unavailable` only.
    pub async fn client_page(&self, page: &PageRequest) -> Result<Page<Client>, ClientError> {
        let mut items = self.clients().await?;
        let total = page.total.then(|| u64::try_from(items.len()).unwrap_or(u64::MAX));
        if let Some(cursor) = &page.cursor {
            let after = self.open_cursor(cursor).ok_or(ClientError::BadCursor)?;
            items.retain(|client| client.id > after);
        }
        let more = items.len() > page.limit;
        items.truncate(page.limit);
        let next_cursor = items.last().filter(|_| more).map(|last| self.cursor(last.id));
        Ok(Page { items, next_cursor, total })
    }

    fn cursor(&self, last: Uuid) -> String {
        let digest = self.families.digest(&[b"clients page", last.as_bytes()]);
        URL_SAFE_NO_PAD.encode([&digest.0[..], last.as_bytes()].concat())
    }

    fn open_cursor(&self, cursor: &str) -> Option<Uuid> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
        let last = Uuid::from_slice(&bytes[16..]).ok()?;
        (self.cursor(last) == cursor).then_some(last)
    }

    /// All service accounts that were not deleted, in the order in which they were made.
    ///
    /// # Errors
    /// `Unavailable` only.
    pub async fn clients(&self) -> Result<Vec<Client>, ClientError> {
        let all = self.clients.all().await?;
        Ok(all.into_iter().map(|stored| stored.client).filter(|client| client.secret.is_some()).collect())
    }

    /// A service account that was not deleted.
    ///
    /// # Errors
    /// `NotFound` and `Unavailable` only.
    pub async fn client(&self, id: Uuid) -> Result<Client, ClientError> {
        Ok(self.live_client(id).await?.client)
    }

    /// What happened to a service account, also once it was deleted.
    ///
    /// # Errors
    /// `NotFound` and `Unavailable` only.
    pub async fn client_history(&self, id: Uuid) -> Result<Vec<ClientEntry>, ClientError> {
        Ok(self.clients.get(id).await?.ok_or(ClientError::NotFound)?.client.history)
    }

    async fn live_client(&self, id: Uuid) -> Result<StoredClient, ClientError> {
        let stored = self.clients.get(id).await?;
        stored.filter(|stored| stored.client.secret.is_some()).ok_or(ClientError::NotFound)
    }

    /// Gives a service account another secret; the old one is worth nothing from now on.
    ///
    /// # Errors
    /// `NotFound`, `ConcurrentChange` and `Unavailable` only.
    pub async fn rotate_client_secret(&self, actor: Actor, id: Uuid) -> Result<(Client, ClientSecret), ClientError> {
        let (secret, digest) = self.new_secret(id);
        let client = self.change_client(actor, id, ClientChange::SecretRotated, Some(digest)).await?;
        Ok((client, secret))
    }

    /// Deletes a service account; its tokens end at once.
    ///
    /// # Errors
    /// `NotFound`, `ConcurrentChange` and `Unavailable` only.
    pub async fn delete_client(&self, actor: Actor, id: Uuid) -> Result<(), ClientError> {
        let deleted = self.change_client(actor, id, ClientChange::Deleted, None).await;
        // Also for one that was deleted before: that deletion may have come no further.
        if matches!(deleted, Ok(_) | Err(ClientError::NotFound)) && self.clients.get(id).await?.is_some() {
            self.logins.revoke_all_of(id).await?;
        }
        deleted.map(drop)
    }

    async fn change_client(
        &self,
        actor: Actor,
        id: Uuid,
        what: ClientChange,
        secret: Option<Digest>,
    ) -> Result<Client, ClientError> {
        for _ in 0..TRIES {
            let StoredClient { mut client, revision } = self.live_client(id).await?;
            client.secret = secret;
            client.history.push(ClientEntry { what, at: self.clock.now(), actor: actor.clone() });
            let surplus = client.history.len().saturating_sub(MOST_ENTRIES);
            client.history.drain(..surplus);
            if self.clients.replace(client.clone(), revision).await? {
                return Ok(client);
            }
        }
        Err(ClientError::ConcurrentChange)
    }

    fn new_secret(&self, id: Uuid) -> (ClientSecret, Digest) {
        let mut bytes = [0; SECRET_BYTES];
        self.ids.fill(&mut bytes);
        let text = URL_SAFE_NO_PAD.encode(bytes);
        let digest = self.secret_digest(id, &text);
        (ClientSecret(text), digest)
    }

    fn secret_digest(&self, id: Uuid, secret: &str) -> Digest {
        self.families.digest(&[b"client secret", id.as_bytes(), secret.as_bytes()])
    }

    /// The service account that knows its secret (RFC 6749, section 2.3.1).
    ///
    /// # Errors
    /// `InvalidClient` and `Unavailable` only.
    pub async fn authenticate_client(&self, id: &str, secret: &str) -> Result<Client, GrantError> {
        let id = UserId::parse(id).map_err(|_| GrantError::InvalidClient)?.uuid();
        let client = self.clients.get(id).await?.ok_or(GrantError::InvalidClient)?.client;
        let right = client.secret.is_some_and(|stored| stored.same_as(&self.secret_digest(id, secret)));
        if right { Ok(client) } else { Err(GrantError::InvalidClient) }
    }

    /// The client credentials grant (RFC 6749, section 4.4): a token without a refresh token.
    ///
    /// # Errors
    /// `InvalidScope` and `Internal` only.
    pub async fn client_grant(&self, client: &Client, scope: Option<&str>) -> Result<Granted, GrantError> {
        let asked = scopes::asked(scope).ok_or(GrantError::InvalidScope)?;
        let everything = asked == scopes::Asked::Everything;
        let scope = scopes::text(asked.within(&client.scopes).granted(&self.access, &client.roles));
        if scope.is_empty() && !everything {
            return Err(GrantError::InvalidScope);
        }
        let subject = UserId::from_uuid(client.id);
        self.sign(&Grant { subject, roles: &client.roles, session: None, client: true }, scope).await
    }
}
