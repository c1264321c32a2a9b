//! The parts of a desk on a data folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use eventdesk_app::{
    Commands, DeploymentSecret,
    identity::{Identity, LoginLimiter},
    local_queue::{Consumer, LocalQueue, LocalQueueOptions},
    ports::{Clock, CommitLog, EventStore, Ids, PasswordHasher, Position, QueueError, ReadStore, ReadStoreError},
    projections::{DirectoryProjection, HistoryProjection, Projection, Projector, TICKETS, TicketsProjection, VIEWS},
    publish::LocalPublisher,
    queries::{KnownTickets, Queries, Waiters},
};
use eventdesk_http::{CallerResolver, Probe, RoleSource, Services, Settings, TrustedIssuer};
use eventdesk_identity::{
    Argon2PasswordHasher, Authorizer, IssuerKeys, HashCost, InvalidCost, KeysError, RsaTokenIssuer, Trust,
};
use eventdesk_runtime::{Config, RandomIds, SystemClock};
use eventdesk_sqlite::{
    DataFolder, FolderError, OpenError, SqliteEventStore, SqliteReadStore, StoreOptions, ViewsError, ViewsOptions,
    needs_rebuild, remove_views,
};
use tracing::warn;

/// Most queries that wait for the read models at once; each looks some forty times a second.
const WAITERS: usize = 256;
/// What events are about, as their types begin.
const SUBJECTS: [&str; 4] = ["ticket.", "message.", "user.", "employee."];

/// Why there is no desk on a folder.
#[derive(Debug, thiserror::Error)]
pub enum LocalDeskError {
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
    /// The configured cost of a password hash is impossible.
    #[error(transparent)]
    Cost(#[from] InvalidCost),
}

impl LocalDeskError {
    /// Whether the views are damaged, or were made for other documents than today's.
    fn asks_for_rebuild(&self) -> bool {
        match self {
            Self::Views(error) => needs_rebuild(error),
            Self::Prepare(error) => needs_rebuild(error),
            _ => false,
        }
    }
}

/// A desk on a data folder. Dropping it, and all that was taken from it, closes the files.
pub struct LocalDesk {
    config: Config,
    issuer: String,
    secret: DeploymentSecret,
    store: SqliteEventStore,
    views: Arc<SqliteReadStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    passwords: Arc<dyn PasswordHasher>,
    // Last, so that another server can have the folder only when the files are closed.
    folder: DataFolder,
}

impl LocalDesk {
    /// The desk of the one server that holds the folder's lock; `issuer` is the URL of its own issuer.
    ///
    /// Views that cannot be used, or have seen more than the event store holds (an older one was put back), are thrown
    /// away: they are built anew from the event store.
    ///
    /// # Errors
    /// See [`LocalDeskError`].
    pub async fn open(config: Config, folder: DataFolder, issuer: String) -> Result<Self, LocalDeskError> {
        let secret = folder.secret(&RandomIds)?;
        let store = open_store(&folder)?;
        let path = folder.views_db();
        let views = match prepared_views(&path).await {
            Err(error) if error.asks_for_rebuild() => {
                warn!(error = &error as &dyn std::error::Error, "the views are built anew");
                rebuilt_views(&path).await?
            }
            other => other?,
        };
        let (seen, newest) = (furthest(&views).await?, *store.newest().borrow());
        let views = if seen <= newest {
            views
        } else if newest == Position::default() {
            return Err(LocalDeskError::StoreLost { store: folder.store_db(), seen: seen.0 });
        } else {
            warn!(
                seen = seen.0,
                newest = newest.0,
                "the views are built anew: they have seen more than the store holds"
            );
            drop(views);
            rebuilt_views(&path).await?
        };
        Self::assemble(config, folder, issuer, secret, store, views)
    }

    /// The desk of a function that works on an existing folder, with or without a server beside it.
    ///
    /// # Errors
    /// See [`LocalDeskError`].
    pub fn open_beside_server(config: Config) -> Result<Self, LocalDeskError> {
        let folder = DataFolder::open_beside_server(&config.data)?;
        let issuer = config.issuer_url(config.listen);
        let views = open_views(&folder.views_db())?;
        let secret = folder.secret(&RandomIds)?;
        let store = open_store(&folder)?;
        Self::assemble(config, folder, issuer, secret, store, views)
    }

