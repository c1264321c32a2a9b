//! The server under test, with databases that go when their test ends.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use eventdesk_app::ports::{Document, Put, ReadStore, ViewSpec};
use eventdesk_contract::read_store::THINGS;
use eventdesk_mongo::{MongoOptions, MongoReadStore};
use futures_util::FutureExt;
use mongodb::{
    Client, Database,
    event::{EventHandler, command::CommandEvent},
    options::ClientOptions,
};

/// Where the server is.
pub(crate) fn uri() -> String {
    env::var("EVENTDESK_TEST_MONGODB_URI")
        .expect("EVENTDESK_TEST_MONGODB_URI names no server: start it with tests/services/mongodb")
}

/// Follows a moved alias at once, and does not wait long for a server that is away.
pub(crate) fn options() -> MongoOptions {
    MongoOptions {
        alias_age: Duration::ZERO,
        selection: Duration::from_millis(500),
        operation: Duration::from_secs(5),
        ..MongoOptions::default()
    }
}

/// Databases of one test.
pub(crate) struct Databases {
    client: Client,
    commands: Arc<AtomicUsize>,
    prefix: String,
    made: AtomicUsize,
}

/// Runs a test, and drops its databases whether it fails or not.
pub(crate) async fn with_databases(test: impl AsyncFnOnce(&Databases)) {
    let commands = Arc::new(AtomicUsize::new(0));
    let mut client = ClientOptions::parse(uri()).await.expect("the URI is one");
    let counter = Arc::clone(&commands);
    client.command_event_handler = Some(EventHandler::callback(move |event| {
        if matches!(event, CommandEvent::Started(_)) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }));
    let databases = Databases {
        client: Client::with_options(client).expect("the options fit"),
        commands,
        prefix: format!("eventdesk_test_{:016x}", RandomState::new().hash_one(())),
        made: AtomicUsize::new(0),
    };
    let result = AssertUnwindSafe(test(&databases)).catch_unwind().await;
    for number in 1..=databases.made.load(Ordering::SeqCst) {
        let dropped = databases.client.database(&format!("{}_{number}", databases.prefix)).drop().await;
        dropped.expect("a test's database is dropped");
    }
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

impl Databases {
    /// The name of a database that nobody else uses.
    pub(crate) fn name(&self) -> String {
        format!("{}_{}", self.prefix, self.made.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// An empty store.
    pub(crate) fn store(&self) -> MongoReadStore {
        self.store_on(&self.name(), &options())
    }

    /// A store on a database, which others may use too.
    pub(crate) fn store_on(&self, name: &str, options: &MongoOptions) -> MongoReadStore {
        MongoReadStore::over(&self.client, name, options)
    }

    /// The database itself, behind the store's back.
    pub(crate) fn database(&self, name: &str) -> Database {
        self.client.database(name)
    }

    /// How many commands the work sends to the server.
    pub(crate) async fn commands<T>(&self, work: impl Future<Output = T>) -> (T, usize) {
        let before = self.commands.load(Ordering::SeqCst);
        let done = work.await;
        (done, self.commands.load(Ordering::SeqCst) - before)
    }
}

/// The URI of a database behind another address.
pub(crate) fn uri_at(address: impl std::fmt::Display, database: &str) -> String {
    format!("mongodb://{address}/{database}?directConnection=true")
}

/// A store with the suite's view.
pub(crate) async fn prepared(store: MongoReadStore) -> MongoReadStore {
    store.prepare(&[&THINGS]).await.expect("the view is prepared");
    store
}

pub(crate) fn put(document: Document) -> Put {
    put_in(&THINGS, document)
}

pub(crate) fn put_in(view: &'static ViewSpec, document: Document) -> Put {
    Put { view, document }
}
