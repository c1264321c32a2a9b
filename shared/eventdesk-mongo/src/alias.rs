//! The generations of each view: one row a view in the collection `views`, remembered for a moment.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use eventdesk_app::ports::{Misuse, ViewSpec, Written};
use mongodb::bson::{Bson, Document, RawBsonRef, RawDocument, doc};
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
    /// The generation that is written besides.
    pub(crate) also: Option<u32>,
    /// Every generation but the live one.
    pub(crate) others: Vec<Other>,
}

/// A generation that is not live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) number: u32,
    pub(crate) shape: u32,
    pub(crate) fields: String,
    pub(crate) indexes: String,
    /// Whether it is being dropped.
    pub(crate) dropped: bool,
}

impl Alias {
    /// The other generation with this number, unless it is being dropped.
    pub(crate) fn other(&self, number: u32) -> Option<&Other> {
        self.others.iter().find(|other| other.number == number && !other.dropped)
    }

    /// The members of the row that tell of generations.
    pub(crate) fn generations(&self) -> Document {
        let other = |other: &Other| {
            Bson::Document(doc! {
                "generation": i64::from(other.number),
                "shape": i64::from(other.shape),
                "fields": other.fields.as_str(),
                "indexes": other.indexes.as_str(),
                "dropped": other.dropped,
            })
        };
        doc! {
            "generation": i64::from(self.generation),
            "shape": i64::from(self.shape),
            "fields": self.fields.as_str(),
            "indexes": self.indexes.as_str(),
            "also": self.also.map_or(0, i64::from),
            "others": self.others.iter().map(other).collect::<Vec<_>>(),
        }
    }
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
    generations: HashMap<String, Known>,
}

/// What is known of a view's generations.
#[derive(Debug, Clone)]
struct Known {
    written: Written,
    /// Those that can be read and written, the live one with them.
    all: Vec<u32>,
}

impl Known {
    fn of(row: &Alias) -> Self {
        let others = row.others.iter().filter(|other| !other.dropped).map(|other| other.number);
        let also = row.also.filter(|also| *also != row.generation && row.other(*also).is_some());
        Self { written: Written { live: row.generation, also }, all: others.chain([row.generation]).collect() }
    }
}

impl Aliases {
    pub(crate) fn new(age: Duration) -> Self {
        Self { age, seen: Mutex::default(), reading: Turnstile::new(()) }
    }

    /// How old what is remembered may be.
    pub(crate) fn age(&self) -> Duration {
        self.age
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

    /// The generations to be written, as seen last.
    pub(crate) async fn written(&self, server: &Server, view: &'static ViewSpec) -> Result<Written, Fault> {
        self.live(server, view).await?;
        let seen = self.seen();
        seen.generations.get(view.name).map(|known| known.written).ok_or_else(|| never_prepared(view))
    }

    /// Whether there is such a generation; one that is not known may have been made since.
    pub(crate) async fn has(&self, server: &Server, view: &'static ViewSpec, generation: u32) -> Result<bool, Fault> {
        let known = || self.seen().generations.get(view.name).is_some_and(|known| known.all.contains(&generation));
        if self.is_fresh() && known() {
            return Ok(true);
        }
        self.read_again(server).await?;
        Ok(known())
    }

    /// As [`Aliases::has`].
    pub(crate) async fn demand(&self, server: &Server, view: &'static ViewSpec, generation: u32) -> Result<(), Fault> {
        if self.has(server, view, generation).await? {
            return Ok(());
        }
        Err(Misuse { view: view.name, problem: format!("there is no generation {generation}") }.into())
    }

    /// The row of a view as it is now.
    pub(crate) async fn row(&self, server: &Server, view: &'static ViewSpec) -> Result<Alias, Fault> {
        let rows = self.read_rows(server).await?;
        rows.into_iter().find(|row| row.view == view.name).ok_or_else(|| never_prepared(view))
    }

    /// Stores what a row says of generations.
    pub(crate) async fn store(&self, server: &Server, row: &Alias) -> Result<(), Fault> {
        let (which, change) = (doc! { "_id": row.view.as_str() }, doc! { "$set": row.generations() });
        let rows = server.collection(VIEWS);
        server.ask(async move { rows.update_one(which, change).await }).await?;
        self.seen().generations.insert(row.view.clone(), Known::of(row));
        Ok(())
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
        let generations = rows.iter().map(|row| (row.view.clone(), Known::of(row))).collect();
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
        self.seen().generations.get(view.name).map(|known| known.written.live)
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
    let also = if row.get("also").is_ok_and(|value| value.is_some()) { small(row, "also")? } else { 0 };
    let refused = |error: mongodb::bson::error::Error| MongoError::Refused(error.into());
    // Rows of older builds tell of the live one only.
    let others = match row.get_array("others") {
        Ok(others) => others.into_iter().map(|each| other(each.map_err(refused)?)).collect::<Result<_, _>>()?,
        Err(_) => Vec::new(),
    };
    Ok(Alias {
        view: text(row, "_id")?,
        generation: small(row, "generation")?,
        shape: small(row, "shape")?,
        fields: text(row, "fields")?,
        indexes: text(row, "indexes")?,
        also: (also > 0).then_some(also),
        others,
    })
}

fn other(stored: RawBsonRef<'_>) -> Result<Other, MongoError> {
    let stored = stored.as_document().ok_or_else(|| MongoError::Refused("a generation is no document".into()))?;
    Ok(Other {
        number: small(stored, "generation")?,
        shape: small(stored, "shape")?,
        fields: text(stored, "fields")?,
        indexes: text(stored, "indexes")?,
        dropped: stored.get_bool("dropped").unwrap_or(false),
    })
}

fn small(row: &RawDocument, name: &str) -> Result<u32, MongoError> {
    let number = row.get_i64(name).map_err(|error| MongoError::Refused(error.into()))?;
    u32::try_from(number).map_err(|error| MongoError::Refused(error.into()))
}

fn never_prepared(view: &ViewSpec) -> Fault {
    Misuse { view: view.name, problem: "it was never prepared".to_owned() }.into()
}
