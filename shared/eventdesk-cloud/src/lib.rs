//! The desk on AWS and MongoDB: each port with the adapter that the configuration names.
//!
//! Making a [`Cloud`] calls nobody. A function takes only what it needs, so that a command never connects to the read models and a query never to the bus.

mod consumers;
mod missing;

use std::{any::Any, sync::Arc};

use aws_config::SdkConfig;
use base64::{Engine, engine::general_purpose::STANDARD};
use eventdesk_app::{
    DeploymentSecret,
    ports::{
        Clients, Credentials, EventStore, FailedLogins, GenerationStore, Publisher, QueueError, ReadStore,
        ReadStoreError, Revocations, Sessions,
    },
    projections::{Projector, VIEWS, projectors},
    publish::LocalPublisher,
    republish::Republisher,
};
use eventdesk_aws::{
    bus::EventBridgePublisher,
    client,
    dynamodb::{
        DynamoClients, DynamoCredentials, DynamoEventStore, DynamoFailedLogins, DynamoIssuerKeyStore,
        DynamoRevocations, DynamoSessions,
    },
    secret::{SecretError, parameter},
};
use eventdesk_desk::{Desk, DeskError, Parts};
use eventdesk_identity::{IssuerKeys, KeyPlace, KeyTimes, KeysError};
use eventdesk_mongo::{MongoError, MongoOptions, MongoReadStore};
use eventdesk_runtime::{
    Config, RandomIds, SystemClock,
    config::{Bus, Store, Views},
};
use tokio::sync::OnceCell;

use missing::NoIdentityTable;

