//! One database of a server, with a bound on how long it may take to answer.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, RawDocumentBuf, doc},
    options::DatabaseOptions,
};
use tokio::time::timeout;

use crate::{fault::MongoError, options::MongoOptions};

/// How many documents the server sends at once at most: without it the first hundred come apart from the rest.
const AT_ONCE: usize = 10_000;

/// What a `find` returns and in which order.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) projection: Option<Document>,
    pub(crate) sort: Option<Document>,
    /// 0 for all.
    pub(crate) limit: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Server {
    database: Database,
    patience: Duration,
    index_patience: Duration,
}

impl Server {
    pub(crate) fn new(client: &Client, database: &str, options: &MongoOptions) -> Self {
        let (concern, criteria) = MongoOptions::reads();
        let settings = DatabaseOptions::builder()
            .read_concern(concern)
            .selection_criteria(criteria)
            .write_concern(options.write_concern())
            .build();
        Self {
            database: client.database_with_options(database, settings),
            patience: options.operation,
            index_patience: options.index_build,
        }
    }

    /// Tells the server that nobody comes back, and closes all connections, whatever is still asked.
    pub(crate) async fn close(&self) {
        self.database.client().clone().shutdown().immediate(true).await;
    }

    /// A collection, whose documents are read without being decoded whole.
    pub(crate) fn collection(&self, name: &str) -> Collection<RawDocumentBuf> {
        self.database.collection(name)
    }

    /// Waits for the server's answer, but not for ever.
    ///
    /// The operation runs in a task of its own: the driver's futures must not be dropped half-way, whoever waits for
    /// them may be.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        operation: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
    ) -> Result<T, MongoError> {
        within(self.patience, operation).await
    }

    /// As [`Server::ask`], for the building of indexes.
    pub(crate) async fn ask_patiently<T: Send + 'static>(
        &self,
        operation: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
    ) -> Result<T, MongoError> {
        within(self.index_patience, operation).await
    }

    pub(crate) async fn ping(&self) -> Result<(), MongoError> {
        let database = self.database.clone();
        self.ask(async move { database.run_command(doc! { "ping": 1 }).await }).await.map(drop)
    }

    pub(crate) async fn find(
        &self,
        collection: &str,
        filter: Document,
        shape: Shape,
    ) -> Result<Vec<RawDocumentBuf>, MongoError> {
        let collection = self.collection(collection);
        let most = if shape.limit == 0 { AT_ONCE } else { shape.limit.min(AT_ONCE) };
        let patience = self.patience;
        self.ask(async move {
            let mut find =
                collection.find(filter).max_time(patience).batch_size(u32::try_from(most).unwrap_or(u32::MAX));
            if let Some(projection) = shape.projection {
                find = find.projection(projection);
            }
            if let Some(sort) = shape.sort {
                find = find.sort(sort);
            }
            if shape.limit > 0 {
                find = find.limit(i64::try_from(shape.limit).unwrap_or(i64::MAX));
            }
            find.await?.try_collect().await
        })
        .await
    }

    pub(crate) async fn aggregate(
        &self,
        collection: &str,
        pipeline: Vec<Document>,
    ) -> Result<Vec<Document>, MongoError> {
        let collection = self.collection(collection);
        let patience = self.patience;
        self.ask(async move { collection.aggregate(pipeline).max_time(patience).await?.try_collect().await }).await
    }

    pub(crate) async fn collections(&self) -> Result<Vec<String>, MongoError> {
        let database = self.database.clone();
        self.ask(async move { database.list_collection_names().await }).await
    }
}

async fn within<T: Send + 'static>(
    patience: Duration,
    operation: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
) -> Result<T, MongoError> {
    match timeout(patience, tokio::spawn(operation)).await {
        Err(_) => Err(MongoError::TooSlow(patience)),
        Ok(Err(ended)) => Err(MongoError::Refused(ended.into())),
        Ok(Ok(answer)) => Ok(answer?),
    }
}
