//! Round trips: what an operation costs, in commands to the server.

use std::time::Duration;

use eventdesk_app::ports::{Document, Filter, Put, ReadStore, Select, Sort, Value};
use eventdesk_contract::read_store::{THINGS, THINGS_OLD, next, text, thing};
use eventdesk_mongo::MongoOptions;

use crate::server::{options, prepared, put, put_in, with_databases};

fn remembering() -> MongoOptions {
    MongoOptions { alias_age: Duration::from_mins(10), ..options() }
}

#[tokio::test]
async fn reads_are_one_command_and_later_pages_two() {
    with_databases(async |databases| {
        let store = prepared(databases.store_on(&databases.name(), &remembering())).await;
        let many: Vec<String> = (0..300).map(|n| format!("{n:03}")).collect();
        store.apply((0..).zip(&many).map(|(n, id)| put(thing(id, n / 7))).collect(), None).await.unwrap();
        let ids: Vec<&str> = many.iter().map(String::as_str).collect();
        let sort = Sort { field: "rank", descending: false };
        let first = Select { view: &THINGS, filters: Vec::new(), sort, after: None, limit: 200 };
        let later = Select { after: Some((Value::Int(10), "075".to_owned())), ..first.clone() };
        let new = [Filter::Equal("status", text("new"))];
        let values = ["new".to_owned(), "open".to_owned()];

        let cost = databases.commands(store.get(&THINGS, &ids)).await;
        assert_eq!((cost.0.unwrap().len(), cost.1), (300, 1));
        let cost = databases.commands(store.glance(&THINGS, &ids[..1])).await;
        assert_eq!((cost.0.unwrap().len(), cost.1), (1, 1));
        let cost = databases.commands(store.select(&first)).await;
        assert_eq!((cost.0.unwrap().len(), cost.1), (200, 1));
        let cost = databases.commands(store.select(&later)).await;
        assert_eq!((cost.0.unwrap().len(), cost.1), (200, 2), "both at once");
        let cost = databases.commands(store.count(&THINGS, &new)).await;
        assert_eq!((cost.0.unwrap(), cost.1), (300, 1));
        let cost = databases.commands(store.count_each(&THINGS, "status", &values, &[])).await;
        assert_eq!((cost.0.unwrap(), cost.1), (vec![300, 0], 1));
    })
    .await;
}

#[tokio::test]
async fn first_writes_go_by_the_hundred_and_others_one_by_one() {
    with_databases(async |databases| {
        let store = databases.store_on(&databases.name(), &remembering());
        store.prepare(&[&THINGS, &THINGS_OLD]).await.unwrap();
        let other = |id: &str| put_in(&THINGS_OLD, Document { fields: vec![Value::Int(1)], ..thing(id, 0) });
        let things: Vec<_> = (0..250).map(|n| thing(&format!("{n:03}"), n)).collect();

        let cost = async |puts: Vec<Put>| {
            let (result, commands) = databases.commands(store.apply(puts, None)).await;
            result.unwrap();
            commands
        };
        assert_eq!(cost(things.iter().cloned().map(put).collect()).await, 3, "250 first writes");
        assert_eq!(cost(things[..5].iter().cloned().map(next).map(put).collect()).await, 5, "five changes");
        let mixed = vec![put(next(thing("007", 1))), other("a"), other("b"), put(next(thing("008", 1))), other("c")];
        assert_eq!(cost(mixed).await, 4, "a change, two first writes, a change, a first write");
        assert_eq!(cost(Vec::new()).await, 0, "nothing");
    })
    .await;
}

#[tokio::test]
async fn preparing_again_and_connecting_are_one_command() {
    with_databases(async |databases| {
        let name = databases.name();
        prepared(databases.store_on(&name, &remembering())).await;
        for connect in [false, true] {
            let store = databases.store_on(&name, &remembering());
            let (result, commands) = if connect {
                databases.commands(store.connect()).await
            } else {
                databases.commands(store.prepare(&[&THINGS])).await
            };
            result.unwrap();
            assert_eq!(commands, 1);
            let (found, commands) = databases.commands(store.get(&THINGS, &["a"])).await;
            assert_eq!((found.unwrap(), commands), (vec![None], 1), "the alias is known by then");
        }
    })
    .await;
}