    fn assemble(
        config: Config,
        folder: DataFolder,
        issuer: String,
        secret: DeploymentSecret,
        store: SqliteEventStore,
        views: SqliteReadStore,
    ) -> Result<Self, LocalDeskError> {
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let cost = HashCost {
            memory_kib: config.passwords.argon2_memory_kib,
            iterations: config.passwords.argon2_iterations,
            lanes: config.passwords.argon2_lanes,
        };
        let passwords = Arc::new(Argon2PasswordHasher::new(cost, Arc::clone(&ids))?);
        let clock = Arc::new(SystemClock);
        Ok(Self { config, issuer, secret, store, views: Arc::new(views), clock, ids, passwords, folder })
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tells the time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Makes ids.
    pub fn ids(&self) -> Arc<dyn Ids> {
        Arc::clone(&self.ids)
    }

    /// The read models.
    pub fn views(&self) -> Arc<dyn ReadStore> {
        self.views.clone()
    }

    fn store(&self) -> Arc<dyn EventStore> {
        Arc::new(self.store.clone())
    }

    /// What commands stand on.
    pub fn commands(&self) -> Arc<Commands> {
        Arc::new(Commands {
            store: self.store(),
            publisher: Arc::new(LocalPublisher),
            clock: self.clock(),
            ids: self.ids(),
            credentials: Arc::new(self.store.credentials()),
            passwords: Arc::clone(&self.passwords),
            reservations: self.secret.digester("reservations"),
            rules: Arc::new(self.config.directory.clone()),
        })
    }

    /// What queries stand on.
    pub fn queries(&self) -> Arc<Queries> {
        Arc::new(Queries {
            views: self.views(),
            store: self.store(),
            clock: self.clock(),
            cursors: self.secret.digester("cursors"),
            reservations: self.secret.digester("reservations"),
            waiters: Waiters::new(WAITERS),
            known_tickets: KnownTickets::default(),
        })
    }

    /// The built-in issuer's keys; the first call on a folder makes one, which takes a moment.
    ///
    /// # Errors
    /// `Keys`.
    pub fn keys(&self) -> Result<Arc<IssuerKeys>, LocalDeskError> {
        Ok(Arc::new(IssuerKeys::open(&self.folder.keys())?))
    }

    /// The built-in issuer.
    pub fn identity(&self, keys: &Arc<IssuerKeys>) -> Arc<Identity> {
        Arc::new(Identity {
            store: self.store(),
            credentials: Arc::new(self.store.credentials()),
            passwords: Arc::clone(&self.passwords),
            issuer: Arc::new(RsaTokenIssuer::new(self.issuer.clone(), Arc::clone(keys))),
            clock: self.clock(),
            ids: self.ids(),
            reservations: self.secret.digester("reservations"),
            access: Arc::new(self.config.policy.matrix.clone()),
            logins: LoginLimiter::new(self.config.limits.login_failures_per_minute),
            token_minutes: self.config.builtin_issuer.token_minutes,
            audience: self.config.builtin_issuer.audience.clone(),
        })
    }

    /// Believes the built-in issuer.
    pub fn authorizer(&self, keys: Arc<IssuerKeys>) -> Authorizer {
        let audiences = vec![self.config.builtin_issuer.audience.clone()];
        Authorizer::new(Trust { issuer: self.issuer.clone(), audiences }, keys, self.clock())
    }

    /// What every function stands on; commands, queries and identity are for whoever needs them to add.
    pub fn services(&self) -> Services {
        let issuer = TrustedIssuer { issuer: self.issuer.clone(), roles: RoleSource::Directory };
        let views = Arc::clone(&self.views);
        let check = move || {
            let views = Arc::clone(&views);
            let ready: std::pin::Pin<Box<dyn Future<Output = bool> + Send>> =
                Box::pin(async move { views.generation(&TICKETS).await.is_ok() });
            ready
        };
        Services {
            commands: None,
            queries: None,
            identity: None,
            callers: CallerResolver { store: self.store(), issuers: vec![issuer] },
            access: Arc::new(self.config.policy.matrix.clone()),
            idempotency: self.secret.digester("idempotency"),
            probes: vec![Probe { name: "read_models", check: Box::new(check) }],
            settings: Settings { base_path: self.config.base_path.clone() },
        }
    }

    /// Projects tickets and messages.
    pub fn ticket_projector(&self) -> Projector {
        self.projector(Arc::new(TicketsProjection))
    }

    /// Projects what happened.
    pub fn history_projector(&self) -> Projector {
        self.projector(Arc::new(HistoryProjection))
    }

    /// Projects users and employees.
    pub fn directory_projector(&self) -> Projector {
        self.projector(Arc::new(DirectoryProjection))
    }

    fn projector(&self, projection: Arc<dyn Projection>) -> Projector {
        Projector::new(projection, self.store(), self.views())
    }

    /// The queue of a projector, where it left off.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn queue(&self, projector: &Projector) -> Result<LocalQueue, QueueError> {
        let interests: Vec<_> = SUBJECTS.into_iter().filter(|subject| projector.takes(subject)).collect();
        // Whoever wants all of these wants everything, the kinds that have no name here too.
        let interests = if interests.len() == SUBJECTS.len() { Vec::new() } else { interests };
        let interests = interests.into_iter().map(str::to_owned).collect();
        let consumer = Consumer { name: projector.name().to_owned(), interests };
        let log: Arc<dyn CommitLog> = Arc::new(self.store.clone());
        LocalQueue::open(consumer, log, self.views(), self.clock(), LocalQueueOptions::default()).await
    }
}

fn open_store(folder: &DataFolder) -> Result<SqliteEventStore, OpenError> {
    SqliteEventStore::open(folder.store_db(), StoreOptions::default())
}

fn open_views(path: &Path) -> Result<SqliteReadStore, ViewsError> {
    SqliteReadStore::open(path, &ViewsOptions::default())
}

async fn prepared_views(path: &Path) -> Result<SqliteReadStore, LocalDeskError> {
    let views = open_views(path)?;
    views.prepare(&VIEWS).await?;
    Ok(views)
}

async fn rebuilt_views(path: &Path) -> Result<SqliteReadStore, LocalDeskError> {
    remove_views(path).map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
    prepared_views(path).await
}

/// The furthest that any projector has come.
async fn furthest(views: &SqliteReadStore) -> Result<Position, ReadStoreError> {
    let projections: [&dyn Projection; 3] = [&TicketsProjection, &HistoryProjection, &DirectoryProjection];
    let mut furthest = Position::default();
    for projection in projections {
        furthest = furthest.max(views.consumer(projection.name()).await?.cursor);
    }
    Ok(furthest)
}

#[cfg(test)]
mod tests {
    use eventdesk_app::ports::{Field, FieldKind, Progress, ViewSpec};

