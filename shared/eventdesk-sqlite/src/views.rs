//! The views' file: read models and how far their consumers are.
//!
//! Each view has a table of its own per generation and an alias that names the live one; sets stand in side tables.
//! All of it can be rebuilt from the event store: a file that cannot be used is an error that says so, see
//! [`ViewsError::Rebuild`] and [`remove_views`].

mod consumers;
mod damage;
mod fault;
mod generations;
mod job;
mod put;
mod query;
mod reader;
mod schema;
mod writer;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_app::ports::{
    ApplyError, ConsumerState, Document, Filter, Generation, GenerationStore, Glance, Hit, Position, Progress, Put,
    ReadStore, ReadStoreError, Retry, Select, Value, ViewSpec, Written,
};
use quick_cache::Equivalent;
use rusqlite::Connection;
use tokio::task::spawn_blocking;

pub use self::fault::{ViewsError, needs_rebuild};
use crate::{
    kept::{Kept, Weighed},
    scrub,
};

use self::{
    damage::Damage,
    fault::Failure,
    reader::{Pool, Reader},
    writer::Writer,
};

/// How a views file is used.
#[derive(Debug, Clone)]
pub struct ViewsOptions {
    /// How long a write waits for another process's transaction.
    pub write_wait: Duration,
    /// How long a read waits where it has to, which is hardly ever.
    pub read_wait: Duration,
    /// Most writes that one transaction takes together.
    pub batch: usize,
    /// Connections kept open for reads.
    pub readers: usize,
    /// Bytes that the file may grow to; a write beyond that is refused as on a full disk.
    pub max_bytes: u64,
}

impl Default for ViewsOptions {
    fn default() -> Self {
        Self {
            write_wait: Duration::from_secs(2),
            read_wait: Duration::from_millis(250),
            batch: 256,
            readers: 8,
            max_bytes: u64::MAX,
        }
    }
}

/// Views in a SQLite file: WAL, `synchronous=NORMAL`, one writer thread that groups what waits into one transaction.
///
/// Reads by id and pages run where they are called; counts and text searches on a blocking thread.
#[derive(Debug)]
pub struct SqliteReadStore {
    // The readers come first: closed before the writer, they leave the last checkpoint to it.
    pool: Arc<Pool>,
    writer: Writer,
    glances: Arc<Glances>,
    damage: Arc<Damage>,
}

