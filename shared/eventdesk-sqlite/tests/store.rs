//! The event store on SQLite keeps its contracts, and survives what happens to files.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use eventdesk_app::ports::{
    Append, AppendError, Clients, CommitLog, CommitScan, Credential, Credentials, EventStore, ImportStore, Position,
    PrivateParts, RecordedEvent, Revocations, Sessions,
};
use eventdesk_contract::{
    clients, credentials,
    event_store::{
        self,
        samples::{append, commit, content, event, fill, head, name, ticket},
    },
    revocations, sessions,
};
use eventdesk_events::{Timestamp, UserId, Version};
use eventdesk_sqlite::{OpenError, SqliteEventStore, StoreOptions};
use futures_util::FutureExt;
use tempfile::TempDir;

/// Store files of one test, deleted with it.
struct Files {
    folder: TempDir,
    made: AtomicU32,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), made: AtomicU32::new(0) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn fresh(&self) -> SqliteEventStore {
        open(self.path(&format!("{}.db", self.made.fetch_add(1, Ordering::Relaxed))))
    }
}

fn open(path: PathBuf) -> SqliteEventStore {
    SqliteEventStore::open(path, StoreOptions::default()).expect("the store opens")
}

/// Gives up soon on a locked file.
fn impatient(path: PathBuf) -> SqliteEventStore {
    let options = StoreOptions { busy_timeout: Duration::from_millis(100), group: 4 };
    SqliteEventStore::open(path, options).expect("the store opens")
}

