//! Every part of the desk, each opened where the configuration says.

use std::sync::Arc;

use eventdesk_app::{
    DeploymentSecret,
    operations::Operations,
    ports::{ImportStore, Queue, ReadStore},
    projections::{Projector, projectors},
    publish::LocalPublisher,
};
use eventdesk_cloud::Cloud;
use eventdesk_desk::{Desk, Parts};
use eventdesk_identity::IssuerKeys;
use eventdesk_local::Local;
use eventdesk_runtime::{
    Config,
    config::{Bus, Store, Views},
};
use eventdesk_sqlite::{DataFolder, SqliteEventStore};

use crate::{failure::Failure, operators};

/// A desk with everything around it. The folder is the last to be let go.
pub(crate) struct Opened {
    pub(crate) desk: Desk,
    pub(crate) keys: Arc<IssuerKeys>,
    pub(crate) views: Arc<dyn ReadStore>,
    sqlite: Option<SqliteEventStore>,
    cloud: Cloud,
    _folder: Local,
}

impl Opened {
    /// Opens everything; `issuer` is the URL of the server's own issuer.
    pub(crate) async fn new(config: Config, folder: DataFolder, issuer: String) -> Result<Self, Failure> {
        let (local, cloud) = (Local::new(folder), Cloud::new(&config));
        // Before the store: a folder that has one was given its secret earlier.
        let secret = secret(&config, Some(&local), &cloud).await?;
        let sqlite = if config.store == Store::Sqlite { Some(local.store()?) } else { None };
        let views: Arc<dyn ReadStore> = match config.views {
            Views::Sqlite => local.views(sqlite.as_ref()).await?,
            Views::MongoDb { .. } => cloud.prepared_views().await?,
        };
        let half_imported = match (&sqlite, cloud.dynamo_store().await) {
            (Some(store), _) => store.unfinished_import().await?.is_some(),
            (None, Some(store)) => store.unfinished_import().await?.is_some(),
            (None, None) => false,
        };
        if half_imported {
            return Err(Failure::HalfImported);
        }
        let keys = keys(&config, Some(&local), &cloud, &secret).await?;
        let parts = parts(&cloud, sqlite.as_ref(), secret, issuer).await?;
        Ok(Self { desk: Desk::new(config, parts)?, keys, views, sqlite, cloud, _folder: local })
    }

    /// What operators look after consumers with.
    pub(crate) async fn operations(&self) -> Result<Operations, Failure> {
        let (config, clock) = (self.desk.config(), self.desk.clock());
        operators::operations(config, &self.cloud, self.sqlite.as_ref(), &self.views, clock).await
    }

    /// Waits for an event store in which nothing can be written any more, whatever is tried.
    pub(crate) async fn store_broken(&self) {
        match &self.sqlite {
            Some(store) => store.broken().await,
            None => std::future::pending().await,
        }
    }

    /// Every projector with its queue.
    pub(crate) async fn projectors(&self) -> Result<Vec<(Projector, Arc<dyn Queue>)>, Failure> {
        let mut ready = Vec::new();
        for projector in projectors(&self.desk.store(), &self.views) {
            let queue: Arc<dyn Queue> = match (&self.desk.config().bus, &self.sqlite) {
                (Bus::EventBridge { .. }, _) => self.cloud.queue(projector.name()).await?,
                (Bus::Local, Some(store)) => {
                    let views = Arc::clone(&self.views);
                    Arc::new(eventdesk_local::queue(&projector, store, views, self.desk.clock()).await?)
                }
                (Bus::Local, None) => return Err(needs("bus.name")),
            };
            ready.push((projector, queue));
        }
        Ok(ready)
    }
}

fn folder(local: Option<&Local>) -> Result<&Local, Failure> {
    local.ok_or_else(|| Failure::Value { key: "data", reason: "must name a data folder".to_owned() })
}

/// The deployment secret; `local` is the data folder, where there is one.
pub(crate) async fn secret(config: &Config, local: Option<&Local>, cloud: &Cloud) -> Result<DeploymentSecret, Failure> {
    if config.secret_parameter.is_some() { Ok(cloud.secret().await?) } else { Ok(folder(local)?.secret()?) }
}

/// The keys of the built-in issuer; `local` is the data folder, where there is one.
pub(crate) async fn keys(
    config: &Config,
    local: Option<&Local>,
    cloud: &Cloud,
    secret: &DeploymentSecret,
) -> Result<Arc<IssuerKeys>, Failure> {
    match config.store {
        Store::Sqlite => Ok(folder(local)?.keys(config.builtin_issuer.token_minutes).await?),
        Store::DynamoDb { .. } => Ok(cloud.keys(secret).await?),
    }
}

/// What a desk stands on, its read models apart.
pub(crate) async fn parts(
    cloud: &Cloud,
    sqlite: Option<&SqliteEventStore>,
    secret: DeploymentSecret,
    issuer: String,
) -> Result<Parts, Failure> {
    let Some(sqlite) = sqlite else { return Ok(cloud.parts(secret, issuer).await?) };
    Ok(Parts {
        issuer,
        secret,
        store: Arc::new(sqlite.clone()),
        publisher: cloud.publisher().await.unwrap_or_else(|| Arc::new(LocalPublisher)),
        credentials: Arc::new(sqlite.credentials()),
        clients: Arc::new(sqlite.clients()),
        sessions: Arc::new(sqlite.sessions()),
        revocations: Some(Arc::new(sqlite.revocations())),
        failed_logins: None,
    })
}

pub(crate) fn needs(key: &'static str) -> Failure {
    Failure::Value { key, reason: "must be given with store.kind = \"dynamodb\"".to_owned() }
}
