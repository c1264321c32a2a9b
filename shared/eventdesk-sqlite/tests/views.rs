//! The SQLite read store keeps the port's contract, and what SQLite adds to it.

use std::{cell::Cell, error::Error, fs, path::Path, sync::Arc, time::Duration};

use eventdesk_app::ports::{
    ApplyError, Document, Field, FieldKind, Filter, GenerationStore, Position, Progress, Put, ReadStore,
    ReadStoreError, Select, Sort, Value, ViewSpec,
};
use eventdesk_contract::read_store::{THINGS, set, text, thing, with};
use eventdesk_sqlite::views::{SqliteReadStore, ViewsOptions, needs_rebuild, remove_views};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_read_store_contract() {
    let folder = TempDir::new().unwrap();
    let made = Cell::new(0);
    eventdesk_contract::read_store::run_all(async || {
        made.set(made.get() + 1);
        let path = folder.path().join(format!("{}.db", made.get()));
        Arc::new(SqliteReadStore::open(path, &ViewsOptions::default()).unwrap()) as _
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_of_generations() {
    let folder = TempDir::new().unwrap();
    let made = Cell::new(0);
    eventdesk_contract::read_store::run_generations(async || {
        made.set(made.get() + 1);
        let path = folder.path().join(format!("{}.db", made.get()));
        Arc::new(SqliteReadStore::open(path, &ViewsOptions::default()).unwrap()) as _
    })
    .await;
}

fn open(path: &Path) -> SqliteReadStore {
    SqliteReadStore::open(path, &ViewsOptions::default()).expect("the file opens")
}

/// Gives up soon on a locked file.
fn impatient(path: &Path) -> SqliteReadStore {
    let options = ViewsOptions { write_wait: Duration::from_millis(50), ..ViewsOptions::default() };
    SqliteReadStore::open(path, &options).expect("the file opens")
}

fn put(document: Document) -> Put {
    Put { view: &THINGS, document }
}

fn page(filters: &[Filter], descending: bool) -> Select {
    let after = Some((Value::Int(5), "m".to_owned()));
    Select { view: &THINGS, filters: filters.to_vec(), sort: Sort { field: "rank", descending }, after, limit: 50 }
}

#[tokio::test]
async fn pages_walk_one_index_and_sort_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("views.db"));
    store.prepare(&[&THINGS]).await.unwrap();
    let common = (0..300).map(|n| put(with(thing(&n.to_string(), n), "tags", set(&["common"]))));
    store.apply(common.collect(), None).await.unwrap();
    let status = |status| Filter::Equal("status", text(status));
    let cases: [(&[Filter], &str, &str); 7] = [
        (&[], "things_g1__rank", "(rank,id)<(?,?)"),
        (&[status("new")], "things_g1__status__rank", "status=? AND (rank,id)<(?,?)"),
        (&[Filter::Equal("owner", Value::Null)], "things_g1__owner__rank", "owner=? AND (rank,id)<(?,?)"),
        (&[Filter::OneOf("status", vec![text("new"), text("open")])], "things_g1__status__rank", "(rank,id)<(?,?)"),
        (&[Filter::Greater("number", Value::Int(1))], "things_g1__rank", "(rank,id)<(?,?)"),
        (&[Filter::Holds("tags", "common".to_owned())], "things_g1__rank", "(rank,id)<(?,?)"),
        (&[status("new"), Filter::Less("rank", Value::Int(9))], "things_g1__status__rank", "status=?"),
    ];
    for (filters, index, search) in cases {
        for descending in [true, false] {
            let plan = store.explain(&page(filters, descending)).unwrap();
            let search = if descending { search.to_owned() } else { search.replace('<', ">") };
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{filters:?}: {plan:?}");
            let walks = |step: &String| step.contains(&format!("USING INDEX {index} ")) && step.contains(&search);
            assert!(plan.iter().any(walks), "{filters:?}: {plan:?}");
        }
    }
}

#[tokio::test]
async fn rare_texts_of_a_set_are_read_from_the_set() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("views.db"));
    store.prepare(&[&THINGS]).await.unwrap();
    let plan = store.explain(&page(&[Filter::Holds("tags", "rare".to_owned())], true)).unwrap();
    assert!(plan[0].contains("SEARCH s USING PRIMARY KEY (value=?)"), "{plan:?}");
}

