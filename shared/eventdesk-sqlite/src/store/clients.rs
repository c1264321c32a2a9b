//! Service accounts: in the store's file, for they cannot be rebuilt.

use std::sync::Arc;

use async_trait::async_trait;
use eventdesk_app::ports::{Client, Clients, ClientsError, StoredClient};
use rusqlite::{OptionalExtension, Row, types::Type};
use uuid::Uuid;

use super::{Fault, Shared, row::integer};

/// The service accounts in a [`SqliteEventStore`](super::SqliteEventStore)'s file; see there.
#[derive(Clone)]
pub struct SqliteClients {
    pub(super) shared: Arc<Shared>,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredClient> {
    let body: String = row.get(0)?;
    let malformed = |error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error));
    Ok(StoredClient { client: serde_json::from_str(&body).map_err(malformed)?, revision: row.get::<_, u32>(1)?.into() })
}

fn body(client: &Client) -> Result<String, ClientsError> {
    serde_json::to_string(client).map_err(|error| ClientsError(error.into()))
}

impl From<Fault> for ClientsError {
    fn from(fault: Fault) -> Self {
        Self(Box::new(fault))
    }
}

#[async_trait]
impl Clients for SqliteClients {
    async fn create(&self, client: Client) -> Result<(), ClientsError> {
        let (id, body) = (client.id, body(&client)?);
        let created = self.shared.writer.write(move |group| {
            group
                .conn
                .prepare_cached("INSERT INTO clients (id, revision, body) VALUES (?1, 1, ?2)")?
                .execute((id, &body))
        });
        created.await?;
        Ok(())
    }

    async fn get(&self, id: Uuid) -> Result<Option<StoredClient>, ClientsError> {
        Ok(self.shared.readers.read(|conn| {
            conn.prepare_cached("SELECT body, revision FROM clients WHERE id = ?1")?.query_row([id], stored).optional()
        })?)
    }

    async fn replace(&self, client: Client, revision: u64) -> Result<bool, ClientsError> {
        let (id, body) = (client.id, body(&client)?);
        let replaced = self.shared.writer.write(move |group| {
            group
                .conn
                .prepare_cached(
                    "UPDATE clients SET body = ?2, revision = revision + 1 WHERE id = ?1 AND revision = ?3",
                )?
                .execute((id, &body, integer(revision)))
        });
        Ok(replaced.await? > 0)
    }

    async fn all(&self) -> Result<Vec<StoredClient>, ClientsError> {
        Ok(self.shared.readers.read(|conn| {
            let mut select = conn.prepare_cached("SELECT body, revision FROM clients ORDER BY id")?;
            select.query_map([], stored)?.collect()
        })?)
    }
}
