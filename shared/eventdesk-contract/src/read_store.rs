//! What every [`ReadStore`] keeps, finds and refuses.

mod generations;
mod pages;
mod writes;

use std::sync::Arc;

use eventdesk_app::ports::{Document, Field, FieldKind, GenerationStore, Index, Put, ReadStore, Value, ViewSpec};

use crate::suite::run_cases;

/// A view with every kind of field and index.
pub static THINGS: ViewSpec = ViewSpec {
    name: "things",
    shape: 1,
    fields: &[
        Field { name: "status", kind: FieldKind::Text },
        Field { name: "rank", kind: FieldKind::Int },
        Field { name: "owner", kind: FieldKind::Text },
        Field { name: "number", kind: FieldKind::Int },
        // A word of SQL's own.
        Field { name: "group", kind: FieldKind::Text },
        Field { name: "tags", kind: FieldKind::Set },
    ],
    indexes: &[
        Index { fields: &["rank"], unique: false },
        Index { fields: &["status", "rank"], unique: false },
        Index { fields: &["owner", "rank"], unique: false },
        Index { fields: &["group"], unique: false },
        Index { fields: &["number"], unique: true },
    ],
};

/// [`THINGS`] as a later build has them: fields kept, of another kind, new and gone.
pub static THINGS_RESHAPED: ViewSpec = ViewSpec {
    name: "things",
    shape: 2,
    fields: &[
        Field { name: "rank", kind: FieldKind::Int },
        Field { name: "owner", kind: FieldKind::Set },
        Field { name: "colour", kind: FieldKind::Text },
        Field { name: "status", kind: FieldKind::Text },
        Field { name: "labels", kind: FieldKind::Set },
    ],
    indexes: &[
        Index { fields: &["rank"], unique: false },
        Index { fields: &["colour", "rank"], unique: false },
        Index { fields: &["status", "rank"], unique: false },
    ],
};

/// A second view, whose name begins like the first one's.
pub static THINGS_OLD: ViewSpec = ViewSpec {
    name: "things_old",
    shape: 3,
    fields: &[Field { name: "rank", kind: FieldKind::Int }],
    indexes: &[Index { fields: &["rank"], unique: false }],
};

/// A document of [`THINGS`] with its own number and nothing else of note.
pub fn thing(id: &str, rank: i64) -> Document {
    Document {
        id: id.to_owned(),
        version: 1,
        revision: 1,
        deleted: false,
        fields: vec![text("new"), Value::Int(rank), Value::Null, Value::Null, Value::Null, Value::Set(Vec::new())],
        body: format!(r#"{{"id":"{id}"}}"#),
    }
}

/// The document with another value of a field.
///
/// # Panics
/// If the view has no such field.
#[must_use]
pub fn with(mut document: Document, field: &str, value: Value) -> Document {
    let (place, _) = THINGS.field(field).expect("the suite's view has the field");
    document.fields[place] = value;
    document
}

/// The document as its writer would write it next.
#[must_use]
pub fn next(mut document: Document) -> Document {
    document.version += 1;
    document.revision += 1;
    document
}

/// A text value.
pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A set value.
pub fn set(texts: &[&str]) -> Value {
    let mut texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    texts.sort();
    texts.dedup();
    Value::Set(texts)
}

fn put(document: &Document) -> Put {
    Put { view: &THINGS, document: document.clone() }
}

async fn store_all(store: &dyn ReadStore, documents: &[Document]) {
    store.apply(documents.iter().map(put).collect(), None).await.expect("documents are stored");
}

async fn one(store: &dyn ReadStore, id: &str) -> Option<Document> {
    store.get(&THINGS, &[id]).await.expect("documents are read").pop().flatten()
}

/// Runs every case, each on a fresh store. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all(make: impl AsyncFn() -> Arc<dyn ReadStore>) {
    let fresh = async || {
        let store = make().await;
        store.prepare(&[&THINGS, &THINGS_OLD]).await.expect("views are prepared");
        store
    };
    run_cases!(make, [writes::an_unprepared_view_is_refused]);
    run_cases!(
        fresh,
        [
            writes::preparing_twice_keeps_generation_and_documents,
            writes::documents_come_in_the_order_asked_tombstones_too,
            writes::views_are_apart,
            writes::a_stale_revision_loses_the_guard,
            writes::nothing_after_a_lost_guard_is_applied,
            writes::a_lost_guard_takes_no_other_writer_down,
            writes::parallel_writers_lose_no_update,
            writes::one_apply_can_write_a_document_twice,
            writes::unique_fields_are_unique_among_the_living,
            writes::misuse_is_refused_and_changes_nothing,
            writes::progress_is_stored_with_the_documents,
            writes::an_unknown_consumer_stands_at_the_beginning,
            writes::a_position_is_in_retry_or_dead_or_neither,
            writes::unusual_text_is_kept,
            pages::each_filter_alone,
            pages::filters_hold_together,
            pages::contains_knows_no_wildcards,
            pages::numbers_are_whole_to_their_ends,
            pages::sorts_both_ways_with_ties_by_id,
            pages::pages_neither_repeat_nor_lose_under_writes,
            pages::a_page_starts_after_a_vanished_document,
            pages::pages_over_several_values_are_whole,
            pages::sets_follow_their_documents,
            pages::frequent_and_rare_texts_of_a_set_are_found_alike,
            pages::deleted_documents_are_in_no_page_or_count,
            pages::counts_each_value,
            pages::misused_queries_are_refused,
        ]
    );
}

/// Runs every case of [`GenerationStore`], each on a fresh store. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_generations(make: impl AsyncFn() -> Arc<dyn GenerationStore>) {
    let fresh = async || {
        let store = make().await;
        store.prepare(&[&THINGS, &THINGS_OLD]).await.expect("views are prepared");
        store
    };
    run_cases!(
        fresh,
        [
            generations::there_is_one_at_first,
            generations::a_new_one_is_not_read_and_not_written,
            generations::filling_leaves_what_is_there,
            generations::many_documents_are_filled_in_at_once,
            generations::of_many_documents_those_that_are_there_are_told,
            generations::pages_are_in_the_order_of_ids,
            generations::holders_of_a_text_are_found,
            generations::an_order_to_write_both_is_seen,
            generations::writes_go_where_they_are_told_with_guards_of_their_own,
            generations::a_flip_changes_what_queries_read_and_can_be_taken_back,
            generations::a_dropped_one_is_gone_and_its_number_with_it,
            generations::what_is_written_is_found_by_its_sets,
            generations::a_drop_that_was_interrupted_can_be_finished,
            generations::one_of_other_fields_serves_until_a_rebuild,
            generations::an_older_build_finds_its_fields_again,
        ]
    );
}
