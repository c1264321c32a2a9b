//! Servers that are away, silent, or not what was asked for.

use std::time::Duration;

use eventdesk_app::ports::{ApplyError, ReadStore, ReadStoreError};
use eventdesk_contract::read_store::{THINGS, next, thing};
use eventdesk_mongo::{MongoOptions, MongoReadStore};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    time::{Instant, timeout},
};

use crate::{
    link::{Link, Way},
    server::{options, prepared, put, uri, uri_at, with_databases},
};

/// Longer than any patience in here, and far below a hang.
const BOUND: Duration = Duration::from_secs(15);

fn impatient() -> MongoOptions {
    MongoOptions { operation: Duration::from_secs(1), ..options() }
}

async fn is_unavailable(store: &MongoReadStore) {
    let began = Instant::now();
    let read = store.get(&THINGS, &["a"]).await;
    assert!(matches!(read, Err(ReadStoreError::Unavailable(_))), "{read:?}");
    let written = store.apply(vec![put(thing("b", 1))], None).await;
    assert!(matches!(written, Err(ApplyError::Unavailable(_))), "{written:?}");
    let prepared = store.prepare(&[&THINGS]).await;
    assert!(matches!(prepared, Err(ReadStoreError::Unavailable(_))), "{prepared:?}");
    assert!(matches!(store.connect().await, Err(ReadStoreError::Unavailable(_))));
    assert!(matches!(store.ping().await, Err(ReadStoreError::Unavailable(_))));
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
}

/// Waits until the store serves again by itself.
async fn comes_back(store: &MongoReadStore) {
    let back = async { while store.get(&THINGS, &["a"]).await.is_err() {} };
    timeout(BOUND, back).await.expect("the store finds back to its server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_away_is_found_again() {
    with_databases(async |databases| {
        let link = Link::to(&uri()).await;
        let store = MongoReadStore::new(&uri_at(link.address, &databases.name()), &impatient()).await.unwrap();
        let store = prepared(store).await;
        store.apply(vec![put(thing("a", 1))], None).await.unwrap();
        for way in [Way::Cut, Way::Hanging] {
            link.set(way);
            is_unavailable(&store).await;
            link.set(Way::Open);
            comes_back(&store).await;
            let found = store.get(&THINGS, &["a"]).await.unwrap().remove(0).unwrap();
            store.apply(vec![put(next(found))], None).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_can_be_made_before_its_server() {
    with_databases(async |databases| {
        let link = Link::to(&uri()).await;
        link.set(Way::Cut);
        let store = MongoReadStore::new(&uri_at(link.address, &databases.name()), &impatient()).await.unwrap();
        is_unavailable(&store).await;
        link.set(Way::Open);
        store.connect().await.unwrap();
        prepared(store).await;
    })
    .await;
}

/// Accepts connections and reads what comes, without an answer.
async fn plain_listener() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 512];
                // A TLS client's greeting gets an answer that is none.
                if connection.read(&mut bytes).await.is_ok_and(|read| read > 0 && bytes[0] == 0x16) {
                    let _ =
                        tokio::io::AsyncWriteExt::write_all(&mut connection, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                } else {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_to_a_server_without_it_is_unavailable() {
    let address = plain_listener().await;
    for more in ["tls=true", "tls=true&tlsAllowInvalidCertificates=true", "tls=true&authMechanism=MONGODB-X509"] {
        let store = MongoReadStore::new(&format!("mongodb://{address}/?{more}"), &impatient()).await.unwrap();
        is_unavailable(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_unavailable() {
    let address = plain_listener().await;
    let store = MongoReadStore::new(&uri_at(address, "desk"), &impatient()).await.unwrap();
    is_unavailable(&store).await;
}
