//! Writes and reads of a view on MongoDB: a second, and how long one takes.
//!
//! The view is the desk's own of tickets, on the server that `EVENTDESK_TEST_MONGODB_URI` names; its database is made
//! for the bench and dropped after it. FerretDB filters by reading every document, so its pages and counts tell of
//! FerretDB and grow with `DOCUMENTS`; only its writes and reads by id are worth a look.
#![expect(clippy::print_stdout, reason = "printing figures is what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "rates are rounded")]

use std::{
    env,
    time::{Duration, Instant},
};

use eventdesk_app::{
    ports::{Document, Filter, Put, ReadStore, Select, Sort, Value},
    projections::TICKETS,
};
use eventdesk_mongo::{MongoOptions, MongoReadStore};
use futures_util::future::join_all;
use mongodb::Client;

const DOCUMENTS: u64 = 1_000;
const ROUND: Duration = Duration::from_millis(1_500);
const DATABASE: &str = "eventdesk_bench";

fn ticket(number: u64, revision: u64) -> Put {
    let of = |text: &str| Value::Text(text.to_owned());
    let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let fields = vec![
        int(number),
        of(["new", "open", "pending", "solved"][usize::try_from((number + revision) % 4).unwrap_or(0)]),
        int(number % 4),
        Value::Null,
        of(&format!("requester-{}", number % 50)),
        of("opener"),
        int(1_700_000_000_000 + number),
        int(1_700_000_000_000 + number * 7 % 1_000 + revision),
        Value::Int(i64::MAX),
        Value::Int(i64::MAX),
        Value::Set(vec!["printer".to_owned()]),
    ];
    let id = format!("{:08x}-ac96-774b-bcce-b302099a8057", number.wrapping_mul(2_654_435_761) & 0xffff_ffff);
    let document = Document { id, version: revision, revision, deleted: false, fields, body: "x".repeat(1_000) };
    Put { view: &TICKETS, document }
}

fn tell(name: &str, done: u64, took: Duration) {
    let (rate, each) = (done as f64 / took.as_secs_f64(), took.as_secs_f64() * 1e3 / done as f64);
    println!("{name:<40} {rate:>10.0} {each:>10.2}");
}

/// Repeats some work for a while; it tells how much it did.
async fn round(name: &str, mut work: impl AsyncFnMut(u64) -> u64) {
    let (began, mut done, mut turn) = (Instant::now(), 0, 0);
    while began.elapsed() < ROUND {
        done += work(turn).await;
        turn += 1;
    }
    tell(name, done, began.elapsed());
}

#[tokio::main]
async fn main() {
    // `cargo test` starts benches, too.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    let uri = env::var("EVENTDESK_TEST_MONGODB_URI")
        .expect("EVENTDESK_TEST_MONGODB_URI names no server: start it with tests/services/mongodb");
    let client = Client::with_uri_str(uri).await.expect("the URI is one");
    client.database(DATABASE).drop().await.expect("an earlier bench's database is dropped");
    let store = MongoReadStore::over(&client, DATABASE, &MongoOptions::default());
    store.prepare(&[&TICKETS]).await.expect("the view is prepared");
    println!("{:<40} {:>10} {:>10}", "", "per second", "ms");
    writes(&store).await;
    reads(&store).await;
    client.database(DATABASE).drop().await.expect("the bench's database is dropped");
}

async fn writes(store: &MongoReadStore) {
    let began = Instant::now();
    for first in (0..DOCUMENTS).step_by(100) {
        store.apply((first..first + 100).map(|n| ticket(n, 1)).collect(), None).await.expect("first writes are stored");
    }
    tell("first writes, by 100", DOCUMENTS, began.elapsed());
    let mut last = vec![1; usize::try_from(DOCUMENTS).unwrap_or(0)];
    let mut change = |n: u64| {
        let revision = &mut last[usize::try_from(n % DOCUMENTS).unwrap_or(0)];
        *revision += 1;
        ticket(n % DOCUMENTS, *revision)
    };
    round("changes, by 1", async |turn| {
        store.apply(vec![change(turn * 7)], None).await.expect("a change is stored");
        1
    })
    .await;
    round("changes, by 10", async |turn| {
        let batch = (0..10).map(|n| change(turn * 70 + n * 7)).collect();
        store.apply(batch, None).await.expect("changes are stored");
        10
    })
    .await;
    round("changes, by 1 in 8 at once", async |turn| {
        let batch = (0..8).map(|n| store.apply(vec![change(turn * 56 + n * 7)], None)).collect::<Vec<_>>();
        join_all(batch).await.into_iter().for_each(|stored| stored.expect("changes are stored"));
        8
    })
    .await;
}

async fn reads(store: &MongoReadStore) {
    let ids: Vec<_> = (0..50).map(|n| ticket(n, 1).document.id).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let sort = Sort { field: "updated_at", descending: true };
    let first = Select { view: &TICKETS, filters: Vec::new(), sort, after: None, limit: 50 };
    let filters = vec![Filter::Equal("status", Value::Text("open".to_owned()))];
    let page = store.select(&first).await.expect("a page is read");
    let place = page.last().map(|hit| (hit.place.clone(), hit.id.clone()));
    let later = Select { after: place, filters: filters.clone(), ..first.clone() };
    let statuses = ["new", "open", "pending", "solved"].map(str::to_owned);
    round("read by id", async |turn| {
        let id = ids[usize::try_from(turn % 50).unwrap_or(0)];
        store.get(&TICKETS, &[id]).await.map(|_| 1).expect("a document is read")
    })
    .await;
    round("read of 50 by id", async |_| store.glance(&TICKETS, &ids).await.map(|_| 1).expect("documents are read"))
        .await;
    round("first page of 50", async |_| store.select(&first).await.map(|_| 1).expect("a page is read")).await;
    round("later page of 50, filtered", async |_| store.select(&later).await.map(|_| 1).expect("a page is read")).await;
    round("count, filtered", async |_| store.count(&TICKETS, &filters).await.map(|_| 1).expect("it is counted")).await;
    round("counts of four values", async |_| {
        store.count_each(&TICKETS, "status", &statuses, &[]).await.map(|_| 1).expect("they are counted")
    })
    .await;
}
