//! What is sent to EventBridge, and what is done about its refusals.

use std::sync::{Arc, Mutex};

use eventdesk_app::ports::{Commit, Publisher, Queue};
use eventdesk_contract::event_store::samples::{commit, event, json, ticket};
use eventdesk_events::Envelope;
use serde_json::{Value, json};

use super::bed::{AwsBus, hasty};
use crate::wire::Fault;

/// A commit of so many events.
fn commit_of(events: usize) -> Commit {
    let mut made = commit(ticket(1), 1);
    made.events = (0..events).map(|n| event(&format!(r#"{{"n":{n}}}"#), None)).collect();
    made
}

/// The places of the events that a request carries.
fn places(request: &Value) -> Vec<u16> {
    let entries = request["Entries"].as_array().unwrap();
    entries.iter().map(|entry| detail(entry).index).collect()
}

fn detail(entry: &Value) -> Envelope {
    serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap()
}

/// Lets the next calls be answered with these codes, one an entry, "" for success; what was asked is noted.
fn script(bus: &AwsBus, answers: &[&[&'static str]]) -> Arc<Mutex<Vec<Value>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    for codes in answers {
        let (codes, asked) = (codes.to_vec(), Arc::clone(&asked));
        let answer = move |request: Value| {
            asked.lock().unwrap().push(request);
            let failed = codes.iter().filter(|code| !code.is_empty()).count();
            let entry = |code: &&str| match *code {
                "" => json!({ "EventId": "1" }),
                code => json!({ "ErrorCode": code, "ErrorMessage": "as the test says" }),
            };
            json!({ "FailedEntryCount": failed, "Entries": codes.iter().map(entry).collect::<Vec<_>>() })
        };
        bus.wire.next("PutEvents", Fault::Answer(Box::new(answer)));
    }
    asked
}

#[tokio::test]
async fn entries_that_an_answer_reports_as_failed_are_sent_again_alone() {
    let bus = AwsBus::new(hasty()).await;
    let asked = script(&bus, &[&["", "ThrottlingException", "", "InternalFailure"], &["InternalException", ""], &[""]]);
    bus.publisher.publish(&[commit_of(4)]).await.unwrap();
    let asked: Vec<_> = asked.lock().unwrap().iter().map(places).collect();
    assert_eq!(asked, [vec![0, 1, 2, 3], vec![1, 3], vec![1]]);
    assert_eq!(bus.wire.sent().len(), 3);
}

#[tokio::test]
async fn attempts_are_bounded_and_the_failure_is_told() {
    let bus = AwsBus::new(hasty()).await;
    let asked = script(&bus, &[&["", "InternalFailure"], &["InternalFailure"], &["InternalFailure"], &["Other"]]);
    let error = bus.publisher.publish(&[commit_of(2)]).await.unwrap_err();
    assert_eq!(error.0.to_string(), "1 events were refused: Other");
    assert_eq!(asked.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_sent_again() {
    let bus = AwsBus::new(hasty()).await;
    let asked = script(&bus, &[&["MalformedDetail", "InternalFailure"], &[""]]);
    let error = bus.publisher.publish(&[commit_of(2)]).await.unwrap_err();
    assert!(error.0.to_string().starts_with("1 events were refused: "), "{}", error.0);
    assert_eq!(asked.lock().unwrap().iter().map(places).collect::<Vec<_>>(), [vec![0, 1], vec![1]]);
}

#[tokio::test]
async fn a_throttled_call_is_repeated_and_nothing_is_lost() {
    let bus = AwsBus::new(hasty()).await;
    bus.wire.next_many(2, "PutEvents", "ThrottlingException");
    bus.publisher.publish(&[commit_of(3)]).await.unwrap();
    assert_eq!(bus.wire.sent(), ["PutEvents"; 3]);
    assert_eq!(bus.queue.receive(10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_bus_that_is_away_fails_the_publication() {
    let bus = AwsBus::new(hasty()).await;
    for _ in 0..3 {
        bus.wire.next("PutEvents", Fault::NeverArrives);
    }
    bus.publisher.publish(&[commit_of(1)]).await.unwrap_err();
    assert_eq!(bus.waiting(&bus.url).await, 0);
}

#[tokio::test]
async fn one_call_that_fails_holds_up_no_other() {
    let bus = AwsBus::new(hasty()).await;
    bus.wire.next_many(1, "PutEvents", "NoSuchThing");
    bus.publisher.publish(&[commit_of(25)]).await.unwrap_err();
    // Two of the three calls went through: 20 or 15 events.
    assert_eq!(bus.wire.sent(), ["PutEvents"; 3]);
    assert!([15, 20].contains(&bus.waiting(&bus.url).await));
}

#[tokio::test]
async fn an_entry_says_where_it_comes_from_when_and_in_which_trace() {
    let bus = AwsBus::new(hasty()).await;
    let asked = script(&bus, &[&[""]]);
    let mut made = commit_of(1);
    made.trace_id = Some("5759e988bd862e3fe1be46a994272793".to_owned());
    bus.publisher.publish(&[made.clone()]).await.unwrap();
    let request = asked.lock().unwrap().pop().unwrap();
    let entry = &request["Entries"][0];
    assert_eq!((&entry["Source"], &entry["DetailType"]), (&json!("eventdesk"), &json!("ticket.retitled")));
    assert_eq!(entry["TraceHeader"], json!("Root=1-5759e988-bd862e3fe1be46a994272793"));
    assert_eq!(entry["Time"].as_f64(), Some(1_700_000_000.0));
    assert_eq!(detail(entry).id, made.event_id(0));
}

#[tokio::test]
async fn a_large_event_arrives_without_its_private_part_and_says_so() {
    let bus = AwsBus::new(hasty()).await;
    let mut made = commit_of(2);
    made.events[0].private = Some(json(&format!(r#"{{"body":"{}"}}"#, "x".repeat(210 * 1024))));
    made.events[1].private = Some(json(&format!(r#"{{"body":"{}"}}"#, "y".repeat(190 * 1024))));
    bus.publisher.publish(&[made]).await.unwrap();
    let mut events: Vec<_> =
        bus.queue.receive(10).await.unwrap().into_iter().flat_map(|delivery| delivery.events).collect();
    events.sort_by_key(|event| event.index);
    assert_eq!(events.iter().map(|event| event.private_omitted).collect::<Vec<_>>(), [true, false]);
    assert!(events[0].private.is_none() && events[1].private.is_some());
}

#[tokio::test]
async fn nothing_to_publish_is_no_call() {
    let bus = AwsBus::new(hasty()).await;
    bus.publisher.publish(&[]).await.unwrap();
    assert!(bus.wire.sent().is_empty());
}
