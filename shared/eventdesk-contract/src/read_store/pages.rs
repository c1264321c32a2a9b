//! Queries.
#![expect(clippy::unwrap_used, reason = "a suite is a test: a panic fails its case")]

use std::sync::Arc;

use eventdesk_app::ports::{Document, Filter, Glance, Hit, ReadStore, ReadStoreError, Select, Sort, Value};

use super::{THINGS, next, set, store_all, text, thing, with};

type Store = Arc<dyn ReadStore>;

const BY_RANK: Sort = Sort { field: "rank", descending: false };

fn page(filters: &[Filter], sort: Sort, limit: usize) -> Select {
    Select { view: &THINGS, filters: filters.to_vec(), sort, after: None, limit }
}

async fn stored(store: &dyn ReadStore, id: &str) -> Document {
    let found = store.get(&THINGS, &[id]).await.expect("a document is read").pop().flatten().expect("it is there");
    let glance = store.glance(&THINGS, &[id, "nobody"]).await.expect("a document is glanced at");
    let lean = Glance { id: id.to_owned(), version: found.version, deleted: found.deleted, body: found.body.clone() };
    assert_eq!(glance, [Some(lean), None], "a glance shows the same document");
    found
}

async fn select(store: &dyn ReadStore, select: &Select) -> Vec<String> {
    let found = store.select(select).await.expect("a page is read");
    found.into_iter().map(|document| document.id).collect()
}

