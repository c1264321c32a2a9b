//! The store itself: the port over what the other modules do.

use std::collections::HashMap;

use async_trait::async_trait;
use eventdesk_app::ports::{
    ApplyError, ConsumerState, Document, Filter, Glance, Hit, Position, Progress, Put, ReadStore, ReadStoreError,
    Retry, Select, ViewSpec,
};
use mongodb::{
    Client,
    bson::{RawDocument, doc},
};

use crate::{
    alias::{Aliases, VIEWS},
    consumers,
    fault::{Fault, MongoError},
    form,
    options::MongoOptions,
    prepare::{collection, prepare},
    query,
    server::{Server, Shape},
    write,
};

/// Views in a MongoDB database.
///
/// Writes are acknowledged by most members, journalled; reads are the primary's. While no server can be reached every
/// operation fails as unavailable, within [`MongoOptions::selection`]; it finds back by itself.
///
/// An `apply` is not one transaction: documents are written one after the other, first writes of one view by the
/// hundred, and the progress last.
#[derive(Debug)]
pub struct MongoReadStore {
    server: Server,
    aliases: Aliases,
}

impl MongoReadStore {
    /// The views of the database that the URI names, or else the options. Connects with the first operation, or with
    /// [`MongoReadStore::connect`]. To be called within a Tokio runtime, which runs the watch over the servers.
    ///
    /// # Errors
    /// - [`MongoError::Uri`] if the URI is none, or holds a user, a password or a token.
    /// - [`MongoError::Unavailable`] or [`MongoError::TooSlow`] if the DNS does not tell the hosts of `mongodb+srv`.
    pub async fn new(uri: &str, options: &MongoOptions) -> Result<Self, MongoError> {
        let (client, database) = options.client(uri).await?;
        Ok(Self::over(&client, &database, options))
    }

    /// The views of a database of a client that was made elsewhere.
    pub fn over(client: &Client, database: &str, options: &MongoOptions) -> Self {
        Self { server: Server::new(client, database, options), aliases: Aliases::new(options.alias_age) }
    }

    /// Connects and learns the live generations, so that the first request finds all of it done.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    pub async fn connect(&self) -> Result<(), ReadStoreError> {
        Ok(self.aliases.read_again(&self.server).await.map_err(Fault::from)?)
    }

    /// Asks whether a server answers that takes writes.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    pub async fn ping(&self) -> Result<(), ReadStoreError> {
        Ok(self.server.ping().await.map_err(Fault::from)?)
    }

    /// Removes every view and all progress, so that the views are built anew from the event store. Nobody may write
    /// meanwhile.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    pub async fn remove_views(&self) -> Result<(), ReadStoreError> {
        Ok(self.remove().await.map_err(Fault::from)?)
    }

    async fn remove(&self) -> Result<(), MongoError> {
        let rows = Aliases::rows(&self.server).await?;
        let made = self.server.collections().await?;
        let of_view = |name: &String| {
            rows.iter().any(|row| {
                let generation = name.strip_prefix(&row.view).and_then(|rest| rest.strip_prefix("_g"));
                generation.is_some_and(|generation| generation.parse::<u32>().is_ok())
            })
        };
        let (mut own, rows): (Vec<_>, Vec<_>) = made
            .into_iter()
            .filter(|name| of_view(name) || name == VIEWS || consumers::COLLECTIONS.contains(&name.as_str()))
            .partition(|name| name != VIEWS);
        // The rows go last: an interrupted removal can be repeated.
        own.extend(rows);
        for name in own {
            let collection = self.server.collection(&name);
            self.server.ask(async move { collection.drop().await }).await?;
        }
        self.aliases.forget();
        Ok(())
    }

    /// Documents by id, each read by `form`, in the order of `ids`.
    async fn by_id<T: Clone + Send>(
        &self,
        view: &'static ViewSpec,
        ids: &[&str],
        projection: Option<mongodb::bson::Document>,
        form: impl Fn(&RawDocument) -> Result<T, MongoError> + Sync,
    ) -> Result<Vec<Option<T>>, Fault> {
        let read = async |generation| {
            let filter = match ids {
                [] => return Ok(HashMap::new()),
                [id] => doc! { "_id": *id },
                _ => doc! { "_id": { "$in": ids } },
            };
            let shape = Shape { projection: projection.clone(), ..Shape::default() };
            let found = self.server.find(&collection(view, generation), filter, shape).await?;
            let keyed = found.iter().map(|stored| Ok((form::text(stored, "_id")?, form(stored)?)));
            Ok(keyed.collect::<Result<HashMap<_, _>, MongoError>>()?)
        };
        let mut found: HashMap<String, T> = self.aliases.read(&self.server, view, read).await?;
        Ok(match ids {
            [id] => vec![found.remove(*id)],
            _ => ids.iter().map(|id| found.get(*id).cloned()).collect(),
        })
    }
}

#[async_trait]
impl ReadStore for MongoReadStore {
    async fn prepare(&self, views: &[&'static ViewSpec]) -> Result<(), ReadStoreError> {
        Ok(prepare(&self.server, &self.aliases, views).await?)
    }

    async fn generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        Ok(self.aliases.live(&self.server, view).await?)
    }

    async fn get(&self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Document>>, ReadStoreError> {
        Ok(self.by_id(view, ids, None, |stored| form::document(view, stored)).await?)
    }

    async fn glance(&self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Glance>>, ReadStoreError> {
        Ok(self.by_id(view, ids, Some(form::glance_fields()), form::glance).await?)
    }

    async fn select(&self, select: &Select) -> Result<Vec<Hit>, ReadStoreError> {
        select.check().map_err(Fault::from)?;
        let read = |generation| query::page(&self.server, select, generation);
        Ok(self.aliases.read(&self.server, select.view, read).await?)
    }

    async fn count(&self, view: &'static ViewSpec, filters: &[Filter]) -> Result<u64, ReadStoreError> {
        view.check_filters(filters).map_err(Fault::from)?;
        let read = |generation| query::count(&self.server, view, filters, generation);
        Ok(self.aliases.read(&self.server, view, read).await?)
    }

    async fn count_each(
        &self,
        view: &'static ViewSpec,
        field: &'static str,
        values: &[String],
        filters: &[Filter],
    ) -> Result<Vec<u64>, ReadStoreError> {
        query::check_counted(view, field, filters)?;
        let read = |generation| query::count_each(&self.server, view, field, values, filters, generation);
        Ok(self.aliases.read(&self.server, view, read).await?)
    }

    async fn apply(&self, puts: Vec<Put>, progress: Option<Progress>) -> Result<(), ApplyError> {
        write::put_all(&self.server, &self.aliases, &puts).await?;
        if let Some(progress) = progress {
            consumers::advance(&self.server, progress).await.map_err(Fault::from)?;
        }
        Ok(())
    }

    async fn consumer(&self, name: &str) -> Result<ConsumerState, ReadStoreError> {
        Ok(consumers::consumer(&self.server, name).await.map_err(Fault::from)?)
    }

    async fn redeliver(&self, name: &str, again: &[Retry]) -> Result<(), ReadStoreError> {
        Ok(consumers::redeliver(&self.server, name, again).await.map_err(Fault::from)?)
    }

    async fn discard_dead(&self, name: &str, positions: &[Position]) -> Result<u64, ReadStoreError> {
        Ok(consumers::discard_dead(&self.server, name, positions).await.map_err(Fault::from)?)
    }
}
