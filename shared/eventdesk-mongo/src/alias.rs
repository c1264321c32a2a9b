//! The live generation of each view: one row a view in the collection `views`, remembered for a moment.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use eventdesk_app::ports::{Misuse, ViewSpec};
use mongodb::bson::{RawDocument, doc};
use tokio::{sync::Mutex as Turnstile, time::Instant};

use crate::{
    fault::{Fault, MongoError},
    form::text,
    server::{Server, Shape},
};

/// The collection of the rows.
pub(crate) const VIEWS: &str = "views";

/// A view's row.
#[derive(Debug, Clone)]
pub(crate) struct Alias {
    pub(crate) view: String,
    pub(crate) generation: u32,
    pub(crate) shape: u32,
    /// The declared fields and indexes, as [`crate::prepare`] tells them.
    pub(crate) fields: String,
    pub(crate) indexes: String,
}

/// What was seen of the rows, and when.
#[derive(Debug)]
pub(crate) struct Aliases {
    age: Duration,
    seen: Mutex<Seen>,
    /// Who finds the rows too old waits here, and all but the first find them read again.
    reading: Turnstile<()>,
}

#[derive(Debug, Default)]
struct Seen {
    at: Option<Instant>,
    generations: HashMap<String, u32>,
}

impl Aliases {
    pub(crate) fn new(age: Duration) -> Self {
        Self { age, seen: Mutex::default(), reading: Turnstile::new(()) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generation that writes go to.
    pub(crate) async fn live(&self, server: &Server, view: &'static ViewSpec) -> Result<u32, Fault> {
        if !self.is_fresh() {
            self.read_again(server).await?;
        }
        match self.known(view) {
            Some(generation) => Ok(generation),
            None => self.prepared_meanwhile(server, view).await,
        }
    }

    /// Reads from the live generation. Where the row seen last may be outdated it is read again at the same time: the
    /// reading costs one round trip however long nobody asked, and is repeated in the rare case of a new generation.
    pub(crate) async fn read<T, R>(
        &self,
        server: &Server,
        view: &'static ViewSpec,
        read: impl Fn(u32) -> R,
    ) -> Result<T, Fault>
    where
        R: Future<Output = Result<T, Fault>>,
    {
        let fresh = self.is_fresh();
        let generation = match self.known(view) {
            Some(generation) if fresh => return read(generation).await,
            Some(generation) => generation,
            None => return read(self.prepared_meanwhile(server, view).await?).await,
        };
        let (found, again) = tokio::join!(read(generation), self.read_again(server));
        again?;
        match self.known(view) {
            Some(live) if live == generation => found,
            Some(live) => read(live).await,
            None => Err(never_prepared(view)),
        }
    }

    /// Reads every row, and remembers what it says.
    pub(crate) async fn read_rows(&self, server: &Server) -> Result<Vec<Alias>, MongoError> {
        let begun = Instant::now();
        let rows = Self::rows(server).await?;
        let generations = rows.iter().map(|row| (row.view.clone(), row.generation)).collect();
        // As old as the question, not as the answer.
        *self.seen() = Seen { at: Some(begun), generations };
        Ok(rows)
    }

    /// Reads every row.
    pub(crate) async fn rows(server: &Server) -> Result<Vec<Alias>, MongoError> {
        let rows = server.find(VIEWS, doc! {}, Shape::default()).await?;
        rows.iter().map(|row| alias(row)).collect()
    }

    pub(crate) async fn read_again(&self, server: &Server) -> Result<(), MongoError> {
        let asked = Instant::now();
        let _turn = self.reading.lock().await;
        if self.seen().at.is_some_and(|at| at >= asked) {
            return Ok(());
        }
        self.read_rows(server).await.map(drop)
    }

    pub(crate) fn forget(&self) {
        *self.seen() = Seen::default();
    }

    fn known(&self, view: &ViewSpec) -> Option<u32> {
        self.seen().generations.get(view.name).copied()
    }

    fn is_fresh(&self) -> bool {
        self.seen().at.is_some_and(|at| at.elapsed() < self.age)
    }

    /// A view that was unknown a moment ago may have been prepared by another process since.
    async fn prepared_meanwhile(&self, server: &Server, view: &'static ViewSpec) -> Result<u32, Fault> {
        self.read_again(server).await?;
        self.known(view).ok_or_else(|| never_prepared(view))
    }
}

fn alias(row: &RawDocument) -> Result<Alias, MongoError> {
    let small = |name| {
        let number = row.get_i64(name).map_err(|error| MongoError::Refused(error.into()))?;
        u32::try_from(number).map_err(|error| MongoError::Refused(error.into()))
    };
    Ok(Alias {
        view: text(row, "_id")?,
        generation: small("generation")?,
        shape: small("shape")?,
        fields: text(row, "fields")?,
        indexes: text(row, "indexes")?,
    })
}

fn never_prepared(view: &ViewSpec) -> Fault {
    Misuse { view: view.name, problem: "it was never prepared".to_owned() }.into()
}
