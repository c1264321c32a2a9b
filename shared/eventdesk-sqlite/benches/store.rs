//! Appends a second of the store alone, beside the same rows written by bare SQLite in groups of the same size.
//!
//! Rounds of both are interleaved, with the rate of bare disk syncs between them, because a shared disk's rate moves
//! within minutes: the ratio is the result. Prints a table and one line of JSON.
#![expect(clippy::print_stdout, reason = "printing figures is what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "rates are rounded to whole numbers")]

use std::{
    borrow::Cow,
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eventdesk_app::ports::{Append, Commit, EventStore, RecordedEvent, StoredState};
use eventdesk_events::{Actor, ActorKind, CommitId, StreamId, TicketId, Timestamp, Version};
use eventdesk_sqlite::{SqliteEventStore, StoreOptions};
use rusqlite::Connection;
use serde_json::value::RawValue;
use uuid::Uuid;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(800);
const DATA: &str = r#"{"number":123456,"requester_id":"01890a5d-ac96-774b-bcce-b302099a8057","priority":"normal","type":"incident","tags":["printer","third-floor"],"source":"web"}"#;
const PRIVATE: &str = r#"{"title":"The printer on the third floor is on fire","description":"It began this morning, when somebody asked it for forty copies of the fire regulations. Please send help."}"#;
const STATE: &str = r#"{"phase":"open","status":"new","priority":"normal","type":"incident","number":123456,"requester_id":"01890a5d-ac96-774b-bcce-b302099a8057","tags":["printer","third-floor"],"title":{"version":1,"digest":"dGhpcyBpcyBhIGRpZ2VzdA"},"description":{"version":1,"digest":"dGhpcyBpcyBhIGRpZ2VzdA"},"keys":[]}"#;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder is writable");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    println!("writers   store/s     raw/s   ratio   syncs/s");
    let mut results = Vec::new();
    for writers in [1, 16, 64, 256] {
        let mut rounds = Vec::new();
        let store_path = folder.path().join(format!("store-{writers}.db"));
        let raw_path = folder.path().join(format!("raw-{writers}.db"));
        let store = Arc::new(SqliteEventStore::open(store_path, StoreOptions::default()).expect("the store opens"));
        let raw = open_raw(&raw_path);
        for _ in 0..ROUNDS {
            let syncs = sync_rate(folder.path());
            let stored = runtime.block_on(store_rate(&store, writers));
            let rate = raw_rate(&raw, writers);
            rounds.push([stored, rate, stored / rate, syncs]);
        }
        let [stored, rate, ratio, syncs] = [0, 1, 2, 3].map(|column| median(&rounds, column));
        println!("{writers:>7} {stored:>9.0} {rate:>9.0} {ratio:>7.2} {syncs:>9.0}");
        results.push(serde_json::json!({
            "writers": writers, "store_per_s": stored.round(), "raw_per_s": rate.round(),
            "ratio": (ratio * 100.0).round() / 100.0, "syncs_per_s": syncs.round(),
        }));
    }
    println!("{}", serde_json::json!({ "bench": "store", "rounds": ROUNDS, "results": results }));
}

fn median(rounds: &[[f64; 4]], column: usize) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(|round| round[column]).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A number that grows, as the time in a UUIDv7 does.
fn number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn uuid(number: u64) -> Uuid {
    // The multiplication stands for the random half.
    let random = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2);
    Uuid::from_u128((u128::from(number) << 80) | (0x7 << 76) | (0x2 << 62) | random)
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("the samples are JSON")
}

/// A commit of a new stream; its texts are copied from `sample`, as cheaply as bare SQLite borrows them.
fn commit(sample: &Commit) -> Commit {
    let number = number();
    Commit {
        stream: StreamId::Ticket(TicketId::from_uuid(uuid(number))),
        id: CommitId::from_uuid(uuid(number)),
        correlation_id: uuid(number),
        ..sample.clone()
    }
}

fn sample() -> Commit {
    let number = number();
    Commit {
        stream: StreamId::Ticket(TicketId::from_uuid(uuid(number))),
        version: Version::FIRST,
        id: CommitId::from_uuid(uuid(number)),
        at: Timestamp::from_millis(1_700_000_000_000),
        actor: Actor { id: uuid(1).to_string(), kind: ActorKind::User },
        correlation_id: uuid(number),
        causation_id: None,
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        events: vec![RecordedEvent {
            event_type: Cow::Borrowed("ticket.opened"),
            schema_version: 1,
            data: json(DATA),
            private: Some(json(PRIVATE)),
        }],
        state: StoredState { version: 1, json: json(STATE) },
    }
}

/// Appends a second with this many tasks, each waiting for its answer before its next append.
async fn store_rate(store: &Arc<SqliteEventStore>, writers: usize) -> f64 {
    let began = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let store = Arc::clone(store);
            let sample = sample();
            tokio::spawn(async move {
                let mut appended = 0_u64;
                while began.elapsed() < ROUND {
                    let append = Append { commits: vec![commit(&sample)], ..Append::default() };
                    store.append(append).await.expect("the stream is new");
                    appended += 1;
                }
                appended
            })
        })
        .collect();
    let mut appended = 0;
    for task in tasks {
        appended += task.await.expect("writers do not panic");
    }
    appended as f64 / began.elapsed().as_secs_f64()
}

/// The same file as the store's, without its code in between.
fn open_raw(path: &Path) -> Connection {
    drop(SqliteEventStore::open(path, StoreOptions::default()).expect("the store makes its tables"));
    let conn = Connection::open(path).expect("the file opens");
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -8192;
         PRAGMA wal_autocheckpoint = 4000;",
    )
    .expect("the pragmas are known");
    conn
}

/// Rows a second in transactions of `group` rows, from texts that are ready.
fn raw_rate(conn: &Connection, group: usize) -> f64 {
    let events = format!(r#"[{{"type":"ticket.opened","schema":1,"data":{DATA}}}]"#);
    let private = format!(r#"{{"0":{PRIVATE}}}"#);
    let actor = uuid(1).to_string();
    let began = Instant::now();
    let mut written = 0;
    while began.elapsed() < ROUND {
        conn.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        for _ in 0..group {
            let id = uuid(number());
            let mut stream = vec![1];
            stream.extend_from_slice(id.as_bytes());
            conn.prepare_cached(
                "INSERT INTO commits (stream, version, id, at, actor_kind, actor, correlation, causation, trace,
                                      events, private, state_version, state)
                 VALUES (?1, 1, ?2, 1700000000000, 0, ?3, ?2, NULL, '4bf92f3577b34da6a3ce929d0e0e4736', ?4, ?5, 1, ?6)",
            )
            .and_then(|mut insert| insert.execute((stream, id, &actor, &events, &private, STATE)))
            .expect("the stream is new");
        }
        conn.execute_batch("COMMIT").expect("the disk has room");
        written += group;
    }
    written as f64 / began.elapsed().as_secs_f64()
}

/// Writes of one page a second, each brought to the disk.
fn sync_rate(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("syncs")).expect("the folder is writable");
    let page = [7; 4096];
    let began = Instant::now();
    let mut syncs = 0;
    while began.elapsed() < Duration::from_millis(300) {
        file.write_all(&page).and_then(|()| file.sync_data()).expect("the disk has room");
        syncs += 1;
    }
    f64::from(syncs) / began.elapsed().as_secs_f64()
}