fn credential() -> Credential {
    Credential { hash: "$argon2id$sample".to_owned(), set_at: Timestamp::from_millis(5) }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_event_store() {
    let files = Files::new();
    event_store::run_all(|| async { Arc::new(files.fresh()) as Arc<dyn EventStore> }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_commit_log() {
    let files = Files::new();
    event_store::run_log(|| async {
        let store = Arc::new(files.fresh());
        (Arc::clone(&store) as Arc<dyn EventStore>, store as Arc<dyn CommitLog>)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_scan() {
    let files = Files::new();
    event_store::run_scan(|| async {
        let store = Arc::new(files.fresh());
        (Arc::clone(&store) as Arc<dyn EventStore>, store as Arc<dyn CommitScan>)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_upkeep() {
    let files = Files::new();
    event_store::run_upkeep(|| async {
        let store = Arc::new(files.fresh());
        (Arc::clone(&store) as Arc<dyn ImportStore>, store as Arc<dyn PrivateParts>)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_credentials() {
    let files = Files::new();
    credentials::run_all(|| async { Arc::new(files.fresh().credentials()) as Arc<dyn Credentials> }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contracts_of_service_accounts_sessions_and_revocations() {
    let files = Files::new();
    clients::run_all(|| async { Arc::new(files.fresh().clients()) as Arc<dyn Clients> }).await;
    sessions::run_all(|| async { Arc::new(files.fresh().sessions()) as Arc<dyn Sessions> }).await;
    revocations::run_all(|| async { Arc::new(files.fresh().revocations()) as Arc<dyn Revocations> }).await;
}

#[tokio::test]
async fn a_store_opened_again_has_everything() {
    let files = Files::new();
    let user = UserId::from_uuid(event_store::samples::uuid(1));
    let written;
    let newest;
    let number;
    {
        let store = open(files.path("store.db"));
        written = fill(&store, ticket(1), 3).await;
        number = store.next_ticket_number().await.unwrap() + 41;
        let claims = vec![(name(1), ticket(2))];
        let opened = Append { claims, ticket_number: Some(number), ..append(vec![commit(ticket(2), 1)]) };
        store.append(opened).await.unwrap();
        assert!(store.credentials().create(user, credential()).await.unwrap());
        newest = *store.newest().borrow();
    }
    let store = open(files.path("store.db"));
    let found = store.read(ticket(1), Version::FIRST, 10).await.unwrap();
    assert_eq!(found.iter().map(content).collect::<Vec<_>>(), written.iter().map(content).collect::<Vec<_>>());
    assert_eq!(store.holder(name(1)).await.unwrap(), Some(ticket(2)));
    assert_eq!(store.next_ticket_number().await.unwrap(), number + 1);
    assert_eq!(store.credentials().get(user).await.unwrap().unwrap().hash, credential().hash);
    assert_eq!(*store.newest().borrow(), newest);
    fill(&store, ticket(3), 1).await;
    assert!(*store.newest().borrow() > newest);
}

#[tokio::test]
async fn what_was_answered_is_in_the_files_at_that_moment() {
    let files = Files::new();
    let store = open(files.path("store.db"));
    for round in 1..=5 {
        fill(&store, ticket(round), 4).await;
        // What a killed process leaves: the files as they are, without the shared memory.
        let copy = files.path(&format!("killed-{round}.db"));
        std::fs::copy(files.path("store.db"), &copy).unwrap();
        std::fs::copy(files.path("store.db-wal"), files.path(&format!("killed-{round}.db-wal"))).unwrap();
        let killed = open(copy);
        for stream in 1..=round {
            assert_eq!(head(&killed, ticket(stream)).await, 4);
        }
        assert_eq!(*killed.newest().borrow(), Position(round * 4));
    }
}

#[tokio::test]
async fn dropping_the_store_finishes_what_it_accepted() {
    let files = Files::new();
    let store = open(files.path("store.db"));
    for stream in 1..=20 {
        // Polled once, the append is in the queue; then its caller goes away.
        let _ = store.append(append(vec![commit(ticket(stream), 1)])).now_or_never();
    }
    drop(store);
    let store = open(files.path("store.db"));
    for stream in 1..=20 {
        assert_eq!(head(&store, ticket(stream)).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_unavailable_in_bounded_time_and_recovers() {
    let files = Files::new();
    let store = Arc::new(impatient(files.path("store.db")));
    fill(&*store, ticket(1), 1).await;
    let other = rusqlite::Connection::open(files.path("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let began = Instant::now();
    let writers: Vec<_> = (0..30)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.append(append(vec![commit(ticket(1), 2)])).await })
        })
        .collect();
    for writer in writers {
        let refused = writer.await.unwrap();
        assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    }
    let user = UserId::from_uuid(event_store::samples::uuid(1));
    assert!(store.credentials().set(user, credential()).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(head(&*store, ticket(1)).await, 1, "reads go on");

    other.execute_batch("ROLLBACK").unwrap();
    store.append(append(vec![commit(ticket(1), 2)])).await.unwrap();
    assert_eq!(head(&*store, ticket(1)).await, 2);
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_recovers_when_there_is_room() {
    let files = Files::new();
    let store = open(files.path("store.db"));
    fill(&store, ticket(1), 3).await;
    // Less than the file has already: nothing more fits.
    store.limit_pages(1).await.unwrap();
    let mut large = commit(ticket(2), 1);
    large.events = vec![event(&format!("\"{}\"", "x".repeat(20_000)), None)];
    for _ in 0..3 {
        let both = append(vec![commit(ticket(1), 4), large.clone()]);
        let refused = store.append(both).await;
        assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
        assert_eq!((head(&store, ticket(1)).await, head(&store, ticket(2)).await), (3, 0));
    }
    assert_eq!(store.read_after(Position(0), 10).await.unwrap().len(), 3);

    store.limit_pages(1_000_000).await.unwrap();
    store.append(append(vec![commit(ticket(1), 4), large])).await.unwrap();
    assert_eq!((head(&store, ticket(1)).await, head(&store, ticket(2)).await), (4, 1));
}

#[tokio::test]
async fn a_file_of_a_newer_build_is_refused_and_left_alone() {
    let files = Files::new();
    drop(open(files.path("store.db")));
    let other = rusqlite::Connection::open(files.path("store.db")).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    let refused = SqliteEventStore::open(files.path("store.db"), StoreOptions::default()).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("store.db has schema version 99") && text.contains("newer build"), "{text}");
    let version: u32 = other.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let files = Files::new();
    std::fs::write(files.path("store.db"), "certainly not a database, whatever its name says ".repeat(100)).unwrap();
    let refused = SqliteEventStore::open(files.path("store.db"), StoreOptions::default()).err().unwrap();
    assert!(matches!(refused, OpenError::File { .. }), "{refused:?}");
}

#[tokio::test]
async fn private_text_stands_in_its_own_column() {
    let files = Files::new();
    let store = open(files.path("store.db"));
    let mut mixed = commit(ticket(1), 1);
    mixed.events = vec![event("{}", None), event("{}", Some(r#"{"text":"confidential"}"#))];
    let mut public = commit(ticket(2), 1);
    public.events = vec![RecordedEvent { private: None, ..event("{}", None) }];
    store.append(append(vec![mixed, public])).await.unwrap();

    let other = rusqlite::Connection::open(files.path("store.db")).unwrap();
    let columns = other
        .prepare("SELECT events, private, state FROM commits ORDER BY position")
        .unwrap()
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, String>(2)?)))
        .unwrap()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    assert_eq!(columns[0].1.as_deref(), Some(r#"{"1":{"text":"confidential"}}"#));
    assert_eq!(columns[1].1, None);
    assert!(
        columns.iter().all(|(events, _, state)| !events.contains("confidential") && !state.contains("confidential"))
    );
}
