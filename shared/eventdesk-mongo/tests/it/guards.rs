//! Guards under races, and in long batches.

use eventdesk_app::ports::{ApplyError, Document, Put, ReadStore, Value};
use eventdesk_contract::read_store::{THINGS, next, thing, with};
use eventdesk_mongo::MongoReadStore;

use crate::server::{options, prepared, put, with_databases};

fn is_lost(result: &Result<(), ApplyError>) -> bool {
    matches!(result, Err(ApplyError::GuardLost { view: "things", id }) if id == "a")
}

async fn stored(store: &MongoReadStore, id: &str) -> Option<Document> {
    store.get(&THINGS, &[id]).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_racing_writers_one_loses_the_guard() {
    with_databases(async |databases| {
        let name = databases.name();
        let (one, other) = (databases.store_on(&name, &options()), databases.store_on(&name, &options()));
        let one = prepared(one).await;
        let mut now: Option<Document> = None;
        for round in 0..100 {
            let change = now.clone().map_or_else(|| thing("a", 0), next);
            let (first, second) = (with(change.clone(), "rank", Value::Int(-round)), change);
            let (a, b) =
                tokio::join!(one.apply(vec![put(first.clone())], None), other.apply(vec![put(second.clone())], None));
            let winner = match (&a, &b) {
                (Ok(()), lost) if is_lost(lost) => first,
                (lost, Ok(())) if is_lost(lost) => second,
                _ => panic!("round {round}: {a:?}, {b:?}"),
            };
            assert_eq!(stored(&one, "a").await.as_ref(), Some(&winner), "round {round}");
            now = Some(winner);
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_follows_a_lost_guard_in_a_long_batch() {
    with_databases(async |databases| {
        let store = prepared(databases.store()).await;
        store.apply(vec![put(thing("050", 0))], None).await.unwrap();
        let batch: Vec<Put> = (0..350).map(|n| put(thing(&format!("{n:03}"), n))).collect();
        let lost = store.apply(batch, None).await;
        assert!(matches!(&lost, Err(ApplyError::GuardLost { id, .. }) if id == "050"), "{lost:?}");
        assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 51, "what stood before it in the batch, and itself");
        assert_eq!(stored(&store, "051").await, None);
    })
    .await;
}

#[tokio::test]
async fn a_refused_unique_value_is_no_lost_guard() {
    with_databases(async |databases| {
        let store = prepared(databases.store()).await;
        let numbered = |id: &str, number| with(thing(id, 0), "number", Value::Int(number));
        let first = vec![put(numbered("a", 1)), put(numbered("b", 2)), put(thing("c", 0)), put(thing("d", 0))];
        store.apply(first, None).await.unwrap();
        for taken in [numbered("e", 1), next(numbered("b", 1))] {
            let refused = store.apply(vec![put(taken)], None).await;
            assert!(matches!(refused, Err(ApplyError::Internal(_))), "{refused:?}");
        }
        store.apply(vec![put(Document { deleted: true, ..next(numbered("a", 1)) })], None).await.unwrap();
        store.apply(vec![put(next(numbered("b", 1)))], None).await.unwrap();
    })
    .await;
}