/// The ids that match, by rank and by the other way, and the count, which must agree.
async fn matching(store: &dyn ReadStore, filters: &[Filter]) -> String {
    let found = select(store, &page(filters, BY_RANK, 1000)).await;
    let mut back = select(store, &page(filters, Sort { descending: true, ..BY_RANK }, 1000)).await;
    back.reverse();
    assert_eq!(found, back, "the same both ways: {filters:?}");
    let count = store.count(&THINGS, filters).await.expect("documents are counted");
    assert_eq!(count, found.len() as u64, "the count agrees: {filters:?}");
    found.join(" ")
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

/// Four documents that differ in everything.
async fn some(store: &dyn ReadStore) {
    let a = with(with(thing("a", 1), "status", text("open")), "tags", set(&["red", "blue"]));
    let b = with(with(thing("b", 2), "status", text("open")), "owner", text("ann"));
    let c = with(with(thing("c", 3), "status", text("closed")), "owner", text("bob"));
    let d = with(with(thing("d", 4), "status", text("new")), "tags", set(&["red"]));
    let b = with(with(b, "number", int(20)), "group", text("Night shift"));
    let c = with(with(c, "number", int(30)), "group", text("night watch"));
    store_all(store, &[c, a, d, b]).await;
}

pub(super) async fn each_filter_alone(store: Store) {
    some(&*store).await;
    let cases = [
        (Filter::Equal("status", text("open")), "a b"),
        (Filter::Equal("status", text("Open")), ""),
        (Filter::Equal("status", text("none")), ""),
        (Filter::Equal("rank", int(3)), "c"),
        (Filter::Equal("owner", Value::Null), "a d"),
        (Filter::Equal("number", Value::Null), "a d"),
        (Filter::Equal("number", int(30)), "c"),
        (Filter::OneOf("status", vec![text("new"), text("closed")]), "c d"),
        (Filter::OneOf("status", vec![text("new"), text("new"), text("open")]), "a b d"),
        (Filter::OneOf("status", vec![]), ""),
        (Filter::OneOf("status", vec![text("closed")]), "c"),
        (Filter::OneOf("owner", vec![Value::Null, text("bob")]), "a c d"),
        (Filter::OneOf("group", vec![Value::Null, text("night watch")]), "a c d"),
        (Filter::OneOf("rank", vec![int(1), int(9), int(4)]), "a d"),
        (Filter::OneOf("rank", (2..40).map(int).collect()), "b c d"),
        (Filter::Less("rank", int(3)), "a b"),
        (Filter::Greater("rank", int(3)), "d"),
        (Filter::Less("number", int(30)), "b"),
        (Filter::Greater("number", int(0)), "b c"),
        (Filter::Less("owner", text("b")), "b"),
        (Filter::Greater("owner", text("ann")), "c"),
        (Filter::Holds("tags", "red".to_owned()), "a d"),
        (Filter::Holds("tags", "blue".to_owned()), "a"),
        (Filter::Holds("tags", "re".to_owned()), ""),
        (Filter::Contains("group", "ight".to_owned()), "b c"),
        (Filter::Contains("group", "night".to_owned()), "c"),
        (Filter::Contains("group", String::new()), "b c"),
        (Filter::Contains("status", "e".to_owned()), "a b c d"),
    ];
    for (filter, expected) in cases {
        assert_eq!(matching(&*store, std::slice::from_ref(&filter)).await, expected, "{filter:?}");
    }
    assert_eq!(matching(&*store, &[]).await, "a b c d");
}

pub(super) async fn filters_hold_together(store: Store) {
    some(&*store).await;
    let open = || Filter::Equal("status", text("open"));
    let red = || Filter::Holds("tags", "red".to_owned());
    let cases: [(&[Filter], &str); 8] = [
        (&[open(), red()], "a"),
        (&[open(), Filter::Equal("owner", Value::Null)], "a"),
        (&[open(), Filter::Equal("status", text("new"))], ""),
        (&[red(), Filter::Holds("tags", "blue".to_owned())], "a"),
        (&[red(), Filter::Greater("rank", int(1))], "d"),
        (&[Filter::Greater("rank", int(1)), Filter::Less("rank", int(4))], "b c"),
        (&[Filter::OneOf("status", vec![text("open"), text("new")]), Filter::OneOf("owner", vec![Value::Null])], "a d"),
        (
            &[Filter::OneOf("status", vec![text("open"), text("closed")]), Filter::Contains("group", "N".to_owned())],
            "b",
        ),
    ];
    for (filters, expected) in cases {
        assert_eq!(matching(&*store, filters).await, expected, "{filters:?}");
    }
}

pub(super) async fn contains_knows_no_wildcards(store: Store) {
    let texts = [
        "100%",
        "100x",
        "a_b",
        "axb",
        "it's",
        "back\\slash",
        "ÄÖ",
        "[a-c]",
        "(x|y)",
        "^1$",
        "1.5",
        "1+5?",
        "{2,}",
        "nul\0l",
        "two\nlines",
    ];
    let named = |text: &&str| with(thing(&format!("id of {text}"), 1), "group", super::text(text));
    store_all(&*store, &texts.iter().map(named).collect::<Vec<_>>()).await;
    for (part, expected) in [
        ("0%", "100%"),
        ("_", "a_b"),
        ("'", "it's"),
        ("\\", "back\\slash"),
        ("Ö", "ÄÖ"),
        ("a*b", ""),
        ("ä", ""),
        ("[a-c]", "[a-c]"),
        ("x|y", "(x|y)"),
        ("^1$", "^1$"),
        ("1.5", "1.5"),
        ("1+5?", "1+5?"),
        ("{2,}", "{2,}"),
        ("l\0l", "nul\0l"),
        ("\0", "nul\0l"),
        ("o\nl", "two\nlines"),
        ("(?i)IT", ""),
        ("\\E", ""),
    ] {
        let expected = if expected.is_empty() { String::new() } else { format!("id of {expected}") };
        assert_eq!(matching(&*store, &[Filter::Contains("group", part.to_owned())]).await, expected, "{part}");
    }
}

pub(super) async fn numbers_are_whole_to_their_ends(store: Store) {
    // Beyond 2^53 neighbours are the same to whoever counts in floating point.
    let ranks = [i64::MIN, i64::MIN + 1, -1, 0, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, i64::MAX - 1, i64::MAX];
    let mut made: Vec<_> = ranks.iter().zip('a'..).map(|(rank, id)| thing(&id.to_string(), *rank)).collect();
    made.reverse();
    store_all(&*store, &made).await;
    assert_eq!(matching(&*store, &[]).await, "a b c d e f g h i");
    for (rank, id) in ranks.iter().zip('a'..) {
        let (rank, id) = (int(*rank), id.to_string());
        assert_eq!(matching(&*store, &[Filter::Equal("rank", rank.clone())]).await, id);
        let below = matching(&*store, &[Filter::Less("rank", rank.clone())]).await;
        let above = matching(&*store, &[Filter::Greater("rank", rank.clone())]).await;
        assert_eq!(format!("{below} {id} {above}").trim(), "a b c d e f g h i");
        let after = Select { after: Some((rank, id)), ..page(&[], BY_RANK, 10) };
        assert_eq!(select(&*store, &after).await.join(" "), above);
    }
}

pub(super) async fn sorts_both_ways_with_ties_by_id(store: Store) {
    let documents = [("d", 2, "z"), ("a", 2, "y"), ("b", 1, "Z"), ("c", 2, "é"), ("e", -5, "z")];
    let made = documents.map(|(id, rank, status)| with(thing(id, rank), "status", text(status)));
    store_all(&*store, &made).await;
    for (field, expected) in [("rank", ["e", "b", "a", "c", "d"]), ("status", ["b", "a", "d", "e", "c"])] {
        let up = select(&*store, &page(&[], Sort { field, descending: false }, 10)).await;
        assert_eq!(up, expected, "by {field}");
        let mut down = select(&*store, &page(&[], Sort { field, descending: true }, 10)).await;
        down.reverse();
        assert_eq!(down, expected, "by {field}, largest first");
    }
    assert_eq!(select(&*store, &page(&[], BY_RANK, 2)).await, ["e", "b"]);
    assert!(select(&*store, &page(&[], BY_RANK, 0)).await.is_empty());
}

fn place(hit: &Hit) -> (Value, String) {
    (hit.place.clone(), hit.id.clone())
}

pub(super) async fn pages_neither_repeat_nor_lose_under_writes(store: Store) {
    for (descending, round) in [(false, "x"), (true, "y")] {
        // Five documents a rank, so that pages end within ties.
        let ids: Vec<_> = (0..50).map(|n| format!("{round}{n:02}")).collect();
        let filters = [Filter::Equal("status", text(round))];
        let made = |(n, id): (i64, &String)| with(thing(id, n / 5), "status", text(round));
        store_all(&*store, &(0..).zip(&ids).map(made).collect::<Vec<_>>()).await;
        let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let ask = Select { after, ..page(&filters, Sort { descending, ..BY_RANK }, 7) };
            let found = store.select(&ask).await.unwrap();
            let Some(last) = found.last() else { break };
            after = Some(place(last));
            seen.extend(found.iter().map(|document| document.id.clone()));
            // Documents arrive before and after the place, and the page's own last one is changed elsewhere.
            pages += 1;
            let early =
                with(thing(&format!("{round}-early-{pages}"), if descending { 99 } else { -1 }), "status", text(round));
            store_all(&*store, &[early, next(with(stored(&*store, &last.id).await, "group", text("changed")))]).await;
        }
        let mut expected = ids;
        if descending {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}

pub(super) async fn a_page_starts_after_a_vanished_document(store: Store) {
    store_all(&*store, &[thing("a", 1), thing("c", 1), thing("d", 2)]).await;
    let after = |rank, id: &str| Select { after: Some((int(rank), id.to_owned())), ..page(&[], BY_RANK, 10) };
    assert_eq!(select(&*store, &after(1, "b")).await, ["c", "d"]);
    assert_eq!(select(&*store, &after(1, "a")).await, ["c", "d"]);
    assert_eq!(select(&*store, &after(0, "zzz")).await, ["a", "c", "d"]);
    assert!(select(&*store, &after(2, "d")).await.is_empty());
    store_all(&*store, &[Document { deleted: true, ..next(thing("c", 1)) }]).await;
    assert_eq!(select(&*store, &after(1, "c")).await, ["d"]);
}

pub(super) async fn pages_over_several_values_are_whole(store: Store) {
    let statuses = ["new", "open", "closed"];
    let made = (0..90).zip(statuses.into_iter().cycle());
    let made = made.map(|(n, status)| with(thing(&format!("{n:02}"), n / 4), "status", text(status)));
    store_all(&*store, &made.collect::<Vec<_>>()).await;
    let filters = [Filter::OneOf("status", vec![text("closed"), text("new"), text("never")])];
    for descending in [false, true] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let ask = Select { after, ..page(&filters, Sort { descending, ..BY_RANK }, 11) };
            let found = store.select(&ask).await.unwrap();
            let Some(last) = found.last() else { break };
            after = Some(place(last));
            assert!(found.len() <= 11);
            seen.extend(found.into_iter().map(|document| document.id));
        }
        if descending {
            seen.reverse();
        }
        let expected: Vec<_> = (0..90).filter(|n| n % 3 != 1).map(|n| format!("{n:02}")).collect();
        assert_eq!(seen, expected);
    }
}

