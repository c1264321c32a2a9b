//! Bodies come back as they were, byte by byte.

use eventdesk_app::ports::{Document, ReadStore, Select, Sort};
use eventdesk_contract::read_store::{THINGS, thing};

use crate::server::{prepared, put, with_databases};

#[tokio::test]
async fn a_body_keeps_every_byte() {
    let large = format!(r#"{{"text":"{}"}}"#, "é🦀 ".repeat(40_000));
    let odd = [
        r#"{"b":1,"a":2,"b":3}"#,
        "{ \"spaced\" :\t[ 1.0, 1e3, 0.10, -0, 12345678901234567890 ] }\n",
        r#"{"escaped":"\u00e9\/\u0000\ud83e\udd80"}"#,
        r#"{"$set":{"a.b":1},"_id":"x","$":null}"#,
        "no JSON at all \0 \u{fffd}\u{feff}",
        "",
        &large,
    ];
    with_databases(async |databases| {
        let store = prepared(databases.store()).await;
        for (n, body) in (0..).zip(odd) {
            let id = format!("{n}");
            store.apply(vec![put(Document { body: body.to_owned(), ..thing(&id, n) })], None).await.unwrap();
            let found = store.get(&THINGS, &[&id]).await.unwrap().remove(0).unwrap();
            assert_eq!(found.body, body);
        }
        let sort = Sort { field: "rank", descending: false };
        let page = Select { view: &THINGS, filters: Vec::new(), sort, after: None, limit: 100 };
        let found = store.select(&page).await.unwrap();
        assert_eq!(found.iter().map(|hit| hit.body.as_str()).collect::<Vec<_>>(), odd);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_large_documents_is_whole() {
    with_databases(async |databases| {
        let store = prepared(databases.store()).await;
        // More than one answer of the server can hold.
        let body = "x".repeat(600_000);
        for n in 0..40 {
            store
                .apply(vec![put(Document { body: body.clone(), ..thing(&format!("{n:02}"), n) })], None)
                .await
                .unwrap();
        }
        let sort = Sort { field: "rank", descending: true };
        let page = Select { view: &THINGS, filters: Vec::new(), sort, after: None, limit: 100 };
        let found = store.select(&page).await.unwrap();
        assert_eq!(found.len(), 40);
        assert!(found.iter().all(|hit| hit.body.len() == body.len()));
    })
    .await;
}
