//! The parts of a desk in a data folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use eventdesk_app::{
    DeploymentSecret,
    audit::CONSUMERS,
    local_queue::{Consumer, LocalQueue, LocalQueueOptions},
    ports::{Clock, CommitLog, Position, QueueError, ReadStore, ReadStoreError},
    projections::{Projector, VIEWS},
};
use eventdesk_identity::{IssuerKeys, KeyPlace, KeyTimes, KeysError};
use eventdesk_runtime::{RandomIds, SystemClock};
use eventdesk_sqlite::{
    DataFolder, FolderError, OpenError, SqliteEventStore, SqliteReadStore, StoreOptions, ViewsError, ViewsOptions,
    needs_rebuild, remove_views,
};
use tracing::warn;

/// What events are about, as their types begin.
const SUBJECTS: [&str; 4] = ["ticket.", "message.", "user.", "employee."];

/// Why a part of a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The event store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The views cannot be opened.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// The views cannot be prepared.
    #[error("the read models cannot be prepared")]
    Prepare(#[from] ReadStoreError),
    /// The issuer's keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A tool would change the views under a server of another build.
    #[error("the server on the data folder {} is of another build: use the tools of that one, or start this build's server first", .0.display())]
    OtherBuild(PathBuf),
    /// The event store has lost what the views were built from.
    #[error(
        "{} holds no commits, but {seen} were read from it before: restore it from a backup, or use another folder",
        store.display()
    )]
    StoreLost {
        /// The event store's file.
        store: PathBuf,
        /// The position that the views have seen.
        seen: u64,
    },
}

impl LocalError {
    /// Whether the views are damaged, or are not for this build to read.
    fn asks_for_rebuild(&self) -> bool {
        match self {
            Self::Views(error) => needs_rebuild(error),
            Self::Prepare(error) => needs_rebuild(error),
            _ => false,
        }
    }
}

/// A data folder, for the one server that holds its lock. To be dropped after all that was opened in it, so that
/// another server can have the folder only when the files are closed.
pub struct Local {
    folder: DataFolder,
}

impl Local {
    /// The parts of this folder.
    pub fn new(folder: DataFolder) -> Self {
        Self { folder }
    }

    /// The deployment secret; the first call on a folder makes one.
    ///
    /// # Errors
    /// `Folder`.
    pub fn secret(&self) -> Result<DeploymentSecret, LocalError> {
        Ok(self.folder.secret(&RandomIds)?)
    }

    /// The event store, with the credentials.
    ///
    /// # Errors
    /// `Store`.
    pub fn store(&self) -> Result<SqliteEventStore, LocalError> {
        Ok(SqliteEventStore::open(self.folder.store_db(), StoreOptions::default())?)
    }

    /// The read models, ready for use.
    ///
    /// Views that cannot be used, or have seen more than the event store of this folder holds (an older one was put
    /// back), are thrown away: they are built anew from the event store.
    ///
    /// # Errors
    /// `Views`, `Prepare`, `Folder` and `StoreLost`.
    pub async fn views(&self, store: Option<&SqliteEventStore>) -> Result<Arc<SqliteReadStore>, LocalError> {
        let path = self.folder.views_db();
        let views = match prepared_views(&path).await {
            Err(error) if error.asks_for_rebuild() => {
                warn!(error = &error as &dyn std::error::Error, "the views are built anew");
                rebuilt_views(&path).await?
            }
            other => other?,
        };
        let Some(store) = store else { return Ok(Arc::new(views)) };
        let (seen, newest) = (furthest(&views).await?, *store.newest().borrow());
        if seen <= newest {
            return Ok(Arc::new(views));
        }
        if newest == Position::default() {
            return Err(LocalError::StoreLost { store: self.folder.store_db(), seen: seen.0 });
        }
        warn!(seen = seen.0, newest = newest.0, "the views are built anew: they have seen more than the store holds");
        drop(views);
        Ok(Arc::new(rebuilt_views(&path).await?))
    }

