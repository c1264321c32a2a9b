//! Generations beside the live one.
#![expect(clippy::unwrap_used, reason = "a suite is a test: a panic fails its case")]

use std::sync::Arc;

use eventdesk_app::ports::{
    ApplyError, Document, Filter, Generation, GenerationStore, Position, Progress, Put, ReadStoreError, Select, Sort,
    Value, Written,
};

use super::{THINGS, THINGS_OLD, THINGS_RESHAPED, next, put, set, text, thing, with};

type Store = Arc<dyn GenerationStore>;

/// A generation beside the live one, with documents `a`, `b`, … of these ranks.
async fn beside(store: &dyn GenerationStore, ranks: &[i64]) -> u32 {
    let generation = store.make_generation(&THINGS).await.unwrap();
    let documents = ranks.iter().zip('a'..).map(|(rank, id)| thing(&id.to_string(), *rank)).collect();
    assert_eq!(store.fill(&THINGS, generation, Arc::new(documents)).await.unwrap(), Vec::<usize>::new());
    store.make_indexes(&THINGS, generation).await.unwrap();
    generation
}

async fn live(store: &dyn GenerationStore, documents: &[Document]) {
    store.apply(documents.iter().map(put).collect(), None).await.unwrap();
}

async fn in_generation(store: &dyn GenerationStore, generation: u32, id: &str) -> Option<Document> {
    store.get_in(&THINGS, generation, &[id]).await.unwrap().pop().flatten()
}

/// Asks until a cached answer has run out.
async fn ranks(store: &dyn GenerationStore, expected: &[i64]) {
    ranks_of(store, Filter::Equal("status", text("new")), expected).await;
}

