//! Writing and reading by id.
#![expect(clippy::unwrap_used, reason = "a suite is a test: a panic fails its case")]

use std::sync::Arc;

use eventdesk_app::ports::{
    ApplyError, ConsumerState, DeadLetter, Document, Position, Progress, Put, ReadStore, ReadStoreError, Retry, Value,
};
use eventdesk_events::Timestamp;
use futures_util::future::join_all;

use super::{THINGS, THINGS_OLD, next, one, put, set, store_all, text, thing, with};

type Store = Arc<dyn ReadStore>;

fn progress(cursor: u64) -> Progress {
    Progress {
        consumer: "tickets".to_owned(),
        cursor: Position(cursor),
        retries: Vec::new(),
        dead: Vec::new(),
        cleared: Vec::new(),
    }
}

fn lost(result: &Result<(), ApplyError>, lost: &str) -> bool {
    matches!(result, Err(ApplyError::GuardLost { view: "things", id }) if id == lost)
}

pub(super) async fn an_unprepared_view_is_refused(store: Store) {
    assert!(matches!(store.generation(&THINGS).await, Err(ReadStoreError::Internal(_))));
    assert!(matches!(store.get(&THINGS, &["a"]).await, Err(ReadStoreError::Internal(_))));
    assert!(matches!(store.apply(vec![put(&thing("a", 1))], None).await, Err(ApplyError::Internal(_))));
}

pub(super) async fn preparing_twice_keeps_generation_and_documents(store: Store) {
    assert_eq!(store.generation(&THINGS).await.unwrap(), 1);
    store_all(&*store, &[thing("a", 1)]).await;
    store.prepare(&[&THINGS, &THINGS_OLD]).await.unwrap();
    assert_eq!(store.generation(&THINGS).await.unwrap(), 1);
    assert_eq!(one(&*store, "a").await, Some(thing("a", 1)));
}

pub(super) async fn documents_come_in_the_order_asked_tombstones_too(store: Store) {
    let tombstone = Document { deleted: true, ..thing("b", 2) };
    store_all(&*store, &[thing("a", 1), tombstone.clone(), thing("c", 3)]).await;
    let found = store.get(&THINGS, &["c", "nobody", "b", "a", "c"]).await.unwrap();
    let expected = [Some(thing("c", 3)), None, Some(tombstone), Some(thing("a", 1)), Some(thing("c", 3))];
    assert_eq!(found, expected);
    assert_eq!(store.get(&THINGS, &[]).await.unwrap(), []);
}

pub(super) async fn views_are_apart(store: Store) {
    let other = Document { fields: vec![Value::Int(7)], ..thing("a", 0) };
    store.apply(vec![put(&thing("a", 1)), Put { view: &THINGS_OLD, document: other.clone() }], None).await.unwrap();
    assert_eq!(one(&*store, "a").await, Some(thing("a", 1)));
    assert_eq!(store.get(&THINGS_OLD, &["a"]).await.unwrap(), [Some(other)]);
}

pub(super) async fn a_stale_revision_loses_the_guard(store: Store) {
    store_all(&*store, &[thing("a", 1)]).await;
    let again = store.apply(vec![put(&thing("a", 9))], None).await;
    assert!(lost(&again, "a"), "a second first write: {again:?}");
    store_all(&*store, &[next(thing("a", 2))]).await;
    let stale = store.apply(vec![put(&next(thing("a", 9)))], None).await;
    assert!(lost(&stale, "a"), "a stale write: {stale:?}");
    let early = store.apply(vec![put(&next(next(next(thing("a", 9)))))], None).await;
    assert!(lost(&early, "a"), "a write too early: {early:?}");
    let missing = store.apply(vec![put(&next(thing("b", 9)))], None).await;
    assert!(lost(&missing, "b"), "a later write of nothing: {missing:?}");
    assert_eq!(one(&*store, "a").await, Some(next(thing("a", 2))));
    assert_eq!(one(&*store, "b").await, None);
    // A tombstone is a document as any other.
    let tombstone = Document { deleted: true, ..next(next(thing("a", 2))) };
    store_all(&*store, std::slice::from_ref(&tombstone)).await;
    assert!(lost(&store.apply(vec![put(&thing("a", 1))], None).await, "a"));
    store_all(&*store, &[Document { deleted: false, ..next(tombstone) }]).await;
}

