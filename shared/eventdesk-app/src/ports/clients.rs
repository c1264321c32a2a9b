//! Service accounts: programs that log in with a secret of their own.

use async_trait::async_trait;
use eventdesk_events::{Actor, Timestamp, user::Role};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Digest;

/// A service account. One that was deleted keeps its history and nothing else counts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its id, the `client_id` that it logs in with and the subject of its tokens.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// Without repeats, in the order of [`Role::ALL`].
    pub roles: Vec<Role>,
    /// The most that its tokens have; parted by single spaces.
    pub scopes: String,
    /// The keyed digest of its secret; `None` once it was deleted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret: Option<Digest>,
    /// What happened to it, oldest first; the newest [`MOST_ENTRIES`].
    pub history: Vec<ClientEntry>,
}

/// As much of a client's history is kept.
pub const MOST_ENTRIES: usize = 100;

/// Something that happened to a service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientEntry {
    /// What.
    pub what: ClientChange,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
}

/// What can happen to a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientChange {
    /// It was made.
    Created,
    /// It got another secret.
    SecretRotated,
    /// It was deleted.
    Deleted,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("id", &self.id).field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl Client {
    /// When it was made, or what is left of its history begins.
    pub fn created_at(&self) -> Timestamp {
        self.history.first().map_or(Timestamp::from_millis(0), |entry| entry.at)
    }

    /// When it last changed.
    pub fn updated_at(&self) -> Timestamp {
        self.history.last().map_or(Timestamp::from_millis(0), |entry| entry.at)
    }
}

/// A service account as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredClient {
    /// What is stored.
    pub client: Client,
    /// 1, 2, …, one more with each replacement.
    pub revision: u64,
}

/// The service accounts could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("service accounts unavailable")]
pub struct ClientsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps service accounts. What was answered is durable. Reads see all that was answered before.
#[async_trait]
pub trait Clients: Send + Sync {
    /// Stores a new one, with revision 1; its id is fresh.
    ///
    /// # Errors
    /// [`ClientsError`].
    async fn create(&self, client: Client) -> Result<(), ClientsError>;

    /// One by its id.
    ///
    /// # Errors
    /// [`ClientsError`].
    async fn get(&self, id: Uuid) -> Result<Option<StoredClient>, ClientsError>;

    /// Replaces one if it still has this revision; else nothing changes and the answer is `false`. Of several at once
    /// one succeeds.
    ///
    /// # Errors
    /// [`ClientsError`].
    async fn replace(&self, client: Client, revision: u64) -> Result<bool, ClientsError>;

    /// All of them, deleted ones too, by id.
    ///
    /// # Errors
    /// [`ClientsError`].
    async fn all(&self) -> Result<Vec<StoredClient>, ClientsError>;
}
