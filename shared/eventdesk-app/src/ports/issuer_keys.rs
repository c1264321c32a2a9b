//! The issuer's private keys, sealed, where every process of a deployment finds them.

use async_trait::async_trait;
use eventdesk_events::Timestamp;

/// A private key that only who has the deployment secret can read.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// 1, 2, … in the order in which they were made; which one signs follows from their times.
    pub number: u32,
    /// The public half's id.
    pub kid: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The private key, encrypted.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedKey").field("number", &self.number).field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The keys could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("issuer keys unavailable")]
pub struct IssuerKeyStoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps the issuer's keys, each written once. What was answered is durable.
#[async_trait]
pub trait IssuerKeyStore: Send + Sync {
    /// All keys, by number ascending.
    ///
    /// # Errors
    /// [`IssuerKeyStoreError`].
    async fn all(&self) -> Result<Vec<SealedKey>, IssuerKeyStoreError>;

    /// Stores a key; `false`, and nothing changes, if its number has one already. Of several at once one is stored.
    ///
    /// # Errors
    /// [`IssuerKeyStoreError`].
    async fn create(&self, key: SealedKey) -> Result<bool, IssuerKeyStoreError>;
}
