//! The event store with its credentials, for tools that move it as a whole.

use std::sync::Arc;

use eventdesk_app::{
    DeploymentSecret,
    ports::{Credentials, ImportStore},
    transfer::Source,
};
use eventdesk_cloud::Cloud;
use eventdesk_local::{Local, LocalError};
use eventdesk_runtime::{Config, config::Store};
use eventdesk_sqlite::DataFolder;

use crate::{failure::Failure, opened::needs};

/// What an export reads and an import writes.
pub(crate) struct Stores {
    pub(crate) store: Arc<dyn ImportStore>,
    pub(crate) source: Source,
    pub(crate) credentials: Arc<dyn Credentials>,
    config: Config,
    cloud: Cloud,
    /// Let go last.
    folder: Option<Local>,
}

impl Stores {
    /// Opens them beside a running server.
    pub(crate) async fn beside_server(config: &Config) -> Result<Self, Failure> {
        let folder = match config.store {
            Store::Sqlite => Some(DataFolder::open_beside_server(&config.data).map_err(LocalError::from)?),
            Store::DynamoDb { .. } => None,
        };
        Self::open(config, folder.map(Local::new)).await
    }

    /// Opens them, and makes them if they are files; no server may have the folder, and none can until this is dropped.
    pub(crate) async fn alone(config: &Config) -> Result<Self, Failure> {
        let needs_folder = config.store == Store::Sqlite || config.secret_parameter.is_none();
        let folder = needs_folder.then(|| DataFolder::open(&config.data)).transpose().map_err(LocalError::from)?;
        let folder = folder.map(Local::new);
        if let (Some(local), None) = (&folder, &config.secret_parameter) {
            // The secret first: a store without one would be taken for one that has lost it.
            local.secret()?;
        }
        Self::open(config, folder).await
    }

    async fn open(config: &Config, folder: Option<Local>) -> Result<Self, Failure> {
        let (cloud, config) = (Cloud::new(config), config.clone());
        if let (Store::Sqlite, Some(local)) = (&config.store, &folder) {
            let store = Arc::new(local.store()?);
            let credentials = Arc::new(store.credentials());
            return Ok(Self { source: Source::Log(store.clone()), store, credentials, config, cloud, folder });
        }
        let store = cloud.dynamo_store().await.ok_or_else(|| needs("store.table"))?;
        let credentials = cloud.credentials().await;
        Ok(Self { source: Source::Scan(store.clone()), store, credentials, config, cloud, folder })
    }

    /// The deployment secret, as a server would have it.
    pub(crate) async fn secret(&self) -> Result<DeploymentSecret, Failure> {
        match &self.folder {
            Some(local) if self.config.secret_parameter.is_none() => Ok(local.secret()?),
            _ => Ok(self.cloud.secret().await?),
        }
    }
}
