//! Views: versioned documents with declared fields, each under a generation name behind an alias.

use async_trait::async_trait;
use eventdesk_events::Timestamp;

use super::{Position, Written};

/// Declares one view: its name, the fields that queries may use, and the indexes that make them cheap.
#[derive(Debug)]
pub struct ViewSpec {
    /// The alias, `tickets`; what is stored is called after its generation, `tickets_g1`.
    pub name: &'static str,
    /// The projection's version: grows when what is made of the same events changes, so that a rebuild is known to be
    /// due. Until then the generation of the shape before is used, so its bodies must stay readable. Where the declared
    /// fields change too, it cannot be used and is built anew at the start.
    pub shape: u32,
    /// The fields besides `id` and `version`, in the order of [`Document::fields`].
    pub fields: &'static [Field],
    /// What queries rely on.
    pub indexes: &'static [Index],
}

/// A field that queries may filter or sort by.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Lower snake case, unique in the view, never `id`, `version`, `revision`, `deleted` or `body`.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// [`Value::Text`] or null.
    Text,
    /// [`Value::Int`] or null.
    Int,
    /// [`Value::Set`].
    Set,
}

/// An index over fields, in order, of the documents that are not deleted; `id` is always its last part.
#[derive(Debug)]
pub struct Index {
    /// Names of text and int fields.
    pub fields: &'static [&'static str],
    /// Whether two documents may not have the same values.
    pub unique: bool,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number; times are milliseconds since the epoch.
    Int(i64),
    /// Text, compared byte by byte.
    Text(String),
    /// Texts without repeats, in ascending order.
    Set(Vec<String>),
}

/// One view document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Unique in the view; text of 1 to 100 bytes.
    pub id: String,
    /// The stream version applied.
    pub version: u64,
    /// One more with each write, from 1 or from where a rebuild began it: the guard against lost updates.
    pub revision: u64,
    /// A tombstone: found by id alone, never by a query.
    pub deleted: bool,
    /// One value for each field of the spec, in its order.
    pub fields: Vec<Value>,
    /// The document itself, JSON.
    pub body: String,
}

/// Writes one document, if it still is as the writer read it.
#[derive(Debug, Clone)]
pub struct Put {
    /// The view.
    pub view: &'static ViewSpec,
    /// The document whole. Its `revision` is one more than the stored document's; 1 if there must be none.
    pub document: Document,
}

/// A condition on a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The field has this value; null matches null.
    Equal(&'static str, Value),
    /// The field has one of these values.
    OneOf(&'static str, Vec<Value>),
    /// The field is not null and less than this.
    Less(&'static str, Value),
    /// The field is not null and greater than this.
    Greater(&'static str, Value),
    /// The set holds this text.
    Holds(&'static str, String),
    /// The text field contains this text.
    Contains(&'static str, String),
}

/// The order of a page: by one field, ties by id in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// A text or int field that is never null in this view.
    pub field: &'static str,
    /// Largest first.
    pub descending: bool,
}

/// One page of a view.
#[derive(Debug, Clone)]
pub struct Select {
    /// The view.
    pub view: &'static ViewSpec,
    /// All must hold. Deleted documents never match.
    pub filters: Vec<Filter>,
    /// The order.
    pub sort: Sort,
    /// Start after the document with this sort value and id, whether or not it still exists.
    pub after: Option<(Value, String)>,
    /// Most documents to return.
    pub limit: usize,
}

/// A document as a query by id shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// The document's id.
    pub id: String,
    /// The stream version applied.
    pub version: u64,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// The document itself, JSON.
    pub body: String,
}

/// A document as a page shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The document's id.
    pub id: String,
    /// The stream version applied.
    pub version: u64,
    /// The value that the page is sorted by: with the id, the place to go on after.
    pub place: Value,
    /// The document itself, JSON.
    pub body: String,
}

/// What a consumer of the local bus has behind it, stored in one transaction with the views it wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The consumer's name.
    pub consumer: String,
    /// Everything up to here is worked through, or stands in `retries` or among the dead.
    pub cursor: Position,
    /// Deliveries that failed and will come again; replaces what was stored for their position.
    pub retries: Vec<Retry>,
    /// Deliveries that failed for the last time; replaces what was stored for their position.
    pub dead: Vec<DeadLetter>,
    /// Positions that are no longer in retry or dead.
    pub cleared: Vec<Position>,
}

/// A delivery that will come again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// Which commit.
    pub position: Position,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due.
    pub due: Timestamp,
    /// Why it failed last; no private text.
    pub reason: String,
}

/// A delivery that is tried no more.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Which commit.
    pub position: Position,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub at: Timestamp,
    /// Why it failed last; no private text.
    pub reason: String,
}

/// What is stored of a consumer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConsumerState {
    /// See [`Progress::cursor`].
    pub cursor: Position,
    /// In ascending order of position.
    pub retries: Vec<Retry>,
    /// In ascending order of position.
    pub dead: Vec<DeadLetter>,
}

