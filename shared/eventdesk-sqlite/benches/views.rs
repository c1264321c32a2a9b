//! Writes and reads of the views' file: documents a second in batches, by id, and by pages.
//!
//! A document is as large as a ticket's, with about as many indexes. Prints a table and one line of JSON; beside the
//! rates stands the processor time a document or read took in all threads, which other load on the machine moves less.
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

/// A new ticket, or one whose status changed at a time.
fn ticket(number: i64, revision: u64, at: i64) -> Put {
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
        Value::Int(1_800_000_000_000 + DOCUMENTS * 7 + at),
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
        println!("{:<34} {:>10} {:>14}", "", "per second", "processor µs");
        let mut tell = |name: &str, Rate { per_second, processor_us }: Rate| {
            println!("{name:<34} {per_second:>10.0} {processor_us:>14.1}");
            let figures = serde_json::json!({ "per_s": per_second.round(), "processor_us": processor_us.round() });
            results.insert(name.replace(", ", "_").replace(' ', "_"), figures);
        };
        let meter = Meter::start();
        for first in (0..DOCUMENTS).step_by(100) {
            store
                .apply((first..first + 100).map(|n| ticket(n, 1, n)).collect(), None)
                .await
                .expect("batches are stored");
        }
        tell("puts of new ones, batches of 100", meter.rate(DOCUMENTS));
        let mut revisions = vec![1_u64; usize::try_from(DOCUMENTS).unwrap_or(0)];
        let mut changes = DOCUMENTS;
        for (name, batch) in [("puts of changed ones, by 100", 100), ("puts of changed ones, by 1", 1)] {
            let (meter, mut done) = (Meter::start(), 0_i64);
            while meter.started.elapsed() < ROUND {
                let change = |n: i64| {
                    // A stride that visits all of them in no order of theirs.
                    let number = (done + n) * 7919 % DOCUMENTS;
                    let revision = &mut revisions[usize::try_from(number).unwrap_or(0)];
                    *revision += 1;
                    changes += 1;
                    ticket(number, *revision, changes)
                };
                store.apply((0..batch).map(change).collect(), None).await.expect("batches are stored");
                done += batch;
            }
            tell(name, meter.rate(done));
        }
        tell(
            "get by id",
            rate(async |n| store.get(&TICKETS, &[&id(n * 7919 % DOCUMENTS)]).await.expect("reads succeed").len()).await,
        );
        let sort = Sort { field: "updated_at", descending: true };
        let first = Select { view: &TICKETS, filters: Vec::new(), sort, after: None, limit: 50 };
        tell("page of 50", rate(async |_| store.select(&first).await.expect("reads succeed").len()).await);
        let before = store.select(&Select { limit: 5000, ..first.clone() }).await.expect("reads succeed");
        let middle = before.last().map(|last| (last.place.clone(), last.id.clone()));
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
        println!("{}", serde_json::json!({ "bench": "views", "documents": DOCUMENTS, "results": results }));
    });
}

/// How fast something went, and what it cost.
struct Rate {
    per_second: f64,
    processor_us: f64,
}

struct Meter {
    started: Instant,
    processor: f64,
}

impl Meter {
    fn start() -> Self {
        Self { started: Instant::now(), processor: processor_seconds() }
    }

    fn rate(&self, done: i64) -> Rate {
        let per_second = done as f64 / self.started.elapsed().as_secs_f64();
        Rate { per_second, processor_us: (processor_seconds() - self.processor) * 1e6 / done as f64 }
    }
}

/// Time on a processor of all threads so far; 0 where the system does not tell (proc(5), `utime` and `stime`).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    // Ticks of 10 ms on every Linux in use.
    after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// How often a second, one after the other.
async fn rate(run: impl AsyncFn(i64) -> usize) -> Rate {
    let (meter, mut done) = (Meter::start(), 0);
    while meter.started.elapsed() < ROUND {
        black_box(run(done).await);
        done += 1;
    }
    meter.rate(done)
}