pub(super) async fn nothing_after_a_lost_guard_is_applied(store: Store) {
    store_all(&*store, &[thing("b", 1)]).await;
    let puts = [thing("a", 1), thing("b", 2), thing("c", 3)];
    let result = store.apply(puts.iter().map(put).collect(), Some(progress(5))).await;
    assert!(lost(&result, "b"), "{result:?}");
    assert_eq!(one(&*store, "b").await, Some(thing("b", 1)));
    assert_eq!(one(&*store, "c").await, None);
    assert_eq!(store.consumer("tickets").await.unwrap(), ConsumerState::default());
}

pub(super) async fn a_lost_guard_takes_no_other_writer_down(store: Store) {
    store_all(&*store, &[thing("taken", 1)]).await;
    // Every third loses at once, every other third half-way.
    let writes = (0..60).map(|n| {
        let own = thing(&format!("own-{n}"), n);
        let puts = match n % 3 {
            0 => vec![put(&thing("taken", 2)), put(&own)],
            1 => vec![put(&own), put(&thing("taken", 2))],
            _ => vec![put(&own)],
        };
        store.apply(puts, None)
    });
    for (n, result) in join_all(writes).await.iter().enumerate() {
        if n % 3 == 2 {
            assert!(result.is_ok(), "write {n}: {result:?}");
            assert!(one(&*store, &format!("own-{n}")).await.is_some());
        } else {
            assert!(lost(result, "taken"), "write {n}: {result:?}");
        }
    }
    assert_eq!(one(&*store, "taken").await, Some(thing("taken", 1)));
}

pub(super) async fn parallel_writers_lose_no_update(store: Store) {
    store_all(&*store, &[thing("a", 0)]).await;
    let writer = || {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..25 {
                loop {
                    let found = one(&*store, "a").await.unwrap();
                    let (place, _) = THINGS.field("rank").unwrap();
                    let Value::Int(rank) = found.fields[place] else { panic!("a rank is a number") };
                    let change = next(with(found, "rank", Value::Int(rank + 1)));
                    match store.apply(vec![put(&change)], None).await {
                        Ok(()) => break,
                        Err(ApplyError::GuardLost { .. }) => tokio::task::yield_now().await,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        })
    };
    for task in [writer(), writer(), writer()] {
        task.await.unwrap();
    }
    let found = one(&*store, "a").await.unwrap();
    assert_eq!((found.revision, &found.fields[1]), (76, &Value::Int(75)));
}

pub(super) async fn one_apply_can_write_a_document_twice(store: Store) {
    let second = next(with(thing("a", 2), "tags", set(&["x"])));
    store_all(&*store, &[with(thing("a", 1), "tags", set(&["w"])), second.clone()]).await;
    assert_eq!(one(&*store, "a").await, Some(second));
}

pub(super) async fn unique_fields_are_unique_among_the_living(store: Store) {
    let numbered = |id, number| with(thing(id, 1), "number", Value::Int(number));
    store_all(&*store, &[numbered("a", 1), numbered("b", 2), thing("c", 1), thing("d", 1)]).await;
    let refused = store.apply(vec![put(&numbered("e", 2))], Some(progress(1))).await;
    assert!(matches!(refused, Err(ApplyError::Internal(_))), "{refused:?}");
    assert_eq!(one(&*store, "e").await, None);
    assert_eq!(store.consumer("tickets").await.unwrap().cursor, Position(0));
    store_all(&*store, &[Document { deleted: true, ..next(numbered("b", 2)) }, numbered("e", 2)]).await;
}

pub(super) async fn misuse_is_refused_and_changes_nothing(store: Store) {
    let wrong = [
        Document { id: String::new(), ..thing("a", 1) },
        Document { id: "x".repeat(101), ..thing("a", 1) },
        Document { fields: Vec::new(), ..thing("a", 1) },
        Document { revision: 0, ..thing("a", 1) },
        with(thing("a", 1), "rank", text("first")),
        with(thing("a", 1), "status", Value::Int(1)),
        with(thing("a", 1), "tags", Value::Null),
        with(thing("a", 1), "tags", Value::Set(vec!["b".to_owned(), "a".to_owned()])),
    ];
    for document in wrong {
        let result = store.apply(vec![put(&document)], None).await;
        assert!(matches!(result, Err(ApplyError::Internal(_))), "{document:?}: {result:?}");
    }
    assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 0);
}

