//! Killing the server at any moment loses nothing that was answered and doubles nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eventdesk_tests::{Answer, Caller, Desk, Scene, samples};
use futures_util::future::join_all;
use serde_json::{Value, json};

const ROUNDS: u32 = 10;
const WORKERS: usize = 6;

/// What the callers know to be true: every answer they got.
#[derive(Default)]
struct Ledger {
    /// Idempotency key of each create that was sent, with its answer once there was one.
    created: BTreeMap<String, Option<Answer>>,
    /// The newest answered state of each ticket.
    changed: BTreeMap<String, Answer>,
    /// Idempotency key of each message that was sent: its ticket, and its id once answered.
    said: BTreeMap<String, (String, Option<String>)>,
}

#[tokio::test]
async fn ten_kills_under_load_lose_nothing_and_double_nothing() {
    let desk = Desk::start();
    let employee = Scene::on(&desk).await.employee().await;
    let mut ledger = Ledger::default();

    for round in 0..ROUNDS {
        let admin = desk.admin().await;
        let callers: Vec<_> = (0..WORKERS).map(|_| admin.apart()).collect();
        let work = join_all(callers.iter().map(|caller| work_until_it_dies(caller, &employee)));
        let kill = async {
            tokio::time::sleep(Duration::from_millis(u64::from(120 + 37 * round))).await;
            desk.kill();
        };
        let (ledgers, ()) = tokio::join!(work, kill);
        for other in ledgers {
            ledger.created.extend(other.created);
            ledger.changed.extend(other.changed);
            ledger.said.extend(other.said);
        }
        desk.restart();
    }

    let admin = desk.admin().await;
    repeat_what_got_no_answer(&admin, &employee, &mut ledger).await;
    let stored = everything_answered_is_there(&admin, &employee, &ledger).await;
    for (id, head) in &stored {
        history_is_gapless_and_folds_to_the_view(&admin, id, head).await;
    }
}

/// Creates, changes and talks, one after the other, until no answer comes any more.
async fn work_until_it_dies(caller: &Caller, employee: &str) -> Ledger {
    let mut ledger = Ledger::default();
    for n in 0.. {
        let key = samples::name("create-");
        ledger.created.insert(key.clone(), None);
        let keyed = caller.with("Idempotency-Key", &key);
        let Ok(ticket) = keyed.attempt("POST", "/tickets", Some(samples::ticket(employee))).await else { break };
        let ticket = ticket.is(201);
        let path = format!("/tickets/{}", ticket.id());
        let id = ticket.id();
        ledger.changed.insert(id.clone(), ticket.clone());
        ledger.created.insert(key, Some(ticket));

        let title = json!({ "title": format!("Changed in turn {n}") });
        let Ok(patched) = caller.attempt("PATCH", &path, Some(title)).await else { break };
        ledger.changed.insert(id.clone(), patched.is(200));

        let key = samples::name("say-");
        ledger.said.insert(key.clone(), (id.clone(), None));
        let Ok(said) = say(caller, &key, &id).await else { break };
        ledger.said.insert(key, (id.clone(), Some(said.is(201).id())));

        let status = if n % 2 == 0 { "pending" } else { "solved" };
        let body = json!({ "status": status });
        let Ok(moved) = caller.attempt("PUT", &format!("{path}/status"), Some(body)).await else { break };
        ledger.changed.insert(id, moved.is(200));
    }
    ledger
}

async fn say(caller: &Caller, key: &str, ticket_id: &str) -> Result<Answer, reqwest::Error> {
    let keyed = caller.with("Idempotency-Key", key);
    let body = json!({ "visibility": "public", "body": format!("Said with {key}.") });
    keyed.attempt("POST", &format!("/tickets/{ticket_id}/messages"), Some(body)).await
}