    use super::*;

    fn config(data: &Path) -> Config {
        let data = data.to_str().unwrap().to_owned();
        Config::read("listen = \"127.0.0.1:0\"", [("EVENTDESK_DATA".to_owned(), Some(data))]).unwrap()
    }

    async fn open(config: &Config) -> Result<LocalDesk, LocalDeskError> {
        LocalDesk::open(config.clone(), DataFolder::open(&config.data)?, "http://127.0.0.1".to_owned()).await
    }

    #[tokio::test]
    async fn views_that_cannot_be_used_are_built_anew() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder.path().join("data"));
        drop(open(&config).await.unwrap());
        std::fs::write(config.data.join("views.db"), "no database".repeat(1_000)).unwrap();
        assert_eq!(open(&config).await.unwrap().views().generation(&TICKETS).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn views_of_another_shape_are_built_anew() {
        static OLD_TICKETS: ViewSpec = ViewSpec {
            name: TICKETS.name,
            shape: 0,
            fields: &[Field { name: "old", kind: FieldKind::Int }],
            indexes: &[],
        };
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder.path().join("data"));
        let data = DataFolder::open(&config.data).unwrap();
        open_views(&data.views_db()).unwrap().prepare(&[&OLD_TICKETS]).await.unwrap();
        drop(data);
        let desk = open(&config).await.unwrap();
        assert_eq!(desk.views().get(&TICKETS, &["none"]).await.unwrap(), [None]);
    }

    /// As if the ticket projector had worked through so many commits.
    async fn pretend_seen(desk: &LocalDesk, seen: u64) {
        let consumer = desk.ticket_projector().name().to_owned();
        let (cursor, none) = (Position(seen), Vec::new());
        let progress = Progress { consumer, cursor, retries: Vec::new(), dead: Vec::new(), cleared: none };
        desk.views().apply(Vec::new(), Some(progress)).await.unwrap();
    }

    #[tokio::test]
    async fn a_store_that_lost_everything_is_not_begun_anew_under_its_views() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder.path().join("data"));
        pretend_seen(&open(&config).await.unwrap(), 7).await;
        let refused = open(&config).await.err().unwrap();
        assert!(matches!(refused, LocalDeskError::StoreLost { seen: 7, .. }), "{refused}");
    }

    #[tokio::test]
    async fn views_that_have_seen_more_than_an_older_store_holds_are_built_anew() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder.path().join("data"));
        let desk = open(&config).await.unwrap();
        eventdesk_app::identity::bootstrap(&desk.commands(), Some("passWord@1")).await.unwrap();
        pretend_seen(&desk, 7).await;
        drop(desk);
        let desk = open(&config).await.unwrap();
        assert_eq!(desk.queue(&desk.ticket_projector()).await.unwrap().cursor().0, 0);
    }

    #[tokio::test]
    async fn each_projector_has_a_queue_of_its_own_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let desk = open(&config(&folder.path().join("data"))).await.unwrap();
        let projectors = [desk.ticket_projector(), desk.history_projector(), desk.directory_projector()];
        let names: std::collections::BTreeSet<_> = projectors.iter().map(Projector::name).collect();
        assert_eq!(names.len(), projectors.len());
        for projector in &projectors {
            assert_eq!(desk.queue(projector).await.unwrap().cursor().0, 0);
        }
    }

    #[tokio::test]
    async fn a_function_needs_a_folder_that_a_server_made() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder.path().join("data"));
        let missing = LocalDesk::open_beside_server(config.clone()).err().unwrap();
        assert!(missing.to_string().contains("data"), "{missing}");
        let server = open(&config).await.unwrap();
        assert!(matches!(open(&config).await, Err(LocalDeskError::Folder(FolderError::InUse(_)))));
        assert!(LocalDesk::open_beside_server(config).is_ok());
        drop(server);
    }
}
