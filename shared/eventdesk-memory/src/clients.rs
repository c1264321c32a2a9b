//! Service accounts in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use eventdesk_app::ports::{Client, Clients, ClientsError, StoredClient};
use uuid::Uuid;

/// Service accounts that are forgotten when dropped.
#[derive(Default)]
pub struct MemoryClients {
    by_id: Mutex<BTreeMap<Uuid, StoredClient>>,
}

impl MemoryClients {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn by_id(&self) -> MutexGuard<'_, BTreeMap<Uuid, StoredClient>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clients for MemoryClients {
    async fn create(&self, client: Client) -> Result<(), ClientsError> {
        self.by_id().insert(client.id, StoredClient { client, revision: 1 });
        Ok(())
    }

    async fn get(&self, id: Uuid) -> Result<Option<StoredClient>, ClientsError> {
        Ok(self.by_id().get(&id).cloned())
    }

    async fn replace(&self, client: Client, revision: u64) -> Result<bool, ClientsError> {
        let mut by_id = self.by_id();
        let Some(stored) = by_id.get_mut(&client.id).filter(|stored| stored.revision == revision) else {
            return Ok(false);
        };
        *stored = StoredClient { client, revision: revision + 1 };
        Ok(true)
    }

    async fn all(&self) -> Result<Vec<StoredClient>, ClientsError> {
        Ok(self.by_id().values().cloned().collect())
    }
}
