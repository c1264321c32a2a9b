//! Differences, named one by one.

use std::{collections::BTreeSet, time::Duration};

use eventdesk_app::{
    ports::{Document, Put, Value, ViewSpec},
    projections::{EMPLOYEES, HISTORY, HISTORY_STREAMS, MESSAGES, TICKETS, USERS},
    replay::{Kind, Target, Verified, VerifyOptions},
};
use eventdesk_events::StreamId;

use super::bed::{everything_is_as_folded, rebuild, replay, story};
use crate::desk::{Desk, commits, scenarios, wholes};

scenarios!(
    views_that_are_right_are_said_to_be,
    every_planted_difference_is_named_and_a_replay_mends_it,
    a_wrong_message_is_not_its_tickets_fault,
    what_a_projector_has_not_reached_is_no_difference,
    a_sample_looks_at_a_part,
);

async fn verify(desk: &Desk, target: Target) -> Verified {
    let options = VerifyOptions { sample: None, patience: Duration::ZERO };
    replay(desk).verify(target, options).await.unwrap()
}

async fn stored(desk: &Desk, view: &'static ViewSpec, id: &str) -> Document {
    desk.views.get(view, &[id]).await.unwrap().pop().flatten().unwrap()
}

/// Writes a document behind everybody's back.
async fn plant(desk: &Desk, view: &'static ViewSpec, document: Document) {
    let document = Document { revision: document.revision + 1, ..document };
    desk.views.apply(vec![Put { view, document }], None).await.unwrap();
}

/// Moves all documents but these to a generation of their own, which is how one goes missing.
async fn lose(desk: &Desk, view: &'static ViewSpec, ids: &[String]) {
    let generations = &desk.generations;
    let live = generations.generation(view).await.unwrap();
    let all = generations.page_in(view, live, None, 10_000).await.unwrap();
    let kept: Vec<_> = all.into_iter().filter(|document| !ids.contains(&document.id)).collect();
    let without = generations.make_generation(view).await.unwrap();
    generations.fill(view, without, kept.into()).await.unwrap();
    generations.make_indexes(view, without).await.unwrap();
    generations.flip(&[(view, without)]).await.unwrap();
    generations.write_also(&[(view, None)]).await.unwrap();
    generations.drop_generation(view, live).await.unwrap();
}

async fn ids(desk: &Desk, wanted: fn(StreamId) -> bool) -> Vec<String> {
    let all = commits(&*desk.log).await;
    let first = all.iter().filter(|commit| commit.version.get() == 1 && wanted(commit.stream));
    first.map(|commit| commit.stream.to_string().split_once('-').unwrap().1.to_owned()).collect()
}

async fn views_that_are_right_are_said_to_be(desk: Desk) {
    for _ in 0..3 {
        story(&desk).await;
    }
    desk.project().await;
    for target in Target::ALL {
        let verified = verify(&desk, target).await;
        assert!(verified.is_well(), "{verified:?}");
        for view in &verified.views {
            assert_eq!((view.expected, view.expected_checksum), (view.found, view.found_checksum), "{view:?}");
            assert!(view.expected > 0 && view.waiting == 0, "{view:?}");
        }
    }
    let before = verify(&desk, Target::Tickets).await;
    rebuild(&desk, Target::Tickets).await;
    let after = verify(&desk, Target::Tickets).await;
    let sums = |verified: &Verified| verified.views.iter().map(|view| view.found_checksum).collect::<Vec<_>>();
    assert_eq!(sums(&before), sums(&after));
}