pub(super) async fn progress_is_stored_with_the_documents(store: Store) {
    store.apply(vec![put(&thing("a", 1))], Some(progress(3))).await.unwrap();
    assert_eq!(store.consumer("tickets").await.unwrap().cursor, Position(3));
    store.apply(Vec::new(), Some(progress(8))).await.unwrap();
    assert_eq!(store.consumer("tickets").await.unwrap().cursor, Position(8));
    assert_eq!(store.consumer("users").await.unwrap().cursor, Position(0));
    store.apply(Vec::new(), None).await.unwrap();
}

pub(super) async fn an_unknown_consumer_stands_at_the_beginning(store: Store) {
    assert_eq!(store.consumer("nobody").await.unwrap(), ConsumerState::default());
}

pub(super) async fn a_position_is_in_retry_or_dead_or_neither(store: Store) {
    let at = Timestamp::from_millis;
    let retry = |position, attempts| Retry {
        position: Position(position),
        attempts,
        due: at(1_000 * i64::from(attempts)),
        reason: "it's \"odd\"".to_owned(),
    };
    let dead = |position| DeadLetter { position: Position(position), attempts: 6, at: at(9), reason: "odd".to_owned() };
    let state = async || {
        let state = store.consumer("tickets").await.unwrap();
        (state.retries, state.dead)
    };
    store.apply(Vec::new(), Some(Progress { retries: vec![retry(7, 1), retry(2, 1)], ..progress(9) })).await.unwrap();
    assert_eq!(state().await, (vec![retry(2, 1), retry(7, 1)], vec![]));
    store
        .apply(Vec::new(), Some(Progress { retries: vec![retry(2, 2)], dead: vec![dead(7)], ..progress(9) }))
        .await
        .unwrap();
    assert_eq!(state().await, (vec![retry(2, 2)], vec![dead(7)]));
    store
        .apply(Vec::new(), Some(Progress { retries: vec![retry(7, 1)], dead: vec![dead(2)], ..progress(9) }))
        .await
        .unwrap();
    assert_eq!(state().await, (vec![retry(7, 1)], vec![dead(2)]));
    let cleared = vec![Position(2), Position(7), Position(1)];
    store.apply(Vec::new(), Some(Progress { cleared, ..progress(9) })).await.unwrap();
    assert_eq!(state().await, (vec![], vec![]));
}

pub(super) async fn unusual_text_is_kept(store: Store) {
    let odd = ["it's", "\"quoted\"", "a\0b", "Ünïcödé 🦀 \u{202e}", "%_\\", "a\nb\r\t", "', DROP TABLE things; --", ""];
    for (n, odd) in odd.iter().enumerate() {
        let id = if odd.is_empty() { "empty" } else { odd };
        let document = with(with(thing(id, 1), "status", text(odd)), "tags", set(&[odd, "other"]));
        let document = Document { body: format!("{n}{odd}"), ..document };
        store_all(&*store, std::slice::from_ref(&document)).await;
        assert_eq!(one(&*store, id).await.as_ref(), Some(&document), "text {odd:?}");
        for filter in [
            eventdesk_app::ports::Filter::Equal("status", text(odd)),
            eventdesk_app::ports::Filter::Holds("tags", (*odd).to_owned()),
        ] {
            assert_eq!(store.count(&THINGS, std::slice::from_ref(&filter)).await.unwrap(), 1, "{filter:?}");
        }
    }
}
