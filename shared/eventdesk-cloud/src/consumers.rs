//! The consumers behind the bus: what they could not work through, and the audit that looks after them.

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::Client;
use eventdesk_app::{
    audit::{AUDIT, Audit, AuditOptions, CONSUMERS, Feed},
    dead_letters::LetterDesk,
    operations::Operations,
    ports::{DeadLetters, EventStore, Queue, ReadStore, ViewSpec},
    projections::VIEWS,
};
use eventdesk_aws::{
    audit::SqsConsumers,
    bus::{Failures, LetterPlaces, SqsDeadLetters, SqsQueue, SqsQueueOptions, queue_url},
    dynamodb::DynamoEventStore,
};
use eventdesk_runtime::{
    SystemClock,
    config::{Bus, Store},
};
use futures_util::future::try_join_all;

use crate::{Cloud, CloudError};

impl Cloud {
    /// The audit, ready to run.
    ///
    /// # Errors
    /// `Needs`, `Mongo`, `Views` and `Queue`.
    pub async fn audit(&self) -> Result<Audit, CloudError> {
        let Store::DynamoDb { table, .. } = &self.config.store else { return Err(CloudError::Needs("store.table")) };
        let store = Arc::new(DynamoEventStore::new(self.dynamodb().await, table));
        let views = self.mongo().await?.ok_or(CloudError::Needs("views.uri"))?;
        let all: Vec<&ViewSpec> = VIEWS.into_iter().chain([&AUDIT]).collect();
        let prepared = async { Ok(views.prepare(&all).await?) };
        let (audit, ()) = tokio::try_join!(self.audit_over(store.clone(), store, views.clone()), prepared)?;
        Ok(audit)
    }

    /// The audit over another store than `DynamoDB`, or read models that are open already; it is not prepared.
    ///
    /// # Errors
    /// `Needs` and `Queue`.
    pub async fn audit_over(
        &self,
        feed: Arc<dyn Feed>,
        store: Arc<dyn EventStore>,
        views: Arc<dyn ReadStore>,
    ) -> Result<Audit, CloudError> {
        let publisher = self.publisher().await.ok_or(CloudError::Needs("bus.name"))?;
        let consumers = self.consumers().await?;
        Ok(Audit {
            feed,
            store,
            views,
            publisher,
            consumers: Arc::new(consumers),
            clock: Arc::new(SystemClock),
            options: AuditOptions::default(),
        })
    }

    /// What operators look after the consumers with, for who only reads the read models: the audit cannot mend.
    ///
    /// # Errors
    /// `Needs`, `Mongo`, `Views` and `Queue`.
    pub async fn operations(&self) -> Result<Operations, CloudError> {
        let Store::DynamoDb { table, .. } = &self.config.store else { return Err(CloudError::Needs("store.table")) };
        let store = Arc::new(DynamoEventStore::new(self.dynamodb().await, table));
        let (views, letters) = tokio::try_join!(self.views(), self.dead_letters())?;
        let bus = self.republisher().await?;
        let audit = self.audit_over(store.clone(), store, Arc::clone(&views)).await?;
        Ok(Operations { audit, letters: LetterDesk { letters, views }, bus })
    }

    /// The dead letters of all projectors.
    ///
    /// # Errors
    /// `Needs` and `Queue`.
    pub async fn dead_letters(&self) -> Result<Arc<dyn DeadLetters>, CloudError> {
        let found = CONSUMERS.map(async |consumer| {
            let (_, queue, dead_letters) = self.places(consumer).await?;
            Ok::<_, CloudError>((consumer.to_owned(), LetterPlaces { queue, dead_letters }))
        });
        let places = try_join_all(found).await?.into_iter().collect();
        // An emulator may answer one call at a time.
        let wait = u64::from(self.aws().await.endpoint_url().is_none());
        Ok(Arc::new(SqsDeadLetters::new(self.sqs().await, places, Duration::from_secs(wait))))
    }

    /// The queues of all projectors.
    async fn consumers(&self) -> Result<SqsConsumers, CloudError> {
        let sqs = self.sqs().await;
        let found = CONSUMERS.map(async |consumer| {
            Ok::<_, CloudError>((consumer.to_owned(), queue_url(&sqs, &self.queue_name(consumer)?).await?))
        });
        let urls = try_join_all(found).await?.into_iter().collect();
        Ok(SqsConsumers::new(sqs, urls))
    }

    /// The queue of a consumer, `<bus>-<consumer>`, with its dead letters in `<bus>-<consumer>-dead`.
    ///
    /// # Errors
    /// `Needs` and `Queue`.
    pub async fn queue(&self, consumer: &str) -> Result<Arc<dyn Queue>, CloudError> {
        let (sqs, url, dead) = self.places(consumer).await?;
        let mut options = SqsQueueOptions::default();
        // An endpoint of one's own is an emulator's, which may answer one call at a time.
        if self.aws().await.endpoint_url().is_some() {
            options.wait = Duration::ZERO;
        }
        Ok(Arc::new(SqsQueue::new(sqs, url, Some(dead), options)))
    }

    /// What becomes of messages of a consumer's queue that it could not work through, for a consumer to whom the
    /// service hands them.
    ///
    /// # Errors
    /// `Needs` and `Queue`.
    pub async fn failures(&self, consumer: &str) -> Result<Failures, CloudError> {
        let (sqs, url, dead) = self.places(consumer).await?;
        Ok(Failures::new(sqs, url, Some(dead), SqsQueueOptions::default().backoff))
    }

    /// Where a consumer's messages and its dead letters lie.
    async fn places(&self, consumer: &str) -> Result<(Client, String, String), CloudError> {
        let (sqs, name) = (self.sqs().await, self.queue_name(consumer)?);
        let dead = format!("{name}-dead");
        let (url, dead) = tokio::try_join!(queue_url(&sqs, &name), queue_url(&sqs, &dead))?;
        Ok((sqs, url, dead))
    }

    fn queue_name(&self, consumer: &str) -> Result<String, CloudError> {
        let Bus::EventBridge { name } = &self.config.bus else { return Err(CloudError::Needs("bus.name")) };
        Ok(format!("{name}-{consumer}"))
    }
}
