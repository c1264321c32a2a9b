//! Writes and reads of the views' file: documents a second in batches, by id, and by pages.
//!
//! A document is as large as a ticket's, with about as many indexes. Prints a table and one line of JSON.
#![expect(clippy::print_stdout, reason = "printing figures is what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "rates are rounded to whole numbers")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use eventdesk_app::ports::{Document, Field, FieldKind, Filter, Index, Put, ReadStore, Select, Sort, Value, ViewSpec};
use eventdesk_sqlite::{SqliteReadStore, ViewsOptions};

const DOCUMENTS: i64 = 10_000;
const ROUND: Duration = Duration::from_millis(1500);
const STATUSES: [&str; 4] = ["new", "open", "pending", "closed"];

const fn text(name: &'static str) -> Field {
    Field { name, kind: FieldKind::Text }
}

const fn int(name: &'static str) -> Field {
    Field { name, kind: FieldKind::Int }
}

const fn index(fields: &'static [&'static str]) -> Index {
    Index { fields, unique: false }
}

static TICKETS: ViewSpec = ViewSpec {
    name: "tickets",
    shape: 1,
    fields: &[
        text("status"),
        text("priority"),
        text("assignee"),
        text("requester"),
        text("opened_by"),
        int("created_at"),
        int("updated_at"),
        int("due_at"),
        int("number"),
        Field { name: "tags", kind: FieldKind::Set },
    ],
    indexes: &[
        index(&["created_at"]),
        index(&["updated_at"]),
        index(&["due_at"]),
        index(&["number"]),
        index(&["status", "created_at"]),
        index(&["status", "updated_at"]),
        index(&["assignee", "updated_at"]),
        index(&["requester", "updated_at"]),
        index(&["opened_by", "updated_at"]),
        index(&["priority", "updated_at"]),
    ],
};

fn id(number: i64) -> String {
    // Spread over the index as ids of different milliseconds are.
    format!("{:08x}-ac96-774b-bcce-b302099a8057", number.wrapping_mul(2_654_435_761) & 0xffff_ffff)
}

/// A new ticket, or one whose status changed.
fn ticket(number: i64, revision: u64) -> Put {
    let of = |text: &str| Value::Text(text.to_owned());
    let status =
        STATUSES[usize::try_from(number).unwrap_or(0).wrapping_add(usize::try_from(revision).unwrap_or(0)) % 4];
    let fields = vec![
        of(status),
        of(["low", "normal", "high"][usize::try_from(number % 3).unwrap_or(0)]),
        of(&id(number % 20)),
        of(&id(number % 500)),
        of(&id(number % 50)),
        Value::Int(1_800_000_000_000 + number * 7),
        Value::Int(1_800_000_000_000 + number * 7 + i64::try_from(revision).unwrap_or(0) * 100_003),
        Value::Int(1_900_000_000_000 - number),
        Value::Int(number),
        Value::Set(vec!["printer".to_owned(), format!("tag-{}", number % 100)]),
    ];
    let body = "x".repeat(1000);
    Put {
        view: &TICKETS,
        document: Document { id: id(number), version: revision, revision, deleted: false, fields, body },
    }
}

fn main() {
    let folder = tempfile::tempdir_in(".").expect("the bench may write where it runs");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    let store =
        SqliteReadStore::open(folder.path().join("views.db"), &ViewsOptions::default()).expect("the file opens");
    runtime.block_on(async {
        store.prepare(&[&TICKETS]).await.expect("the view is prepared");
        let mut results = serde_json::Map::new();
        let mut tell = |name: &str, per_second: f64| {
            println!("{name:<34} {per_second:>10.0} /s {:>9.1} µs", 1e6 / per_second);
            results.insert(name.replace([' ', ','], "_"), per_second.round().into());
        };
        let started = Instant::now();
        for first in (0..DOCUMENTS).step_by(100) {
            store.apply((first..first + 100).map(|n| ticket(n, 1)).collect(), None).await.expect("batches are stored");
        }
        tell("puts of new ones, batches of 100", DOCUMENTS as f64 / started.elapsed().as_secs_f64());
        let mut revisions = vec![1_u64; usize::try_from(DOCUMENTS).unwrap_or(0)];
        for (name, batch) in [("puts of changed ones, by 100", 100), ("puts of changed ones, by 1", 1)] {
            let (started, mut done) = (Instant::now(), 0_i64);
            while started.elapsed() < ROUND {
                let change = |n: i64| {
                    // A stride that visits all of them in no order of theirs.
                    let number = (done + n) * 7919 % DOCUMENTS;
                    let revision = &mut revisions[usize::try_from(number).unwrap_or(0)];
                    *revision += 1;
                    ticket(number, *revision)
                };
                store.apply((0..batch).map(change).collect(), None).await.expect("batches are stored");
                done += batch;
            }
            tell(name, done as f64 / started.elapsed().as_secs_f64());
        }
        tell(
            "get by id",
            rate(async |n| store.get(&TICKETS, &[&id(n * 7919 % DOCUMENTS)]).await.expect("reads succeed").len()).await,
        );
        let sort = Sort { field: "updated_at", descending: true };
        let first = Select { view: &TICKETS, filters: Vec::new(), sort, after: None, limit: 50 };
        tell("page of 50", rate(async |_| store.select(&first).await.expect("reads succeed").len()).await);
        let before = store.select(&Select { limit: 5000, ..first.clone() }).await.expect("reads succeed");
        let middle = before.last().map(|last| (last.fields[6].clone(), last.id.clone()));
        let deep = Select { after: middle, ..first.clone() };
        tell("page of 50, deep", rate(async |_| store.select(&deep).await.expect("reads succeed").len()).await);
        let cases = [
            ("page of 50, one status", Filter::Equal("status", Value::Text("open".to_owned()))),
            (
                "page of 50, three statuses",
                Filter::OneOf("status", STATUSES[..3].iter().map(|s| Value::Text((*s).to_owned())).collect()),
            ),
            ("page of 50, frequent tag", Filter::Holds("tags", "printer".to_owned())),
            ("page of 50, rare tag", Filter::Holds("tags", "tag-7".to_owned())),
        ];
        for (name, filter) in cases {
            let page = Select { filters: vec![filter], ..first.clone() };
            tell(name, rate(async |_| store.select(&page).await.expect("reads succeed").len()).await);
        }
        let open = [Filter::Equal("status", Value::Text("open".to_owned()))];
        tell(
            "count of one status",
            rate(async |_| usize::try_from(store.count(&TICKETS, &open).await.expect("reads succeed")).unwrap_or(0))
                .await,
        );
        println!("{}", serde_json::json!({ "bench": "views", "documents": DOCUMENTS, "per_s": results }));
    });
}

/// How often a second, one after the other.
async fn rate(run: impl AsyncFn(i64) -> usize) -> f64 {
    let (started, mut done) = (Instant::now(), 0);
    while started.elapsed() < ROUND {
        black_box(run(done).await);
        done += 1;
    }
    done as f64 / started.elapsed().as_secs_f64()
}
