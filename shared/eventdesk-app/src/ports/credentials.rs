//! Password hashes, apart from everything else: never in an event, a view or a log.

use async_trait::async_trait;
use eventdesk_events::{Timestamp, UserId};

/// A user's password hash.
#[derive(Clone)]
pub struct Credential {
    /// PHC string format, `$argon2id$…`.
    pub hash: String,
    /// When the password was set.
    pub set_at: Timestamp,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("set_at", &self.set_at).finish_non_exhaustive()
    }
}

/// The credentials could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("credentials unavailable")]
pub struct CredentialsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps at most one credential a user. What was answered is durable.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The user's credential.
    ///
    /// # Errors
    /// [`CredentialsError`].
    async fn get(&self, user: UserId) -> Result<Option<Credential>, CredentialsError>;

    /// Stores the first credential of a user; `false`, and nothing changes, if there is one already.
    ///
    /// # Errors
    /// [`CredentialsError`].
    async fn create(&self, user: UserId, credential: Credential) -> Result<bool, CredentialsError>;

    /// Stores or replaces the user's credential; one that was set later stays, and nothing changes.
    ///
    /// # Errors
    /// [`CredentialsError`].
    async fn set(&self, user: UserId, credential: Credential) -> Result<(), CredentialsError>;

    /// Removes it; removing what is not there is fine.
    ///
    /// # Errors
    /// [`CredentialsError`].
    async fn remove(&self, user: UserId) -> Result<(), CredentialsError>;
}

/// Turns passwords into hashes and compares them; slow on purpose.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The hash of a password, PHC string format.
    ///
    /// # Errors
    /// [`CredentialsError`] if it cannot be computed now.
    async fn hash(&self, password: &str) -> Result<String, CredentialsError>;

    /// Whether the password belongs to the hash. Without a hash it takes as long and says no, so that unknown and
    /// wrong cannot be told apart.
    ///
    /// # Errors
    /// [`CredentialsError`] if it cannot be computed now.
    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, CredentialsError>;
}