async fn every_planted_difference_is_named_and_a_replay_mends_it(desk: Desk) {
    for _ in 0..3 {
        story(&desk).await;
    }
    desk.project().await;
    // Long ago by now, so that whatever is missing should have arrived.
    desk.clock.advance(3_600_000);
    let mut expected: BTreeSet<(String, String)> = BTreeSet::new();
    let mut name = |view: &ViewSpec, id: &str, kind: &str| {
        expected.insert((format!("{}/{id}", view.name), kind.to_owned()));
    };

    let tickets = ids(&desk, |stream| matches!(stream, StreamId::Ticket(_))).await;
    let messages = ids(&desk, |stream| matches!(stream, StreamId::Message(_))).await;
    let users = ids(&desk, |stream| matches!(stream, StreamId::User(_))).await;
    let employees = ids(&desk, |stream| matches!(stream, StreamId::Employee(_))).await;
    let events: Vec<String> = commits(&*desk.log)
        .await
        .iter()
        .flat_map(|commit| commit.envelopes().map(|event| event.id.to_string()).collect::<Vec<_>>())
        .collect();

    // A field that queries filter by, the body, and a tombstone that is none.
    let mut document = stored(&desk, &TICKETS, &tickets[0]).await;
    document.fields[1] = Value::Text("closed".to_owned());
    plant(&desk, &TICKETS, document).await;
    name(&TICKETS, &tickets[0], "differs status");
    let document = stored(&desk, &TICKETS, &tickets[2]).await;
    let body = document.body.replace("Printer", "Plotter");
    plant(&desk, &TICKETS, Document { body, ..document }).await;
    name(&TICKETS, &tickets[2], "differs body.text.title");
    let document = stored(&desk, &USERS, &users[1]).await;
    plant(&desk, &USERS, Document { deleted: true, ..document }).await;
    name(&USERS, &users[1], "differs deleted");
    let document = stored(&desk, &MESSAGES, &messages[1]).await;
    plant(&desk, &MESSAGES, Document { body: "no JSON".to_owned(), ..document }).await;
    name(&MESSAGES, &messages[1], "differs body");
    let document = stored(&desk, &HISTORY, &events[3]).await;
    plant(&desk, &HISTORY, Document { version: 99, ..document }).await;
    name(&HISTORY, &events[3], "differs version");
    // Something that never was.
    for (view, id) in
        [(&TICKETS, "0190a8c0-0000-7000-8000-00000000000f"), (&HISTORY, "0190a8c0-0000-7000-8000-00000000000e")]
    {
        let like = stored(&desk, view, if view.name == TICKETS.name { &tickets[0] } else { &events[0] }).await;
        plant(&desk, view, Document { id: id.to_owned(), revision: 0, ..like }).await;
        name(view, id, "extra");
    }
    // And what is gone.
    for (view, id) in [
        (&TICKETS, tickets[1].clone()),
        (&MESSAGES, messages[2].clone()),
        (&EMPLOYEES, employees[0].clone()),
        (&HISTORY, events[5].clone()),
        (&HISTORY_STREAMS, format!("user-{}", users[0])),
    ] {
        lose(&desk, view, std::slice::from_ref(&id)).await;
        name(view, &id, "missing");
    }

    let mut found = BTreeSet::new();
    for target in Target::ALL {
        let verified = verify(&desk, target).await;
        assert!(!verified.is_well());
        found.extend(verified.differences.into_iter().map(|difference| {
            let kind = match difference.kind {
                Kind::Missing => "missing".to_owned(),
                Kind::Extra => "extra".to_owned(),
                Kind::Differs { fields } => format!("differs {}", fields.join(" ")),
                Kind::Misfiled => "misfiled".to_owned(),
                Kind::Behind { .. } => "behind".to_owned(),
            };
            (format!("{}/{}", difference.view, difference.id), kind)
        }));
    }
    assert_eq!(found, expected);

    for target in Target::ALL {
        rebuild(&desk, target).await;
        let verified = verify(&desk, target).await;
        assert!(verified.is_well(), "{verified:?}");
    }
    everything_is_as_folded(&desk).await;
}

async fn a_wrong_message_is_not_its_tickets_fault(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    desk.clock.advance(3_600_000);
    let messages = ids(&desk, |stream| matches!(stream, StreamId::Message(_))).await;
    let document = stored(&desk, &MESSAGES, &messages[0]).await;
    let body = document.body.replace("public", "internal");
    plant(&desk, &MESSAGES, Document { body, ..document }).await;
    lose(&desk, &MESSAGES, &messages[1..2]).await;
    let verified = verify(&desk, Target::Tickets).await;
    assert!(verified.differences.iter().all(|difference| difference.view == "messages"), "{verified:?}");
    assert_eq!(verified.differences.len(), 2);
}

async fn what_a_projector_has_not_reached_is_no_difference(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let known = commits(&*desk.log).await.len();
    story(&desk).await;
    let verified = verify(&desk, Target::Tickets).await;
    assert!(verified.is_well(), "{verified:?}");
    assert!(verified.views.iter().any(|view| view.waiting > 0), "{verified:?}");
    // After a while it should have been there.
    desk.clock.advance(3_600_000);
    assert!(!verify(&desk, Target::Tickets).await.is_well());
    let late = commits(&*desk.log).await.split_off(known);
    for projector in desk.projectors() {
        projector.handle(wholes(&late)).await.unwrap();
    }
    assert!(verify(&desk, Target::Tickets).await.is_well());
}

async fn a_sample_looks_at_a_part(desk: Desk) {
    for _ in 0..10 {
        story(&desk).await;
    }
    desk.project().await;
    let options = VerifyOptions { sample: Some(4), patience: Duration::ZERO };
    let sampled = replay(&desk).verify(Target::Directory, options).await.unwrap();
    let whole = verify(&desk, Target::Directory).await;
    assert!(sampled.is_well());
    for (sampled, whole) in sampled.views.iter().zip(&whole.views) {
        assert!(sampled.expected > 0 && sampled.expected <= whole.expected, "{sampled:?} of {whole:?}");
    }
}
