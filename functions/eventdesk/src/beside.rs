//! What operators' tools work on, beside a running server: they take no lock, and remove nothing that a server uses.

use std::sync::Arc;

use eventdesk_app::{
    operations::Operations,
    ports::{Clock, CommitScan, EventStore, GenerationStore, ReadStore},
};
use eventdesk_cloud::Cloud;
use eventdesk_local::{Local, LocalError};
use eventdesk_runtime::{
    Config, SystemClock,
    config::{Store, Views},
};
use eventdesk_sqlite::{DataFolder, SqliteEventStore};

use crate::{failure::Failure, opened::needs, operators};

/// Store and read models, each opened where the configuration says.
pub(crate) struct Beside {
    pub(crate) config: Config,
    pub(crate) sqlite: Option<SqliteEventStore>,
    pub(crate) views: Arc<dyn GenerationStore>,
    pub(crate) cloud: Cloud,
}

impl Beside {
    /// Opens what there is; nothing is made but what a newer build adds to it.
    pub(crate) async fn open(config: Config) -> Result<Self, Failure> {
        let cloud = Cloud::new(&config);
        let folder = || Ok::<_, LocalError>(Local::new(DataFolder::open_beside_server(&config.data)?));
        let sqlite = if config.store == Store::Sqlite { Some(folder()?.store()?) } else { None };
        let views: Arc<dyn GenerationStore> = match config.views {
            Views::Sqlite => folder()?.views_beside_server().await?,
            Views::MongoDb { .. } => cloud.prepared_generations().await?,
        };
        Ok(Self { config, sqlite, views, cloud })
    }

    /// The event store, and the same to be read whole.
    pub(crate) async fn store(&self) -> Result<(Arc<dyn EventStore>, Arc<dyn CommitScan>), Failure> {
        if let Some(sqlite) = &self.sqlite {
            let sqlite = Arc::new(sqlite.clone());
            return Ok((sqlite.clone(), sqlite));
        }
        let dynamo = self.cloud.dynamo_store().await.ok_or_else(|| needs("store.table"))?;
        Ok((dynamo.clone(), dynamo))
    }

    /// The tools for consumers.
    pub(crate) async fn operations(&self) -> Result<Operations, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let views: Arc<dyn ReadStore> = self.views.clone();
        operators::operations(&self.config, &self.cloud, self.sqlite.as_ref(), &views, clock).await
    }
}