    /// The read models as a server has made them, for tools that work beside it: nothing is thrown away, and views that
    /// cannot be used are an error. Views that another build made for other fields are given today's only while no server
    /// uses them.
    ///
    /// # Errors
    /// `Views`, `Prepare` and `OtherBuild`.
    pub async fn views_beside_server(&self) -> Result<Arc<SqliteReadStore>, LocalError> {
        let views = open_views(&self.folder.views_db())?;
        let _alone = if views.is_of_other_fields(&VIEWS)? {
            let locked = DataFolder::open(self.folder.path());
            Some(locked.map_err(|error| match error {
                FolderError::InUse(folder) => LocalError::OtherBuild(folder),
                error => error.into(),
            })?)
        } else {
            None
        };
        views.prepare(&VIEWS).await?;
        Ok(Arc::new(views))
    }

    /// The built-in issuer's keys, whose tokens live so long; the first call on a folder makes one, which takes a moment.
    ///
    /// # Errors
    /// `Keys`.
    pub async fn keys(&self, token_minutes: u32) -> Result<Arc<IssuerKeys>, LocalError> {
        let (place, times) = (KeyPlace::Folder(self.folder.keys()), KeyTimes::for_tokens_of(token_minutes));
        Ok(Arc::new(IssuerKeys::rotating(place, times, Arc::new(SystemClock)).await?))
    }
}

/// The queue of a projector over a store's own log, where it left off.
///
/// # Errors
/// [`QueueError`].
pub async fn queue(
    projector: &Projector,
    store: &SqliteEventStore,
    views: Arc<dyn ReadStore>,
    clock: Arc<dyn Clock>,
) -> Result<LocalQueue, QueueError> {
    let interests: Vec<_> = SUBJECTS.into_iter().filter(|subject| projector.takes(subject)).collect();
    // Whoever wants all of these wants everything, the kinds that have no name here too.
    let interests = if interests.len() == SUBJECTS.len() { Vec::new() } else { interests };
    let interests = interests.into_iter().map(str::to_owned).collect();
    let consumer = Consumer { name: projector.name().to_owned(), interests };
    let log: Arc<dyn CommitLog> = Arc::new(store.clone());
    LocalQueue::open(consumer, log, views, clock, LocalQueueOptions::default()).await
}

fn open_views(path: &Path) -> Result<SqliteReadStore, ViewsError> {
    SqliteReadStore::open(path, &ViewsOptions::default())
}

async fn prepared_views(path: &Path) -> Result<SqliteReadStore, LocalError> {
    let views = open_views(path)?;
    views.prepare(&VIEWS).await?;
    Ok(views)
}

async fn rebuilt_views(path: &Path) -> Result<SqliteReadStore, LocalError> {
    remove_views(path).map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
    prepared_views(path).await
}

/// The furthest that any projector has come.
async fn furthest(views: &SqliteReadStore) -> Result<Position, ReadStoreError> {
    let mut furthest = Position::default();
    for projector in CONSUMERS {
        furthest = furthest.max(views.consumer(projector).await?.cursor);
    }
    Ok(furthest)
}

#[cfg(test)]
mod tests {
    use eventdesk_app::{
        ports::{
            Append, Commit, Document, EventStore, Field, FieldKind, Ids, Progress, Put, StoredState, Value, ViewSpec,
        },
        projections::{Projection, TICKETS, TicketsProjection},
    };
    use eventdesk_events::{Actor, ActorKind, CommitId, StreamId, Version};
    use serde_json::value::RawValue;

    use super::*;

    fn local(folder: &tempfile::TempDir) -> Local {
        Local::new(DataFolder::open(folder.path().join("data")).unwrap())
    }

    async fn open(local: &Local) -> Result<(SqliteEventStore, Arc<SqliteReadStore>), LocalError> {
        let store = local.store()?;
        let views = local.views(Some(&store)).await?;
        Ok((store, views))
    }

