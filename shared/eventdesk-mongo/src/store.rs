//! The store itself: the port over what the other modules do.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use eventdesk_app::ports::{
    ApplyError, ConsumerState, Document, Filter, Generation, GenerationStore, Glance, Hit, Position, Progress, Put,
    ReadStore, ReadStoreError, Retry, Select, ViewSpec, Written,
};
use mongodb::{
    Client,
    bson::{RawDocument, doc},
};

use crate::{
    alias::{Aliases, VIEWS},
    consumers,
    fault::{Fault, MongoError},
    form, generations,
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

    /// Closes all connections, for the end of the process; nothing can be asked afterwards.
    pub async fn close(&self) {
        self.server.close().await;
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
        let read = |generation| self.keyed(view, generation, ids, projection.clone(), &form);
        let found: HashMap<String, T> = self.aliases.read(&self.server, view, read).await?;
        Ok(in_order(found, ids))
    }

    /// Documents of a generation by id, each read by `form`.
    async fn keyed<T: Send>(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        ids: &[&str],
        projection: Option<mongodb::bson::Document>,
        form: &(impl Fn(&RawDocument) -> Result<T, MongoError> + Sync),
    ) -> Result<HashMap<String, T>, Fault> {
        let filter = match ids {
            [] => return Ok(HashMap::new()),
            [id] => doc! { "_id": *id },
            _ => doc! { "_id": { "$in": ids } },
        };
        let shape = Shape { projection, ..Shape::default() };
        let found = self.server.find(&collection(view, generation), filter, shape).await?;
        let keyed = found.iter().map(|stored| Ok((form::text(stored, "_id")?, form(stored)?)));
        Ok(keyed.collect::<Result<HashMap<_, _>, MongoError>>()?)
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

    async fn written(&self, views: &[&'static ViewSpec]) -> Result<Vec<Written>, ReadStoreError> {
        let mut written = Vec::with_capacity(views.len());
        for view in views {
            written.push(self.aliases.written(&self.server, view).await?);
        }
        Ok(written)
    }

    async fn live_shape(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        Ok(self.aliases.row(&self.server, view).await?.shape)
    }

    async fn get_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, ReadStoreError> {
        self.aliases.demand(&self.server, view, generation).await?;
        let found = self.keyed(view, generation, ids, None, &|stored| form::document(view, stored)).await?;
        Ok(in_order(found, ids))
    }

    async fn apply_in(&self, puts: Vec<(u32, Put)>, progress: Option<Progress>) -> Result<(), ApplyError> {
        write::put_all_in(&self.server, &self.aliases, &puts).await?;
        if let Some(progress) = progress {
            consumers::advance(&self.server, progress).await.map_err(Fault::from)?;
        }
        Ok(())
    }
}

fn in_order<T: Clone>(mut found: HashMap<String, T>, ids: &[&str]) -> Vec<Option<T>> {
    match ids {
        [id] => vec![found.remove(*id)],
        _ => ids.iter().map(|id| found.get(*id).cloned()).collect(),
    }
}

#[async_trait]
impl GenerationStore for MongoReadStore {
    async fn stored_generations(&self, view: &'static ViewSpec) -> Result<Vec<Generation>, ReadStoreError> {
        Ok(generations::stored(&self.server, &self.aliases, view).await?)
    }

    async fn make_generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        Ok(generations::make(&self.server, &self.aliases, view).await?)
    }

    async fn fill(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        documents: Arc<Vec<Document>>,
    ) -> Result<Vec<usize>, ApplyError> {
        Ok(generations::fill(&self.server, &self.aliases, (view, generation), &documents).await?)
    }

    async fn make_indexes(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError> {
        Ok(generations::make_indexes(&self.server, &self.aliases, view, generation).await?)
    }

    async fn page_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Document>, ReadStoreError> {
        self.aliases.demand(&self.server, view, generation).await?;
        Ok(generations::page(&self.server, view, generation, after, most).await?)
    }

    async fn holding_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        field: &'static str,
        values: &[String],
    ) -> Result<Vec<Document>, ReadStoreError> {
        self.aliases.demand(&self.server, view, generation).await?;
        Ok(generations::holding(&self.server, view, generation, field, values).await?)
    }

    async fn size_of(&self, view: &'static ViewSpec, generation: u32) -> Result<u64, ReadStoreError> {
        self.aliases.demand(&self.server, view, generation).await?;
        Ok(query::size(&self.server, view, generation).await?)
    }

    async fn write_also(&self, orders: &[(&'static ViewSpec, Option<u32>)]) -> Result<(), ReadStoreError> {
        Ok(generations::write_also(&self.server, &self.aliases, orders).await?)
    }

    async fn flip(&self, to: &[(&'static ViewSpec, u32)]) -> Result<(), ReadStoreError> {
        Ok(generations::flip(&self.server, &self.aliases, to).await?)
    }

    async fn drop_generation(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError> {
        Ok(generations::drop_generation(&self.server, &self.aliases, view, generation).await?)
    }

    async fn finish_drops(&self, view: &'static ViewSpec) -> Result<(), ReadStoreError> {
        Ok(generations::finish_drops(&self.server, &self.aliases, view).await?)
    }

    fn notice(&self) -> Duration {
        // Others may have other options: theirs are the defaults.
        2 * self.aliases.age().max(MongoOptions::default().alias_age)
    }
}