async fn ranks_of(store: &dyn GenerationStore, filter: Filter, expected: &[i64]) {
    let sort = Sort { field: "rank", descending: false };
    let select = Select { view: &THINGS, filters: vec![filter], sort, after: None, limit: 100 };
    let expected: Vec<_> = expected.iter().map(|rank| Value::Int(*rank)).collect();
    let mut found = Vec::new();
    for _ in 0..1_000 {
        found = store.select(&select).await.unwrap().into_iter().map(|hit| hit.place).collect();
        if found == expected {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(found, expected);
}

async fn written(store: &dyn GenerationStore) -> Written {
    store.written(&[&THINGS_OLD, &THINGS]).await.unwrap()[1]
}

pub(super) async fn there_is_one_at_first(store: Store) {
    let one = Generation { number: 1, shape: 1, live: true, also: false };
    assert_eq!(store.stored_generations(&THINGS).await.unwrap(), [one]);
    assert_eq!(store.stored_generations(&THINGS_OLD).await.unwrap(), [Generation { shape: 3, ..one }]);
    assert_eq!(written(&*store).await, Written { live: 1, also: None });
}

pub(super) async fn a_new_one_is_not_read_and_not_written(store: Store) {
    live(&*store, &[thing("a", 7)]).await;
    let generation = beside(&*store, &[1, 2]).await;
    assert_eq!(generation, 2);
    live(&*store, &[thing("c", 9)]).await;
    ranks(&*store, &[7, 9]).await;
    assert_eq!((store.size_of(&THINGS, 1).await.unwrap(), store.size_of(&THINGS, 2).await.unwrap()), (2, 2));
    assert_eq!(in_generation(&*store, 2, "a").await, Some(thing("a", 1)));
    assert_eq!(in_generation(&*store, 1, "a").await, Some(thing("a", 7)));
    let listed = store.stored_generations(&THINGS).await.unwrap();
    assert_eq!(listed.iter().map(|one| (one.number, one.live)).collect::<Vec<_>>(), [(1, true), (2, false)]);
}

pub(super) async fn filling_leaves_what_is_there(store: Store) {
    let generation = beside(&*store, &[1, 2]).await;
    let full = with(with(thing("d", 4), "tags", set(&["x", "y"])), "owner", text("o"));
    let tombstone = Document { deleted: true, ..thing("e", 5) };
    let documents = vec![thing("c", 3), next(thing("a", 9)), full.clone(), tombstone.clone(), next(thing("b", 9))];
    assert_eq!(store.fill(&THINGS, generation, Arc::new(documents)).await.unwrap(), [1, 4]);
    assert_eq!(in_generation(&*store, generation, "a").await, Some(thing("a", 1)));
    let asked = store.get_in(&THINGS, generation, &["e", "nobody", "d", "e"]).await.unwrap();
    assert_eq!(asked, [Some(tombstone.clone()), None, Some(full), Some(tombstone)]);
    assert_eq!(store.fill(&THINGS, generation, Arc::new(Vec::new())).await.unwrap(), Vec::<usize>::new());
}

pub(super) async fn many_documents_are_filled_in_at_once(store: Store) {
    let generation = beside(&*store, &[1, 2]).await;
    let documents: Vec<_> = (0..700).map(|number| thing(&format!("n-{number:03}"), number)).collect();
    assert_eq!(store.fill(&THINGS, generation, Arc::new(documents.clone())).await.unwrap(), Vec::<usize>::new());
    let again: Vec<_> = (0..700).collect();
    assert_eq!(store.fill(&THINGS, generation, Arc::new(documents)).await.unwrap(), again);
    assert_eq!(store.size_of(&THINGS, generation).await.unwrap(), 702);
}

pub(super) async fn of_many_documents_those_that_are_there_are_told(store: Store) {
    let generation = beside(&*store, &[]).await;
    let tagged = |number: usize| {
        let rank = i64::try_from(number).unwrap();
        with(
            thing(&format!("n-{number:03}"), rank),
            "tags",
            set(&[if number.is_multiple_of(3) { "third" } else { "other" }]),
        )
    };
    let first: Vec<_> = (0..50).step_by(7).collect();
    let fill = async |numbers: &[usize]| {
        let documents = numbers.iter().map(|number| tagged(*number)).collect();
        store.fill(&THINGS, generation, Arc::new(documents)).await.unwrap()
    };
    assert_eq!(fill(&first).await, Vec::<usize>::new());
    assert_eq!(fill(&(0..50).collect::<Vec<_>>()).await, first);
    store.flip(&[(&THINGS, generation)]).await.unwrap();
    let third: Vec<_> = (0..50).step_by(3).collect();
    ranks_of(&*store, Filter::Holds("tags", "third".to_owned()), &third).await;
}

pub(super) async fn pages_are_in_the_order_of_ids(store: Store) {
    let generation = beside(&*store, &[5, 4, 3, 2, 1]).await;
    let (mut found, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store.page_in(&THINGS, generation, after.as_deref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        found.extend(page);
    }
    let expected: Vec<_> = [("a", 5), ("b", 4), ("c", 3), ("d", 2), ("e", 1)].map(|(id, rank)| thing(id, rank)).into();
    assert_eq!(found, expected);
}

pub(super) async fn holders_of_a_text_are_found(store: Store) {
    let generation = beside(&*store, &[1]).await;
    let owned = |id: &str, owner: &str| with(thing(id, 1), "owner", text(owner));
    let gone = Document { deleted: true, ..owned("s", "x") };
    let documents = vec![owned("p", "x"), owned("q", "y"), owned("r", "x"), gone, owned("t", "z")];
    store.fill(&THINGS, generation, Arc::new(documents)).await.unwrap();
    let values = ["x", "z", "nobody"].map(str::to_owned);
    let mut found = store.holding_in(&THINGS, generation, "owner", &values).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found, [owned("p", "x"), owned("r", "x"), owned("t", "z")]);
    assert!(store.holding_in(&THINGS, 1, "owner", &values).await.unwrap().is_empty());
}

pub(super) async fn an_order_to_write_both_is_seen(store: Store) {
    let generation = beside(&*store, &[1]).await;
    store.write_also(&[(&THINGS, Some(generation))]).await.unwrap();
    assert_eq!(written(&*store).await, Written { live: 1, also: Some(generation) });
    assert!(store.stored_generations(&THINGS).await.unwrap()[1].also);
    store.write_also(&[(&THINGS, None)]).await.unwrap();
    assert_eq!(written(&*store).await, Written { live: 1, also: None });
    assert!(matches!(store.write_also(&[(&THINGS, Some(9))]).await, Err(ReadStoreError::Internal(_))));
}

pub(super) async fn writes_go_where_they_are_told_with_guards_of_their_own(store: Store) {
    live(&*store, &[thing("a", 7)]).await;
    let generation = beside(&*store, &[1, 2]).await;
    let progress = |cursor| Progress {
        consumer: "things".to_owned(),
        cursor: Position(cursor),
        retries: Vec::new(),
        dead: Vec::new(),
        cleared: Vec::new(),
    };
    let tagged = with(next(thing("a", 8)), "tags", set(&["x"]));
    let both = vec![(1, put(&next(thing("a", 9)))), (generation, put(&tagged)), (generation, put(&thing("n", 3)))];
    store.apply_in(both, Some(progress(4))).await.unwrap();
    assert_eq!(in_generation(&*store, 1, "a").await, Some(next(thing("a", 9))));
    assert_eq!(in_generation(&*store, generation, "a").await, Some(tagged));
    assert_eq!(store.consumer("things").await.unwrap().cursor, Position(4));

    let stale = vec![(generation, put(&next(thing("a", 1))))];
    assert!(matches!(store.apply_in(stale, Some(progress(5))).await, Err(ApplyError::GuardLost { .. })));
    let nowhere = vec![(9, put(&thing("z", 1)))];
    assert!(matches!(store.apply_in(nowhere, None).await, Err(ApplyError::GuardLost { .. })));
    assert_eq!(store.consumer("things").await.unwrap().cursor, Position(4));
}

pub(super) async fn a_flip_changes_what_queries_read_and_can_be_taken_back(store: Store) {
    live(&*store, &[thing("a", 7)]).await;
    assert_eq!(store.glance(&THINGS, &["a"]).await.unwrap()[0].as_ref().map(|glance| glance.version), Some(1));
    let generation = beside(&*store, &[1, 2]).await;
    store.apply_in(vec![(generation, put(&next(thing("a", 1))))], None).await.unwrap();
    store.flip(&[(&THINGS, generation)]).await.unwrap();
    ranks(&*store, &[1, 2]).await;
    assert_eq!(store.generation(&THINGS).await.unwrap(), generation);
    assert_eq!(store.generation(&THINGS_OLD).await.unwrap(), 1);
    assert_eq!(written(&*store).await, Written { live: generation, also: Some(1) });
    assert_eq!(store.glance(&THINGS, &["a"]).await.unwrap()[0].as_ref().map(|glance| glance.version), Some(2));
    live(&*store, &[thing("z", 3)]).await;
    ranks(&*store, &[1, 2, 3]).await;
    store.prepare(&[&THINGS]).await.unwrap();

    store.flip(&[(&THINGS, 1)]).await.unwrap();
    ranks(&*store, &[7]).await;
    assert_eq!(written(&*store).await, Written { live: 1, also: Some(generation) });
    assert!(matches!(store.flip(&[(&THINGS, 9)]).await, Err(ReadStoreError::Internal(_))));
}

pub(super) async fn a_dropped_one_is_gone_and_its_number_with_it(store: Store) {
    live(&*store, &[thing("a", 7)]).await;
    let generation = beside(&*store, &[1, 2]).await;
    store.fill(&THINGS, generation, Arc::new(vec![with(thing("t", 3), "tags", set(&["x", "y"]))])).await.unwrap();
    store.write_also(&[(&THINGS, Some(generation))]).await.unwrap();
    store.drop_generation(&THINGS, generation).await.unwrap();
    store.drop_generation(&THINGS, generation).await.unwrap();
    assert_eq!(written(&*store).await, Written { live: 1, also: None });
    assert_eq!(store.stored_generations(&THINGS).await.unwrap().len(), 1);
    assert!(matches!(store.get_in(&THINGS, generation, &["a"]).await, Err(ReadStoreError::Internal(_))));
    assert!(matches!(store.size_of(&THINGS, generation).await, Err(ReadStoreError::Internal(_))));
    let late = store.apply_in(vec![(generation, put(&thing("z", 1)))], None).await;
    assert!(matches!(late, Err(ApplyError::GuardLost { .. })));
    assert!(matches!(store.drop_generation(&THINGS, 1).await, Err(ReadStoreError::Internal(_))));
    ranks(&*store, &[7]).await;
    let again = beside(&*store, &[5]).await;
    assert_eq!(in_generation(&*store, again, "t").await, None);
}

pub(super) async fn what_is_written_is_found_by_its_sets(store: Store) {
    let tagged = |id: &str, texts: &[&str]| with(thing(id, 1), "tags", set(texts));
    live(&*store, &[tagged("a", &["x", "y"]), tagged("b", &["x"])]).await;
    live(&*store, &[next(tagged("a", &["y", "z"])), next(Document { deleted: true, ..tagged("b", &["x"]) })]).await;
    for only in [None, Some("a"), Some("b"), Some("nobody")] {
        assert!(store.misfiled(&THINGS, 1, only).await.unwrap().is_empty(), "{only:?}");
    }
}

pub(super) async fn a_drop_that_was_interrupted_can_be_finished(store: Store) {
    let kept = beside(&*store, &[1]).await;
    let generation = beside(&*store, &[2, 3]).await;
    let listed = async || -> Vec<u32> {
        store.stored_generations(&THINGS).await.unwrap().into_iter().map(|one| one.number).collect()
    };
    let begun = async {
        while listed().await.contains(&generation) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        dropped = store.drop_generation(&THINGS, generation) => dropped.unwrap(),
        () = begun => {}
    }
    store.finish_drops(&THINGS).await.unwrap();
    assert_eq!(listed().await, [1, kept]);
    assert_eq!(in_generation(&*store, kept, "a").await, Some(thing("a", 1)));
    // What is left of one would keep its number.
    assert_eq!(store.make_generation(&THINGS).await.unwrap(), generation);
    store.finish_drops(&THINGS).await.unwrap();
    assert_eq!(listed().await, [1, kept, generation]);
}

/// A document as the later build makes it.
fn reshaped(id: &str, revision: u64, owner: &[&str], colour: Value, labels: &[&str]) -> Put {
    let fields = vec![Value::Int(1), set(owner), colour, text("new"), set(labels)];
    let document = Document { version: revision, revision, fields, ..thing(id, 1) };
    Put { view: &THINGS_RESHAPED, document }
}

/// The ids that a filter of the later build finds, in order of rank.
async fn found(store: &dyn GenerationStore, filter: Filter) -> Vec<String> {
    let sort = Sort { field: "rank", descending: false };
    let select = Select { view: &THINGS_RESHAPED, filters: vec![filter], sort, after: None, limit: 100 };
    store.select(&select).await.unwrap().into_iter().map(|hit| hit.id).collect()
}

pub(super) async fn one_of_other_fields_serves_until_a_rebuild(store: Store) {
    live(&*store, &[with(thing("a", 1), "owner", text("Ann")), with(thing("b", 2), "number", Value::Int(7))]).await;
    let kept = beside(&*store, &[1]).await;
    store.prepare(&[&THINGS_RESHAPED]).await.unwrap();

    let listed = store.stored_generations(&THINGS_RESHAPED).await.unwrap();
    assert_eq!(listed.iter().map(|one| (one.number, one.shape)).collect::<Vec<_>>(), [(1, 1), (kept, 1)]);
    // What was there is there, and what is new is empty.
    let old = store.get(&THINGS_RESHAPED, &["a"]).await.unwrap().pop().flatten().unwrap();
    assert_eq!(old.fields, [Value::Int(1), set(&[]), Value::Null, text("new"), set(&[])]);
    assert_eq!(old.body, thing("a", 1).body);
    assert_eq!(found(&*store, Filter::Equal("status", text("new"))).await, ["a", "b"]);
    assert_eq!(found(&*store, Filter::Equal("colour", Value::Null)).await, ["a", "b"]);
    assert_eq!(found(&*store, Filter::Holds("owner", "Ann".to_owned())).await, Vec::<String>::new());

    // It fills as documents are written, in every generation.
    let red = |id, revision| reshaped(id, revision, &["Ann"], text("red"), &["x", "y"]);
    store.apply(vec![red("a", 2), red("c", 1), red("d", 1)], None).await.unwrap();
    store.apply_in(vec![(kept, red("a", 2)), (kept, red("e", 1))], None).await.unwrap();
    for filter in [
        Filter::Equal("colour", text("red")),
        Filter::Holds("owner", "Ann".to_owned()),
        Filter::Holds("labels", "y".to_owned()),
    ] {
        assert_eq!(found(&*store, filter).await, ["a", "c", "d"]);
    }
    assert_eq!(store.size_of(&THINGS_RESHAPED, kept).await.unwrap(), 2);

    // A new one is of today's shape, and the others can go.
    store.drop_generation(&THINGS_RESHAPED, kept).await.unwrap();
    let new = store.make_generation(&THINGS_RESHAPED).await.unwrap();
    let documents = vec![reshaped("z", 1, &[], text("blue"), &["z"]).document];
    store.fill(&THINGS_RESHAPED, new, Arc::new(documents)).await.unwrap();
    store.make_indexes(&THINGS_RESHAPED, new).await.unwrap();
    store.flip(&[(&THINGS_RESHAPED, new)]).await.unwrap();
    assert_eq!(found(&*store, Filter::Holds("labels", "z".to_owned())).await, ["z"]);
    store.write_also(&[(&THINGS_RESHAPED, None)]).await.unwrap();
    store.drop_generation(&THINGS_RESHAPED, 1).await.unwrap();
    let one = Generation { number: new, shape: 2, live: true, also: false };
    assert_eq!(store.stored_generations(&THINGS_RESHAPED).await.unwrap(), [one]);
}

pub(super) async fn an_older_build_finds_its_fields_again(store: Store) {
    live(&*store, &[with(thing("a", 1), "owner", text("Ann"))]).await;
    store.prepare(&[&THINGS_RESHAPED]).await.unwrap();
    store.apply(vec![reshaped("a", 2, &["Ann"], text("red"), &["x"])], None).await.unwrap();
    store.prepare(&[&THINGS]).await.unwrap();
    let back = store.get(&THINGS, &["a"]).await.unwrap().pop().flatten().unwrap();
    assert_eq!(back.fields, thing("a", 1).fields);
    // The documents are not those that this build would have made.
    assert_eq!(store.stored_generations(&THINGS).await.unwrap()[0].shape, 0);
    live(&*store, &[Document { revision: 3, version: 3, ..with(thing("a", 4), "tags", set(&["t"])) }]).await;
    ranks(&*store, &[4]).await;
}