    #[tokio::test]
    async fn views_that_cannot_be_used_are_built_anew() {
        let folder = tempfile::tempdir().unwrap();
        let local = local(&folder);
        drop(open(&local).await.unwrap());
        std::fs::write(local.folder.views_db(), "no database".repeat(1_000)).unwrap();
        assert_eq!(open(&local).await.unwrap().1.generation(&TICKETS).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn views_of_other_fields_serve_until_they_are_built_anew() {
        static OLD_TICKETS: ViewSpec = ViewSpec {
            name: TICKETS.name,
            shape: 0,
            fields: &[Field { name: "old", kind: FieldKind::Int }],
            indexes: &[],
        };
        let folder = tempfile::tempdir().unwrap();
        let local = local(&folder);
        let old = open_views(&local.folder.views_db()).unwrap();
        old.prepare(&[&OLD_TICKETS]).await.unwrap();
        let (id, body, fields) = ("one".to_owned(), "{}".to_owned(), vec![Value::Int(7)]);
        let document = Document { id, version: 1, revision: 1, deleted: false, fields, body };
        old.apply(vec![Put { view: &OLD_TICKETS, document }], None).await.unwrap();
        drop(old);
        let views = open(&local).await.unwrap().1;
        let kept = views.get(&TICKETS, &["one"]).await.unwrap().pop().flatten().expect("the document is kept");
        assert_eq!((kept.version, kept.body.as_str()), (1, "{}"));
        assert_eq!(views.live_shape(&TICKETS).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn tools_of_another_build_change_no_views_under_a_server() {
        static OLD_TICKETS: ViewSpec = ViewSpec { name: TICKETS.name, shape: 0, fields: &[], indexes: &[] };
        let folder = tempfile::tempdir().unwrap();
        let server = local(&folder);
        open_views(&server.folder.views_db()).unwrap().prepare(&[&OLD_TICKETS]).await.unwrap();
        let tool = Local::new(DataFolder::open_beside_server(folder.path().join("data")).unwrap());
        let refused = tool.views_beside_server().await.err().unwrap();
        assert!(matches!(refused, LocalError::OtherBuild(_)), "{refused}");
        let views = open_views(&server.folder.views_db()).unwrap();
        assert!(views.is_of_other_fields(&VIEWS).unwrap(), "they are as they were");
        drop(server);
        tool.views_beside_server().await.unwrap();
        assert!(!views.is_of_other_fields(&VIEWS).unwrap());
        tool.views_beside_server().await.unwrap();
    }

    fn commit() -> Commit {
        Commit {
            stream: StreamId::AdminRoster,
            version: Version::FIRST,
            id: CommitId::from_uuid(RandomIds.next()),
            at: SystemClock.now(),
            actor: Actor { id: String::new(), kind: ActorKind::System },
            correlation_id: RandomIds.next(),
            causation_id: None,
            trace_id: None,
            events: Vec::new(),
            state: StoredState { version: 1, json: RawValue::from_string("{}".to_owned()).unwrap() },
        }
    }

    /// As if the ticket projector had worked through so many commits.
    async fn pretend_seen(views: &SqliteReadStore, seen: u64) {
        let consumer = TicketsProjection.name().to_owned();
        let (cursor, none) = (Position(seen), Vec::new());
        let progress = Progress { consumer, cursor, retries: Vec::new(), dead: Vec::new(), cleared: none };
        views.apply(Vec::new(), Some(progress)).await.unwrap();
    }

    #[tokio::test]
    async fn a_store_that_lost_everything_is_not_begun_anew_under_its_views() {
        let folder = tempfile::tempdir().unwrap();
        let local = local(&folder);
        pretend_seen(&open(&local).await.unwrap().1, 7).await;
        let refused = open(&local).await.err().unwrap();
        assert!(matches!(refused, LocalError::StoreLost { seen: 7, .. }), "{refused}");
    }

    #[tokio::test]
    async fn views_that_have_seen_more_than_an_older_store_holds_are_built_anew() {
        let folder = tempfile::tempdir().unwrap();
        let local = local(&folder);
        let (store, views) = open(&local).await.unwrap();
        store.append(Append { commits: vec![commit()], ..Append::default() }).await.unwrap();
        pretend_seen(&views, 7).await;
        drop((store, views));
        let (_, views) = open(&local).await.unwrap();
        assert_eq!(views.consumer(TicketsProjection.name()).await.unwrap().cursor, Position(0));
    }
}
