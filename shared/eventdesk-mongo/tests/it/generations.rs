//! What `prepare` makes, and how an alias is followed.

use std::collections::BTreeMap;

use eventdesk_app::ports::{GenerationStore, Index, ReadStore, ReadStoreError, Select, Sort, ViewSpec};
use eventdesk_contract::read_store::{THINGS, THINGS_OLD, thing};
use eventdesk_mongo::MongoOptions;
use futures_util::{TryStreamExt, future::join_all};
use mongodb::{
    Database,
    bson::{Document, doc},
};

use crate::server::{options, prepared, put, with_databases};

/// The keys of each index, as `name key key …`, and whether it is unique.
async fn indexes(database: &Database, collection: &str) -> BTreeMap<String, (String, bool)> {
    let listed = database.collection::<Document>(collection).list_indexes().await.unwrap();
    let listed: Vec<_> = listed.try_collect().await.unwrap();
    let told = listed.into_iter().map(|index| {
        let options = index.options.unwrap();
        let keys: Vec<_> = index.keys.keys().map(String::as_str).collect();
        (options.name.unwrap(), (keys.join(" "), options.unique.unwrap_or(false)))
    });
    told.collect()
}

fn expected() -> BTreeMap<String, (String, bool)> {
    let plain = [
        ("_id_", "_id"),
        ("rank", "deleted rank _id"),
        ("status__rank", "deleted status rank _id"),
        ("owner__rank", "deleted owner rank _id"),
        ("group", "deleted group _id"),
        ("number", "deleted number _id"),
        ("holds__tags", "deleted tags _id"),
    ];
    let plain = plain.map(|(name, keys)| (name.to_owned(), (keys.to_owned(), false)));
    let unique = ("unique__number".to_owned(), ("_unique__number".to_owned(), true));
    plain.into_iter().chain([unique]).collect()
}

#[tokio::test]
async fn every_declared_index_is_made() {
    with_databases(async |databases| {
        let name = databases.name();
        prepared(databases.store_on(&name, &options())).await;
        assert_eq!(indexes(&databases.database(&name), "things_g1").await, expected());
        let row = databases.database(&name).collection::<Document>("views").find_one(doc! { "_id": "things" }).await;
        let row = row.unwrap().unwrap();
        assert_eq!((row.get_i64("generation").unwrap(), row.get_i64("shape").unwrap()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_new_index_is_added_to_what_is_there_and_a_unique_one_can_go() {
    static MORE: ViewSpec = ViewSpec {
        name: "things",
        shape: 1,
        fields: THINGS.fields,
        indexes: &[Index { fields: &["rank"], unique: false }, Index { fields: &["group", "rank"], unique: false }],
    };
    with_databases(async |databases| {
        let name = databases.name();
        let store = prepared(databases.store_on(&name, &options())).await;
        store.apply(vec![put(thing("a", 1))], None).await.unwrap();
        store.prepare(&[&MORE]).await.unwrap();
        let mut expected = expected();
        // Documents are written without what it is over from now on, which would count as equal.
        expected.remove("unique__number");
        expected.insert("group__rank".to_owned(), ("deleted group rank _id".to_owned(), false));
        assert_eq!(indexes(&databases.database(&name), "things_g1").await, expected);
        assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_prepare_at_once() {
    with_databases(async |databases| {
        let name = databases.name();
        let stores: Vec<_> = (0..8).map(|_| databases.store_on(&name, &options())).collect();
        let views: [&'static ViewSpec; 2] = [&THINGS, &THINGS_OLD];
        for result in join_all(stores.iter().map(|store| store.prepare(&views))).await {
            result.unwrap();
        }
        assert_eq!(indexes(&databases.database(&name), "things_g1").await, expected());
        assert_eq!(stores[3].generation(&THINGS_OLD).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_removed_is_gone_and_can_be_had_anew() {
    with_databases(async |databases| {
        let name = databases.name();
        let store = prepared(databases.store_on(&name, &options())).await;
        store.prepare(&[&THINGS_OLD]).await.unwrap();
        store.apply(vec![put(thing("a", 1))], None).await.unwrap();
        databases.database(&name).create_collection("somebody_elses").await.unwrap();
        store.remove_views().await.unwrap();
        assert_eq!(databases.database(&name).list_collection_names().await.unwrap(), ["somebody_elses"]);
        assert!(matches!(store.count(&THINGS, &[]).await, Err(ReadStoreError::Internal(_))));
        store.prepare(&[&THINGS]).await.unwrap();
        assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_moved_alias_is_followed() {
    with_databases(async |databases| {
        let name = databases.name();
        let store = prepared(databases.store_on(&name, &options())).await;
        let remembering = databases.store_on(&name, &MongoOptions::default());
        store.apply(vec![put(thing("a", 1))], None).await.unwrap();
        assert_eq!(remembering.count(&THINGS, &[]).await.unwrap(), 1);

        let rows = databases.database(&name).collection::<Document>("views");
        rows.update_one(doc! { "_id": "things" }, doc! { "$set": { "generation": 2_i64 } }).await.unwrap();

        assert_eq!(store.generation(&THINGS).await.unwrap(), 2);
        assert_eq!(store.get(&THINGS, &["a"]).await.unwrap(), [None]);
        store.apply(vec![put(thing("b", 2))], None).await.unwrap();
        let sort = Sort { field: "rank", descending: false };
        let page = Select { view: &THINGS, filters: Vec::new(), sort, after: None, limit: 9 };
        assert_eq!(store.select(&page).await.unwrap()[0].id, "b");
        assert_eq!(store.count(&THINGS, &[]).await.unwrap(), 1);
        // Who remembers the alias follows a moment later.
        while remembering.get(&THINGS, &["b"]).await.unwrap() == [None] {}
    })
    .await;
}

#[tokio::test]
async fn a_drop_that_was_interrupted_is_finished() {
    with_databases(async |databases| {
        let name = databases.name();
        let store = prepared(databases.store_on(&name, &options())).await;
        let beside = store.make_generation(&THINGS).await.unwrap();
        store.fill(&THINGS, beside, vec![thing("a", 1)].into()).await.unwrap();
        let rows = databases.database(&name).collection::<Document>("views");
        let row = async || rows.find_one(doc! { "_id": "things" }).await.unwrap().unwrap();
        let mut others = row().await.get_array("others").unwrap().clone();
        others[0].as_document_mut().unwrap().insert("dropped", true);
        rows.update_one(doc! { "_id": "things" }, doc! { "$set": { "others": others } }).await.unwrap();

        store.finish_drops(&THINGS).await.unwrap();
        assert!(row().await.get_array("others").unwrap().is_empty());
        let names = databases.database(&name).list_collection_names().await.unwrap();
        assert!(!names.contains(&"things_g2".to_owned()), "{names:?}");
    })
    .await;
}