/// Why writes were not, or not all, made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A document was not as its writer had read it. Writes before it may stand; none after it does, nor the progress.
    #[error("{view} document {id} was changed meanwhile")]
    GuardLost {
        /// The view's name.
        view: &'static str,
        /// The document's id.
        id: String,
    },
    /// Busy, full or away. Worth trying again later.
    #[error("read store unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the caller cannot act on.
    #[error("read store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadStoreError {
    /// Busy or away. Worth trying again later.
    #[error("read store unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the caller cannot act on.
    #[error("read store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Keeps views. All of it can be rebuilt from the event store.
#[async_trait]
pub trait ReadStore: Send + Sync {
    /// Makes sure that each view has a live generation with its indexes; the first is 1.
    ///
    /// A generation that was made for other fields goes on: what its documents have of today's fields stays, what they
    /// lack is null (a set: empty) until they are written again, and what is not declared any more goes. Its shape is
    /// not today's then.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn prepare(&self, views: &[&'static ViewSpec]) -> Result<(), ReadStoreError>;

    /// The live generation of a view.
    ///
    /// # Errors
    /// See [`ReadStoreError`]; `Internal` if the view was never prepared.
    async fn generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError>;

    /// Documents by id, tombstones too, in the order of `ids`; `None` where there is none.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn get(&self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Document>>, ReadStoreError>;

    /// As [`ReadStore::get`], without the fields, for readers who only show the document.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn glance(&self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Glance>>, ReadStoreError> {
        let found = self.get(view, ids).await?.into_iter();
        let lean = |Document { id, version, deleted, body, .. }| Glance { id, version, deleted, body };
        Ok(found.map(|document| document.map(lean)).collect())
    }

    /// One page, by index: its cost does not grow with the pages before it.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn select(&self, select: &Select) -> Result<Vec<Hit>, ReadStoreError>;

    /// How many documents, deleted ones apart, match all filters.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn count(&self, view: &'static ViewSpec, filters: &[Filter]) -> Result<u64, ReadStoreError>;

    /// The same count for each of several values of a text field, in their order.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn count_each(
        &self,
        view: &'static ViewSpec,
        field: &'static str,
        values: &[String],
        filters: &[Filter],
    ) -> Result<Vec<u64>, ReadStoreError>;

    /// Writes documents in order, each guarded by its revision, then the progress. An adapter that can does all of
    /// it in one transaction; none leaves a later write without the earlier ones.
    ///
    /// # Errors
    /// See [`ApplyError`].
    async fn apply(&self, puts: Vec<Put>, progress: Option<Progress>) -> Result<(), ApplyError>;

    /// What is stored of a consumer; the beginning if nothing is.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn consumer(&self, name: &str) -> Result<ConsumerState, ReadStoreError>;

    /// Makes sure that nothing of what was written over or removed stands in the store's files any more, its logs
    /// included.
    ///
    /// # Errors
    /// See [`ReadStoreError`]; `Unavailable` while others hold on to it.
    async fn scrub(&self) -> Result<(), ReadStoreError> {
        Ok(())
    }

    /// A consumer's deliveries in retry, in ascending order of position.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn retries(&self, name: &str) -> Result<Vec<Retry>, ReadStoreError> {
        Ok(self.consumer(name).await?.retries)
    }

    /// Has a consumer of the local bus receive positions again, whatever became of them: each stands in retry as given,
    /// and no longer among the dead. The cursor stays. For tools that work beside the process which runs the consumer:
    /// its queue finds them.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn redeliver(&self, name: &str, again: &[Retry]) -> Result<(), ReadStoreError>;

    /// Drops positions from a consumer's dead letters, and tells how many of them were there.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn discard_dead(&self, name: &str, positions: &[Position]) -> Result<u64, ReadStoreError>;

    /// The generations of each view that are to be written, in the order of `views`; see
    /// [`GenerationStore::notice`](super::GenerationStore::notice) for how old the answer may be.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn written(&self, views: &[&'static ViewSpec]) -> Result<Vec<Written>, ReadStoreError> {
        let mut written = Vec::with_capacity(views.len());
        for view in views {
            written.push(Written { live: self.generation(view).await?, also: None });
        }
        Ok(written)
    }

    /// The shape that the live generation of a view was made for: another one than the view's own means that a rebuild
    /// is due.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn live_shape(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        self.generation(view).await.map(|_| view.shape)
    }

    /// As [`ReadStore::get`], of any generation.
    ///
    /// # Errors
    /// See [`ReadStoreError`]; `Internal` if there is no such generation.
    async fn get_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, ReadStoreError> {
        let _ = (generation, ids);
        Err(ReadStoreError::Internal(format!("view {} has one generation here", view.name).into()))
    }

    /// As [`ReadStore::apply`], each document into the generation that stands with it. One that was dropped meanwhile
    /// is a lost guard.
    ///
    /// # Errors
    /// See [`ApplyError`].
    async fn apply_in(&self, puts: Vec<(u32, Put)>, progress: Option<Progress>) -> Result<(), ApplyError> {
        let _ = (puts, progress);
        Err(ApplyError::Internal("views have one generation here".into()))
    }
}
