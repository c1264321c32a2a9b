//! What a function has not.

use async_trait::async_trait;
use eventdesk_app::ports::{Credential, Credentials, CredentialsError};
use eventdesk_events::UserId;

/// Stands where password hashes would: a function without `store.identity_table` may not touch them.
pub(crate) struct NoIdentityTable;

fn refused<T>() -> Result<T, CredentialsError> {
    Err(CredentialsError("store.identity_table is not configured".into()))
}

#[async_trait]
impl Credentials for NoIdentityTable {
    async fn get(&self, _: UserId) -> Result<Option<Credential>, CredentialsError> {
        refused()
    }

    async fn create(&self, _: UserId, _: Credential) -> Result<bool, CredentialsError> {
        refused()
    }

    async fn set(&self, _: UserId, _: Credential) -> Result<(), CredentialsError> {
        refused()
    }

    async fn remove(&self, _: UserId) -> Result<(), CredentialsError> {
        refused()
    }
}