pub(super) async fn sets_follow_their_documents(store: Store) {
    let holds = |tag: &str| [Filter::Holds("tags", tag.to_owned())];
    let document = with(thing("a", 1), "tags", set(&["old", "kept"]));
    store_all(&*store, std::slice::from_ref(&document)).await;
    let document = next(with(document, "tags", set(&["kept", "new"])));
    store_all(&*store, std::slice::from_ref(&document)).await;
    for (tag, expected) in [("old", ""), ("kept", "a"), ("new", "a")] {
        assert_eq!(matching(&*store, &holds(tag)).await, expected, "{tag}");
    }
    let document = Document { deleted: true, ..next(document) };
    store_all(&*store, std::slice::from_ref(&document)).await;
    assert_eq!(matching(&*store, &holds("kept")).await, "");
    let document = Document { deleted: false, ..next(with(document, "tags", set(&["kept"]))) };
    store_all(&*store, std::slice::from_ref(&document)).await;
    for (tag, expected) in [("kept", "a"), ("new", "")] {
        assert_eq!(matching(&*store, &holds(tag)).await, expected, "{tag} after the return");
    }
}

pub(super) async fn frequent_and_rare_texts_of_a_set_are_found_alike(store: Store) {
    let made = (0..450).map(|n| {
        let tags: &[&str] = if n % 50 == 0 { &["all", "rare"] } else { &["all"] };
        with(thing(&format!("{n:03}"), 1000 - n), "tags", set(tags))
    });
    store_all(&*store, &made.collect::<Vec<_>>()).await;
    let holds = |tag: &str| [Filter::Holds("tags", tag.to_owned())];
    assert_eq!(select(&*store, &page(&holds("all"), BY_RANK, 3)).await, ["449", "448", "447"]);
    assert_eq!(select(&*store, &page(&holds("rare"), BY_RANK, 3)).await, ["400", "350", "300"]);
    let after = Some((int(1000 - 300), "300".to_owned()));
    for tag in ["all", "rare"] {
        let found = select(&*store, &Select { after: after.clone(), ..page(&holds(tag), BY_RANK, 500) }).await;
        let expected = (0..300).rev().filter(|n| tag == "all" || n % 50 == 0).map(|n| format!("{n:03}"));
        assert_eq!(found, expected.collect::<Vec<_>>(), "{tag}");
    }
}