#[tokio::test]
async fn an_index_without_the_sort_field_finds_the_few() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("views.db"));
    store.prepare(&[&THINGS]).await.unwrap();
    let plan = store.explain(&page(&[Filter::Equal("number", Value::Int(7))], true)).unwrap();
    assert!(plan[0].contains("USING INDEX things_g1__number (number=?"), "{plan:?}");
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.db");
    let progress = Progress {
        consumer: "tickets".to_owned(),
        cursor: Position(9),
        retries: Vec::new(),
        dead: Vec::new(),
        cleared: Vec::new(),
    };
    let store = open(&path);
    store.prepare(&[&THINGS]).await.unwrap();
    store.apply(vec![put(thing("a", 1))], Some(progress)).await.unwrap();
    drop(store);
    let store = open(&path);
    store.prepare(&[&THINGS]).await.unwrap();
    assert_eq!(store.get(&THINGS, &["a"]).await.unwrap(), [Some(thing("a", 1))]);
    assert_eq!(store.consumer("tickets").await.unwrap().cursor, Position(9));
}

#[tokio::test]
async fn a_lost_guard_in_a_long_batch_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("views.db"));
    store.prepare(&[&THINGS]).await.unwrap();
    store.apply(vec![put(thing("020", 7))], None).await.unwrap();
    let batch = || (0..40).map(|n| put(thing(&format!("{n:03}"), n)));
    let lost = store.apply(batch().collect(), None).await;
    assert!(matches!(&lost, Err(ApplyError::GuardLost { id, .. }) if id == "020"), "{lost:?}");
    assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 1);
    store.apply(batch().filter(|put| put.document.id != "020").collect(), None).await.unwrap();
    assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 40);
}

#[tokio::test]
async fn a_moved_alias_is_followed_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.db");
    let store = open(&path);
    store.prepare(&[&THINGS]).await.unwrap();
    store.apply(vec![put(thing("a", 1))], None).await.unwrap();
    assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 1);

    let other = rusqlite::Connection::open(&path).unwrap();
    let made: Vec<String> = other
        .prepare("SELECT sql FROM sqlite_schema WHERE name LIKE 'things\\_g1%' ESCAPE '\\'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for sql in made {
        other.execute_batch(&sql.replace("things_g1", "things_g2")).unwrap();
    }
    other.execute_batch("UPDATE aliases SET generation = 2 WHERE view = 'things'").unwrap();

    assert_eq!(store.generation(&THINGS).await.unwrap(), 2);
    assert_eq!(store.get(&THINGS, &["a"]).await.unwrap(), [None]);
    store.apply(vec![put(thing("b", 2))], None).await.unwrap();
    assert_eq!(store.select(&Select { after: None, ..page(&[], false) }).await.unwrap()[0].id, "b");
    assert_eq!(store.get(&THINGS, &["b"]).await.unwrap(), [Some(thing("b", 2))]);
}

