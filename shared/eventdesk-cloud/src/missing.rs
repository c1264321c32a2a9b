//! What a function has not.

use async_trait::async_trait;
use eventdesk_app::{
    Digest,
    ports::{
        Client, Clients, ClientsError, Credential, Credentials, CredentialsError, Session, Sessions, SessionsError,
        StoredClient,
    },
};
use eventdesk_events::{Timestamp, UserId};
use uuid::Uuid;

/// Stands where password hashes and sessions would: a function without `store.identity_table` may not touch them.
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

fn sessionless<T>() -> Result<T, SessionsError> {
    Err(SessionsError("store.identity_table is not configured".into()))
}

#[async_trait]
impl Sessions for NoIdentityTable {
    async fn begin(&self, _: Session) -> Result<(), SessionsError> {
        sessionless()
    }

    async fn get(&self, _: UserId, _: Uuid) -> Result<Option<Session>, SessionsError> {
        sessionless()
    }

    async fn rotate(&self, _: UserId, _: Uuid, _: Digest, _: Digest, _: Timestamp) -> Result<bool, SessionsError> {
        sessionless()
    }

    async fn end(&self, _: UserId, _: Uuid) -> Result<(), SessionsError> {
        sessionless()
    }

    async fn of(&self, _: UserId) -> Result<Vec<Uuid>, SessionsError> {
        sessionless()
    }

    async fn end_others(&self, _: UserId, _: Option<(Uuid, Timestamp)>) -> Result<Vec<Uuid>, SessionsError> {
        sessionless()
    }
}

fn clientless<T>() -> Result<T, ClientsError> {
    Err(ClientsError("store.identity_table is not configured".into()))
}

#[async_trait]
impl Clients for NoIdentityTable {
    async fn create(&self, _: Client) -> Result<(), ClientsError> {
        clientless()
    }

    async fn get(&self, _: Uuid) -> Result<Option<StoredClient>, ClientsError> {
        clientless()
    }

    async fn replace(&self, _: Client, _: u64) -> Result<bool, ClientsError> {
        clientless()
    }

    async fn all(&self) -> Result<Vec<StoredClient>, ClientsError> {
        clientless()
    }
}