pub(super) async fn deleted_documents_are_in_no_page_or_count(store: Store) {
    some(&*store).await;
    let gone = Document { deleted: true, ..next(with(thing("b", 2), "status", text("open"))) };
    store_all(&*store, &[gone]).await;
    assert_eq!(matching(&*store, &[]).await, "a c d");
    assert_eq!(matching(&*store, &[Filter::Equal("status", text("open"))]).await, "a");
}

pub(super) async fn counts_each_value(store: Store) {
    some(&*store).await;
    let values = ["open", "none", "new", "open"].map(str::to_owned);
    assert_eq!(store.count_each(&THINGS, "status", &values, &[]).await.unwrap(), [2, 0, 1, 2]);
    let red = [Filter::Holds("tags", "red".to_owned())];
    assert_eq!(store.count_each(&THINGS, "status", &values, &red).await.unwrap(), [1, 0, 1, 1]);
    assert_eq!(store.count_each(&THINGS, "status", &[], &red).await.unwrap(), [0; 0]);
}

pub(super) async fn misused_queries_are_refused(store: Store) {
    some(&*store).await;
    let filters = [
        Filter::Equal("nothing", int(1)),
        Filter::Equal("rank", text("1")),
        Filter::Equal("tags", set(&["red"])),
        Filter::OneOf("status", vec![int(1)]),
        Filter::Less("rank", Value::Null),
        Filter::Holds("status", "open".to_owned()),
        Filter::Contains("rank", "1".to_owned()),
        Filter::Contains("tags", "red".to_owned()),
    ];
    for filter in filters {
        let count = store.count(&THINGS, std::slice::from_ref(&filter)).await;
        assert!(matches!(count, Err(ReadStoreError::Internal(_))), "{filter:?}: {count:?}");
        let page = store.select(&page(std::slice::from_ref(&filter), BY_RANK, 1)).await;
        assert!(matches!(page, Err(ReadStoreError::Internal(_))), "{filter:?}: {page:?}");
    }
    for sort in ["tags", "nothing", "id"] {
        let page = store.select(&page(&[], Sort { field: sort, descending: false }, 1)).await;
        assert!(matches!(page, Err(ReadStoreError::Internal(_))), "by {sort}: {page:?}");
    }
    let misplaced = Select { after: Some((text("1"), "a".to_owned())), ..page(&[], BY_RANK, 1) };
    assert!(matches!(store.select(&misplaced).await, Err(ReadStoreError::Internal(_))));
}