/// A client that got no answer asks again with the same key.
async fn repeat_what_got_no_answer(admin: &Caller, employee: &str, ledger: &mut Ledger) {
    for (key, answer) in &mut ledger.created {
        let again = admin.with("Idempotency-Key", key).post("/tickets", samples::ticket(employee)).await.is(201);
        if let Some(first) = answer {
            assert_eq!(again.id(), first.id(), "the same key made another ticket: {again}");
        }
        *answer = Some(again);
    }
    for (key, (ticket_id, id)) in &mut ledger.said {
        let again = say(admin, key, ticket_id).await.expect("the server runs").is(201);
        if let Some(first) = id {
            assert_eq!(again.id(), *first, "the same key said it twice: {again}");
        }
        admin.see(&again, &format!("/tickets/{ticket_id}/messages/{}", again.id())).await;
        *id = Some(again.id());
    }
}

/// Each ticket as it reads now, by id.
async fn everything_answered_is_there(admin: &Caller, employee: &str, ledger: &Ledger) -> BTreeMap<String, Answer> {
    let mut heads = BTreeMap::new();
    let answers: Vec<_> = ledger.created.values().flatten().collect();
    assert!(answers.len() > 50, "too little load to prove anything: {}", answers.len());
    let mut last = None;
    for created in answers {
        let path = format!("/tickets/{}", created.id());
        let answered = ledger.changed.get(&created.id()).unwrap_or(created);
        let seen = admin.see(answered, &path).await;
        assert!(seen.version() >= answered.version(), "an answered change is lost: {answered}\n{seen}");
        if seen.version() == answered.version() {
            assert_eq!(
                (seen.str("status"), seen.str("title")),
                (answered.str("status"), answered.str("title")),
                "{seen}"
            );
        }
        last = Some(answered.clone());
        heads.insert(created.id(), seen);
    }

    let reader = admin.after(&last.expect("there is load"));
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = reader.get(&format!("/tickets?requester={employee}&limit=100{cursor}")).await.is(200);
        listed.extend(page.column("id"));
        let Some(next) = page.next_cursor() else { break };
        cursor = format!("&cursor={next}");
    }
    let distinct: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(distinct.len(), listed.len(), "a ticket is listed twice");
    assert_eq!(distinct, heads.keys().cloned().collect(), "the list is exactly what was created, each once");

    let mut said: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (ticket_id, id) in ledger.said.values() {
        said.entry(ticket_id).or_default().extend(id.as_deref());
    }
    for (ticket_id, ids) in said {
        let messages = admin.get(&format!("/tickets/{ticket_id}/messages?limit=100")).await.is(200);
        let found = messages.column("id");
        assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), ids, "{messages}");
        assert_eq!(found.len(), ids.len(), "a message is there twice: {messages}");
        let ticket = admin.get(&format!("/tickets/{ticket_id}")).await.is(200);
        assert_eq!(ticket.body["message_count"], ids.len(), "{ticket}");
    }
    heads
}

async fn history_is_gapless_and_folds_to_the_view(admin: &Caller, id: &str, head: &Answer) {
    let history = admin.get(&format!("/tickets/{id}/history?limit=100")).await.is(200);
    let own = |row: &&Value| match row["stream"].as_str() {
        Some(stream) => stream == format!("ticket-{id}"),
        None => row["type"].as_str().is_some_and(|name| name.starts_with("ticket.")),
    };
    let rows = history.rows();
    let versions: Vec<_> = rows.iter().filter(own).filter_map(|row| row["version"].as_u64()).collect();
    let distinct: Vec<_> = versions.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let version = admin.get(&format!("/tickets/{id}")).await.is(200).version();
    assert_eq!(distinct, (1..=version).collect::<Vec<_>>(), "the history has a gap or a surplus: {history}");
    let events: BTreeSet<_> = rows.iter().map(|row| row["id"].to_string()).collect();
    assert_eq!(events.len(), rows.len(), "an event stands in the history twice: {history}");

    let folded = admin.get(&format!("/tickets/{id}?at_version={version}")).await.is(200);
    let view = admin.get(&format!("/tickets/{id}")).await.is(200);
    for member in ["title", "description", "status", "priority", "tags", "number", "created_at", "updated_at"] {
        assert_eq!(folded.body[member], view.body[member], "{member} differs from the fold: {folded}\n{view}");
    }
    assert!(version >= head.version());
}