/// What was glanced at, by view and id.
type Glances = Kept<(&'static str, String), Glance>;

/// Bytes of documents kept.
const KEPT_GLANCES: u64 = 12 * 1024 * 1024;

/// The key of a glance, without a copy of the id.
#[derive(Hash)]
struct Place<'a>(&'static str, &'a str);

impl Equivalent<(&'static str, String)> for Place<'_> {
    fn equivalent(&self, (view, id): &(&'static str, String)) -> bool {
        self.0 == *view && self.1 == id
    }
}

impl Weighed for Glance {
    fn size(&self) -> usize {
        self.body.len() + 2 * self.id.len()
    }
}

impl SqliteReadStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// - [`ViewsError::Rebuild`] if the file is damaged, as far as is known, or of another layout.
    /// - [`ViewsError::Unavailable`] if it is locked or cannot be reached.
    /// - [`ViewsError::Internal`] otherwise.
    pub fn open(path: impl Into<PathBuf>, options: &ViewsOptions) -> Result<Self, ViewsError> {
        let path = path.into();
        let damage = Arc::new(Damage::watch(&path)?);
        let glances = Arc::new(Glances::new(KEPT_GLANCES));
        let writer = Writer::start(path.clone(), options, Arc::clone(&glances), Arc::clone(&damage))?;
        Ok(Self { writer, pool: Arc::new(Pool::new(path, options, Arc::clone(&damage))), glances, damage })
    }

    /// Whether preparing these views changes the fields of some that there are, of which a server of another build may
    /// make use.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    pub fn is_of_other_fields(&self, views: &[&'static ViewSpec]) -> Result<bool, ReadStoreError> {
        Ok(self.pool.read(|reader| reader.is_of_other_fields(views))?)
    }

    /// The query plan of a page, as SQLite tells it: one step a line.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    pub fn explain(&self, select: &Select) -> Result<Vec<String>, ReadStoreError> {
        Ok(self.pool.read(|reader| reader.explain(select))?)
    }

    /// Runs what may read many rows off the callers' threads.
    async fn long_read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, ReadStoreError> {
        let pool = Arc::clone(&self.pool);
        let read = spawn_blocking(move || pool.read(read)).await;
        Ok(read.map_err(|error| ReadStoreError::Internal(error.into()))??)
    }

    /// Takes steps of the writer until one says that it was the last.
    async fn in_steps(
        &self,
        step: impl Fn(&mut Connection) -> Result<bool, Failure> + Copy + Send + 'static,
    ) -> Result<(), ReadStoreError> {
        while !self.writer.order(move |file| step(file.connection()?)).await? {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }
}

#[async_trait]
impl ReadStore for SqliteReadStore {
    async fn prepare(&self, views: &[&'static ViewSpec]) -> Result<(), ReadStoreError> {
        let prepared = self.writer.prepare(views.to_vec()).await;
        self.pool.forget();
        prepared
    }

    async fn generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        // Whoever asks whether the views serve asks for this.
        self.damage.check()?;
        if !self.writer.is_alive() {
            return Err(ReadStoreError::Internal("the views' writer has ended".into()));
        }
        Ok(self.pool.read(|reader| reader.generation(view))?)
    }

    async fn get(&self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Document>>, ReadStoreError> {
        Ok(self.pool.lend(|reader| reader.get(view, ids))?)
    }

    async fn glance(&self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Glance>>, ReadStoreError> {
        let (mut found, mut places, mut missing, mut epoch) = (Vec::with_capacity(ids.len()), vec![], vec![], 0);
        for id in ids {
            let look = self.glances.look(&Place(view.name, id));
            if look.ask {
                self.writer.check();
            }
            if look.value.is_none() {
                if missing.is_empty() {
                    epoch = look.epoch;
                }
                places.push(found.len());
                missing.push(*id);
            }
            found.push(look.value);
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let read = self.pool.lend(|reader| reader.glance(view, &missing))?;
        for (place, glance) in places.into_iter().zip(read) {
            if let Some(glance) = &glance {
                self.glances.keep(epoch, (view.name, glance.id.clone()), glance.clone());
            }
            found[place] = glance;
        }
        Ok(found)
    }

    async fn select(&self, select: &Select) -> Result<Vec<Hit>, ReadStoreError> {
        if select.filters.iter().any(|filter| matches!(filter, Filter::Contains(..))) {
            let select = select.clone();
            return self.long_read(move |reader| reader.select(&select)).await;
        }
        Ok(self.pool.read(|reader| reader.select(select))?)
    }

    async fn count(&self, view: &'static ViewSpec, filters: &[Filter]) -> Result<u64, ReadStoreError> {
        let filters = filters.to_vec();
        self.long_read(move |reader| reader.count(view, &filters)).await
    }

    async fn count_each(
        &self,
        view: &'static ViewSpec,
        field: &'static str,
        values: &[String],
        filters: &[Filter],
    ) -> Result<Vec<u64>, ReadStoreError> {
        let each = values.iter().map(|value| {
            let mut filters = filters.to_vec();
            filters.push(Filter::Equal(field, Value::Text(value.clone())));
            filters
        });
        let each: Vec<_> = each.collect();
        self.long_read(move |reader| each.iter().map(|filters| reader.count(view, filters)).collect()).await
    }

    async fn apply(&self, puts: Vec<Put>, progress: Option<Progress>) -> Result<(), ApplyError> {
        self.writer.apply(puts.into_iter().map(|put| (None, put)).collect(), progress).await
    }

    async fn consumer(&self, name: &str) -> Result<ConsumerState, ReadStoreError> {
        Ok(self.pool.read(|reader| reader.consumer(name))?)
    }

    async fn scrub(&self) -> Result<(), ReadStoreError> {
        let path = self.pool.path().to_owned();
        let scrubbed = spawn_blocking(move || scrub::empty_log(&path)).await;
        let scrubbed = scrubbed.map_err(|error| ReadStoreError::Internal(error.into()))?;
        Ok(scrubbed.map_err(Failure::from)?)
    }

    async fn retries(&self, name: &str) -> Result<Vec<Retry>, ReadStoreError> {
        Ok(self.pool.read(|reader| reader.retries(name))?)
    }

    async fn redeliver(&self, name: &str, again: &[Retry]) -> Result<(), ReadStoreError> {
        let (name, again) = (name.to_owned(), again.to_vec());
        let work = move |connection: &Connection| {
            again.iter().try_for_each(|retry| consumers::again(connection, &name, retry)).map(|()| 0)
        };
        self.writer.alone(work).await.map(drop)
    }

    async fn discard_dead(&self, name: &str, positions: &[Position]) -> Result<u64, ReadStoreError> {
        let (name, positions) = (name.to_owned(), positions.to_vec());
        self.writer.alone(move |connection| consumers::discard_dead(connection, &name, &positions)).await
    }

    async fn written(&self, views: &[&'static ViewSpec]) -> Result<Vec<Written>, ReadStoreError> {
        Ok(self.pool.read(|reader| views.iter().map(|view| reader.written(view)).collect())?)
    }

    async fn live_shape(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        Ok(self.pool.read(|reader| reader.live_shape(view))?)
    }

    async fn get_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, ReadStoreError> {
        Ok(self.pool.read(|reader| reader.get_in(view, generation, ids))?)
    }

    async fn apply_in(&self, puts: Vec<(u32, Put)>, progress: Option<Progress>) -> Result<(), ApplyError> {
        self.writer.apply(puts.into_iter().map(|(generation, put)| (Some(generation), put)).collect(), progress).await
    }
}

/// Between steps that hold the file for long, so that the writers of other processes get their turn.
const TURN: Duration = Duration::from_millis(120);

#[async_trait]
impl GenerationStore for SqliteReadStore {
    async fn stored_generations(&self, view: &'static ViewSpec) -> Result<Vec<Generation>, ReadStoreError> {
        Ok(self.pool.read(|reader| reader.stored_generations(view))?)
    }

    async fn make_generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        Ok(self.writer.order(move |file| generations::make(file.connection()?, view)).await?)
    }

    async fn fill(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        documents: Arc<Vec<Document>>,
    ) -> Result<Vec<usize>, ApplyError> {
        Ok(self.writer.order(move |file| file.fill(view, generation, &documents)).await?)
    }

    async fn make_indexes(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError> {
        let missing = self.pool.read(|reader| reader.missing_indexes(view, generation))?;
        for (number, sql) in missing.into_iter().enumerate() {
            if number > 0 {
                tokio::time::sleep(TURN).await;
            }
            self.writer.order(move |file| file.execute(&sql)).await?;
        }
        Ok(())
    }

    async fn page_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Document>, ReadStoreError> {
        let after = after.map(str::to_owned);
        self.long_read(move |reader| reader.page_in(view, generation, after.as_deref(), most)).await
    }

    async fn holding_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        field: &'static str,
        values: &[String],
    ) -> Result<Vec<Document>, ReadStoreError> {
        let values = values.to_vec();
        self.long_read(move |reader| reader.holding_in(view, generation, field, &values)).await
    }

    async fn size_of(&self, view: &'static ViewSpec, generation: u32) -> Result<u64, ReadStoreError> {
        self.long_read(move |reader| reader.size_of(view, generation)).await
    }

    async fn misfiled(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        only: Option<&str>,
    ) -> Result<Vec<String>, ReadStoreError> {
        let only = only.map(str::to_owned);
        self.long_read(move |reader| reader.misfiled(view, generation, only.as_deref())).await
    }

    async fn file_anew(&self, view: &'static ViewSpec, generation: u32, id: &str) -> Result<(), ReadStoreError> {
        let id = id.to_owned();
        Ok(self.writer.order(move |file| generations::file_anew(file.connection()?, view, generation, &id)).await?)
    }

    async fn write_also(&self, orders: &[(&'static ViewSpec, Option<u32>)]) -> Result<(), ReadStoreError> {
        let orders = orders.to_vec();
        Ok(self.writer.order(move |file| generations::write_also(file.connection()?, &orders)).await?)
    }

    async fn flip(&self, to: &[(&'static ViewSpec, u32)]) -> Result<(), ReadStoreError> {
        let to = to.to_vec();
        Ok(self.writer.order(move |file| file.flip(&to)).await?)
    }

    async fn drop_generation(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError> {
        self.in_steps(move |connection| generations::drop_some(connection, view, generation)).await
    }

    async fn finish_drops(&self, view: &'static ViewSpec) -> Result<(), ReadStoreError> {
        self.in_steps(move |connection| generations::finish_some(connection, view)).await
    }

    fn notice(&self) -> Duration {
        Duration::ZERO
    }
}

/// Removes a views file that is not open anywhere, so that the next start builds the views anew.
///
/// # Errors
/// Whatever the file system says, but that there was no file.
pub fn remove_views(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", damage::SUFFIX] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