/// Why there is no desk on these services.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// A key that a function of the cloud cannot do without.
    #[error("configuration: {0} must be given")]
    Needs(&'static str),
    /// The deployment secret cannot be had.
    #[error("the deployment secret cannot be read")]
    Secret(#[from] SecretError),
    /// The deployment secret is not one.
    #[error("the SSM parameter {0} must hold 32 bytes in base64")]
    SecretForm(String),
    /// The read models cannot be reached or prepared.
    #[error("the read models cannot be used")]
    Views(#[from] ReadStoreError),
    /// The read models' place is none.
    #[error("the read models cannot be used")]
    Mongo(#[from] MongoError),
    /// A queue is not there.
    #[error("a queue cannot be used")]
    Queue(#[from] QueueError),
    /// The issuer's keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What is configured cannot be stood on.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// One configuration and one HTTP client for all services, made when the first of AWS's is needed: finding region and
/// credentials may ask the network.
pub struct Cloud {
    config: Config,
    aws: OnceCell<SdkConfig>,
    /// The [`MongoReadStore`], once the read models are needed; outlives this for whoever closes them. Its type is not
    /// named, so that a function without read models has nothing of MongoDB in its binary.
    mongo: Arc<OnceCell<Arc<dyn Any + Send + Sync>>>,
}

impl Cloud {
    /// The services that the configuration names.
    pub fn new(config: &Config) -> Self {
        Self { config: config.clone(), aws: OnceCell::new(), mongo: Arc::default() }
    }

    /// Region, endpoint and credentials, as AWS's own tools find them.
    async fn aws(&self) -> &SdkConfig {
        // Boxed: the SDK's future is large and deep, and every other one here would hold it.
        self.aws.get_or_init(|| Box::pin(client::load())).await
    }

    /// The desk of a function: everything but the read models.
    ///
    /// # Errors
    /// `Needs`, `Secret`, `SecretForm` and `Desk`.
    pub async fn desk(&self) -> Result<Desk, CloudError> {
        let issuer = self.config.builtin_issuer.url.clone().ok_or(CloudError::Needs("builtin_issuer.url"))?;
        let parts = self.parts(self.secret().await?, issuer).await?;
        Ok(Desk::new(self.config.clone(), parts)?)
    }

    /// What a desk stands on, its read models apart, where the event store is `DynamoDB`.
    ///
    /// # Errors
    /// `Needs`.
    pub async fn parts(&self, secret: DeploymentSecret, issuer: String) -> Result<Parts, CloudError> {
        Ok(Parts {
            issuer,
            secret,
            store: self.store().await.ok_or(CloudError::Needs("store.table"))?,
            publisher: self.publisher().await.unwrap_or_else(|| Arc::new(LocalPublisher)),
            credentials: self.credentials().await,
            clients: self.clients().await,
            sessions: self.sessions().await,
            revocations: self.revocations().await,
            failed_logins: self.failed_logins().await,
        })
    }

    /// The deployment secret, asked of SSM.
    ///
    /// # Errors
    /// `Needs`, `Secret` and `SecretForm`.
    pub async fn secret(&self) -> Result<DeploymentSecret, CloudError> {
        let name = self.config.secret_parameter.as_deref().ok_or(CloudError::Needs("secret.parameter"))?;
        let text = parameter(self.aws().await, name).await?;
        let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
        DeploymentSecret::new(&bytes).map_err(|_| CloudError::SecretForm(name.to_owned()))
    }

    async fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(self.aws().await)
    }

    async fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(self.aws().await)
    }

    /// The event store, if it is `DynamoDB`.
    pub async fn store(&self) -> Option<Arc<dyn EventStore>> {
        Some(self.dynamo_store().await?)
    }

    /// The same, with all its ports.
    pub async fn dynamo_store(&self) -> Option<Arc<DynamoEventStore>> {
        let Store::DynamoDb { table, .. } = &self.config.store else { return None };
        Some(Arc::new(DynamoEventStore::new(self.dynamodb().await, table)))
    }

    /// Tells the bus, if it is `EventBridge`.
    pub async fn publisher(&self) -> Option<Arc<dyn Publisher>> {
        Some(Arc::new(self.eventbridge().await?))
    }

    /// Tells the bus once more.
    ///
    /// # Errors
    /// `Needs`.
    pub async fn republisher(&self) -> Result<Arc<dyn Republisher>, CloudError> {
        Ok(Arc::new(self.eventbridge().await.ok_or(CloudError::Needs("bus.name"))?))
    }

    async fn eventbridge(&self) -> Option<EventBridgePublisher> {
        let Bus::EventBridge { name } = &self.config.bus else { return None };
        let client = aws_sdk_eventbridge::Client::new(self.aws().await);
        Some(EventBridgePublisher::new(client, name, Arc::new(RandomIds)))
    }

    fn identity_table(&self) -> Option<&str> {
        let Store::DynamoDb { identity_table, .. } = &self.config.store else { return None };
        identity_table.as_deref()
    }

    /// Password hashes; none are to be had without `store.identity_table`.
    pub async fn credentials(&self) -> Arc<dyn Credentials> {
        match self.identity_table() {
            Some(table) => Arc::new(DynamoCredentials::new(self.dynamodb().await, table)),
            None => Arc::new(NoIdentityTable),
        }
    }

    /// Service accounts; none are to be had without `store.identity_table`.
    pub async fn clients(&self) -> Arc<dyn Clients> {
        match self.identity_table() {
            Some(table) => Arc::new(DynamoClients::new(self.dynamodb().await, table)),
            None => Arc::new(NoIdentityTable),
        }
    }

    /// Logins that can be continued; none are to be had without `store.identity_table`.
    pub async fn sessions(&self) -> Arc<dyn Sessions> {
        match self.identity_table() {
            Some(table) => Arc::new(DynamoSessions::new(self.dynamodb().await, table)),
            None => Arc::new(NoIdentityTable),
        }
    }

    /// Tokens that were taken back.
    pub async fn revocations(&self) -> Option<Arc<dyn Revocations>> {
        let table = self.identity_table()?;
        Some(Arc::new(DynamoRevocations::new(self.dynamodb().await, table)))
    }

    /// Where failed logins are counted for all processes.
    pub async fn failed_logins(&self) -> Option<Arc<dyn FailedLogins>> {
        let table = self.identity_table()?;
        Some(Arc::new(DynamoFailedLogins::new(self.dynamodb().await, table)))
    }

    /// The built-in issuer's keys; the first process of a deployment makes one, which takes a moment.
    ///
    /// # Errors
    /// `Needs` and `Keys`.
    pub async fn keys(&self, secret: &DeploymentSecret) -> Result<Arc<IssuerKeys>, CloudError> {
        let table = self.identity_table().ok_or(CloudError::Needs("store.identity_table"))?;
        let store = Arc::new(DynamoIssuerKeyStore::new(self.dynamodb().await, table));
        let times = KeyTimes::for_tokens_of(self.config.builtin_issuer.token_minutes);
        let place = KeyPlace::Shared(store, secret.clone());
        Ok(Arc::new(IssuerKeys::rotating(place, times, Arc::new(SystemClock)).await?))
    }

    /// The read models, connected. While they are away whoever asks them is told so, and the rest goes on.
    ///
    /// # Errors
    /// `Needs`, `Mongo` and `Views`.
    pub async fn views(&self) -> Result<Arc<dyn ReadStore>, CloudError> {
        let views = self.mongo().await?.ok_or(CloudError::Needs("views.uri"))?;
        match views.connect().await {
            Err(error @ ReadStoreError::Unavailable(_)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the read models are away");
            }
            connected => connected?,
        }
        Ok(views)
    }

    /// The read models with collections, indexes and aliases made: for those who write them.
    ///
    /// # Errors
    /// `Needs`, `Mongo` and `Views`.
    pub async fn prepared_views(&self) -> Result<Arc<dyn ReadStore>, CloudError> {
        Ok(self.prepared_generations().await?)
    }

    /// As [`Cloud::prepared_views`], for those who look after generations.
    ///
    /// # Errors
    /// `Needs`, `Mongo` and `Views`.
    pub async fn prepared_generations(&self) -> Result<Arc<dyn GenerationStore>, CloudError> {
        let views = self.mongo().await?.ok_or(CloudError::Needs("views.uri"))?;
        views.prepare(&VIEWS).await?;
        Ok(views)
    }

    /// Projects events into the read models, which are made ready for it.
    ///
    /// # Errors
    /// `Needs`, `Mongo` and `Views`.
    pub async fn projectors(&self) -> Result<Vec<Projector>, CloudError> {
        let store = self.store().await.ok_or(CloudError::Needs("store.table"))?;
        Ok(projectors(&store, &self.prepared_views().await?))
    }

    /// Closes what stays open at the other end when a process is gone, whatever is still asked.
    pub fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        let mongo = Arc::clone(&self.mongo);
        async move {
            if let Some(views) = mongo.get().and_then(|views| views.downcast_ref::<MongoReadStore>()) {
                views.close().await;
            }
        }
    }

    /// Whether what the configuration names can be what it is said to be; nobody is asked.
    ///
    /// # Errors
    /// [`MongoError::Uri`] for a `views.uri` that is none, or holds a password.
    pub fn check(config: &Config) -> Result<(), MongoError> {
        match &config.views {
            Views::MongoDb { uri, .. } => MongoOptions::check(uri),
            Views::Sqlite => Ok(()),
        }
    }

    async fn mongo(&self) -> Result<Option<Arc<MongoReadStore>>, CloudError> {
        let Views::MongoDb { uri, database } = &self.config.views else { return Ok(None) };
        let options = MongoOptions { database: database.clone(), ..MongoOptions::default() };
        let made =
            async || Ok::<Arc<dyn Any + Send + Sync>, MongoError>(Arc::new(MongoReadStore::new(uri, &options).await?));
        let views = Arc::clone(self.mongo.get_or_try_init(made).await?);
        Ok(Some(views.downcast().expect("nothing else is put there")))
    }
}