#[tokio::test]
async fn a_locked_file_is_unavailable_for_a_while() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.db");
    let store = impatient(&path);
    store.prepare(&[&THINGS]).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.apply(vec![put(thing("a", 1))], None).await;
    assert!(matches!(refused, Err(ApplyError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.get(&THINGS, &["a"]).await.unwrap(), [None], "reads do not wait");
    other.execute_batch("ROLLBACK").unwrap();
    store.apply(vec![put(thing("a", 1))], None).await.unwrap();
}

#[tokio::test]
async fn a_full_file_is_unavailable_until_there_is_room() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.db");
    let large = |id: &str| put(Document { body: "x".repeat(200_000), ..thing(id, 1) });
    let store = SqliteReadStore::open(&path, &ViewsOptions { max_bytes: 400_000, ..ViewsOptions::default() }).unwrap();
    store.prepare(&[&THINGS]).await.unwrap();
    store.apply(vec![large("first")], None).await.unwrap();
    // Grouped or not, the small write does not pay for the large ones.
    let (refused, small) =
        tokio::join!(store.apply(vec![large("a"), large("b")], None), store.apply(vec![put(thing("small", 1))], None),);
    assert!(matches!(refused, Err(ApplyError::Unavailable(_))), "{refused:?}");
    assert!(matches!(small, Ok(()) | Err(ApplyError::Unavailable(_))), "{small:?}");
    assert_eq!(store.get(&THINGS, &["a", "b"]).await.unwrap(), [None, None]);
    let first = store.get(&THINGS, &["first"]).await.unwrap().pop().flatten().unwrap();
    let smaller = Document { revision: 2, body: String::new(), ..first };
    store.apply(vec![put(smaller)], None).await.unwrap();
    store.apply(vec![large("a")], None).await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_serve_says_that_it_can_be_rebuilt() {
    let folder = TempDir::new().unwrap();
    let damages: [fn(&Path); 4] = [
        |path| fs::write(path, vec![7; 20_000]).unwrap(),
        |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        },
        |path| rusqlite::Connection::open(path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap(),
        |path| {
            fs::remove_file(path).unwrap();
            rusqlite::Connection::open(path).unwrap().execute_batch("CREATE TABLE other (a)").unwrap();
        },
    ];
    for (n, damage) in damages.iter().enumerate() {
        let path = folder.path().join(format!("{n}.db"));
        let store = open(&path);
        store.prepare(&[&THINGS]).await.unwrap();
        store.apply((0..200).map(|n| put(thing(&n.to_string(), n))).collect(), None).await.unwrap();
        drop(store);
        damage(&path);
        let error: Box<dyn Error> = match SqliteReadStore::open(&path, &ViewsOptions::default()) {
            Err(error) => error.into(),
            Ok(store) => match store.prepare(&[&THINGS]).await {
                Err(error) => error.into(),
                Ok(()) => store.select(&page(&[], true)).await.expect_err("the damage is seen").into(),
            },
        };
        assert!(needs_rebuild(&*error), "damage {n}: {error:?}");
        remove_views(&path).unwrap();
        let store = open(&path);
        store.prepare(&[&THINGS]).await.unwrap();
        assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 0);
    }
}

/// Nobody would erase from what is declared no more.
#[tokio::test]
async fn of_a_field_that_is_declared_no_more_nothing_stays_in_the_file() {
    static LESS: ViewSpec = ViewSpec { name: "things", shape: 2, fields: &[], indexes: &[] };
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.db");
    let holds = |word: &str| {
        std::fs::read_dir(folder.path()).unwrap().any(|file| {
            std::fs::read(file.unwrap().path()).unwrap().windows(word.len()).any(|part| part == word.as_bytes())
        })
    };
    let store = open(&path);
    store.prepare(&[&THINGS]).await.unwrap();
    let document = with(with(thing("a", 1), "owner", text("Rumpelstiltskin")), "tags", set(&["Rapunzel"]));
    store.apply(vec![put(document)], None).await.unwrap();
    drop(store);
    assert!(holds("Rumpelstiltskin") && holds("Rapunzel"));
    let store = open(&path);
    store.prepare(&[&LESS]).await.unwrap();
    assert_eq!(store.count(&LESS, &[]).await.unwrap(), 1);
    drop(store);
    assert!(!holds("Rumpelstiltskin") && !holds("Rapunzel"));
}

#[tokio::test]
async fn documents_that_are_not_found_by_their_sets_are_named_all_or_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.db");
    let store = open(&path);
    store.prepare(&[&THINGS]).await.unwrap();
    let tagged = |id: &str| put(with(thing(id, 1), "tags", set(&["x"])));
    store.apply(["a", "b", "c", "d"].map(tagged).into(), None).await.unwrap();
    let file = rusqlite::Connection::open(&path).unwrap();
    let row = "(SELECT rowid FROM things_g1 WHERE id = ?1)";
    file.execute(&format!("DELETE FROM things_g1_tags WHERE doc = {row}"), ["b"]).unwrap();
    file.execute(&format!("INSERT INTO things_g1_tags (value, doc) VALUES ('y', {row})"), ["d"]).unwrap();
    let misfiled = async |only| store.misfiled(&THINGS, 1, only).await.unwrap();
    assert_eq!(misfiled(None).await, ["b", "d"]);
    for (only, named) in [("a", false), ("b", true), ("c", false), ("d", true), ("nobody", false)] {
        assert_eq!(misfiled(Some(only)).await, if named { vec![only] } else { Vec::new() });
    }
    store.file_anew(&THINGS, 1, "d").await.unwrap();
    assert_eq!((misfiled(Some("d")).await, misfiled(None).await), (Vec::new(), vec!["b".to_owned()]));
}

#[tokio::test]
async fn of_a_drop_that_another_build_began_nothing_stays_in_the_file() {
    static LESS: ViewSpec = ViewSpec { name: "things", shape: 2, fields: &[], indexes: &[] };
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.db");
    let store = open(&path);
    store.prepare(&[&THINGS]).await.unwrap();
    let beside = store.make_generation(&THINGS).await.unwrap();
    store.fill(&THINGS, beside, vec![with(thing("a", 1), "tags", set(&["x"]))].into()).await.unwrap();
    store.make_indexes(&THINGS, beside).await.unwrap();
    drop(store);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute("UPDATE generations SET fate = 2 WHERE view = 'things' AND generation = ?1", [beside]).unwrap();
    let store = open(&path);
    store.prepare(&[&LESS]).await.unwrap();
    store.finish_drops(&LESS).await.unwrap();
    let left = "SELECT group_concat(name) FROM sqlite_schema WHERE name LIKE 'things\\_g2%' ESCAPE '\\'";
    assert_eq!(file.query_row(left, [], |row| row.get::<_, Option<String>>(0)).unwrap(), None);
    let rows = "SELECT count(*) FROM generations WHERE view = 'things'";
    assert_eq!(file.query_row(rows, [], |row| row.get::<_, u32>(0)).unwrap(), 1);
}

#[tokio::test]
async fn names_that_are_no_names_reach_no_query() {
    static ODD: ViewSpec = ViewSpec { name: "x\" (a); --", shape: 1, fields: &[], indexes: &[] };
    static TAKEN: ViewSpec =
        ViewSpec { name: "things", shape: 1, fields: &[Field { name: "deleted", kind: FieldKind::Int }], indexes: &[] };
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("views.db"));
    for view in [&ODD, &TAKEN] {
        assert!(matches!(store.prepare(&[view]).await, Err(ReadStoreError::Internal(_))));
    }
}

#[tokio::test]
async fn damage_met_in_the_middle_is_told_and_mended_by_the_next_start() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.db");
    let views = open(&path);
    views.prepare(&[&THINGS]).await.unwrap();
    let puts: Vec<_> = (0..2_000).map(|number| put(thing(&format!("thing-{number:04}"), number))).collect();
    views.apply(puts, None).await.unwrap();
    drop(views);
    // The header and the schema stay as they are, so that opening finds nothing wrong.
    let mut bytes = fs::read(&path).unwrap();
    let from = bytes.len() / 4;
    bytes[from..].fill(0xAB);
    fs::write(&path, bytes).unwrap();

    let views = open(&path);
    views.generation(&THINGS).await.unwrap();
    let ids: Vec<_> = (0..2_000).map(|number| format!("thing-{number:04}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    views.get(&THINGS, &ids).await.unwrap_err();
    let told = views.generation(&THINGS).await.unwrap_err();
    assert!(needs_rebuild(&told), "{told:?}");
    drop(views);

    let refused = SqliteReadStore::open(&path, &ViewsOptions::default()).unwrap_err();
    assert!(needs_rebuild(&refused), "{refused:?}");
    remove_views(&path).unwrap();
    open(&path).prepare(&[&THINGS]).await.unwrap();
}
