//! Keys in a store that every process shares.

use std::sync::{Arc, Mutex, atomic::AtomicI64};

use async_trait::async_trait;
use eventdesk_app::{
    DeploymentSecret,
    ports::{IssuerKeyStore, IssuerKeyStoreError, SealedKey},
};
use eventdesk_identity::{IssuerKeys, KeySource, KeysError};

use crate::support::FakeClock;

/// Keys that can be tampered with; or a store that is away.
#[derive(Default)]
struct Shelf {
    keys: Mutex<Vec<SealedKey>>,
    away: bool,
}

#[async_trait]
impl IssuerKeyStore for Shelf {
    async fn all(&self) -> Result<Vec<SealedKey>, IssuerKeyStoreError> {
        // Whoever else is starting looks, too, before a key is made.
        tokio::task::yield_now().await;
        if self.away { Err(IssuerKeyStoreError("away".into())) } else { Ok(self.keys.lock().unwrap().clone()) }
    }

    async fn create(&self, key: SealedKey) -> Result<bool, IssuerKeyStoreError> {
        let mut keys = self.keys.lock().unwrap();
        let fresh = keys.iter().all(|other| other.number != key.number);
        if fresh {
            keys.push(key);
        }
        Ok(fresh)
    }
}

fn secret(byte: u8) -> DeploymentSecret {
    DeploymentSecret::new(&[byte; 32]).unwrap()
}

async fn open(shelf: &Shelf, byte: u8) -> Result<IssuerKeys, KeysError> {
    IssuerKeys::open_shared(shelf, &secret(byte), &FakeClock(AtomicI64::new(5))).await
}

#[tokio::test]
async fn starts_at_the_same_moment_share_one_key_and_restarts_keep_it() {
    let shelf = Arc::new(Shelf::default());
    let starts: Vec<_> = (0..3)
        .map(|_| {
            let shelf = Arc::clone(&shelf);
            tokio::spawn(async move { open(&shelf, 1).await.unwrap().signing_kid() })
        })
        .collect();
    let mut kids = Vec::new();
    for start in starts {
        kids.push(start.await.unwrap());
    }
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    let again = open(&shelf, 1).await.unwrap();
    assert_eq!(again.signing_kid(), kids[0]);
    assert!(again.key(&kids[0]).await.unwrap().is_some());
    let stored = shelf.keys.lock().unwrap().clone();
    assert_eq!((stored.len(), stored[0].number, stored[0].made_at.millis()), (1, 1, 5));
}

#[tokio::test]
async fn all_keys_verify_and_the_one_added_last_signs() {
    let shelf = Shelf::default();
    let old = open(&shelf, 1).await.unwrap();
    let clock = FakeClock(AtomicI64::new(6));
    let added = IssuerKeys::add_shared(&shelf, &secret(1), &clock).await.unwrap();
    let both = open(&shelf, 1).await.unwrap();
    assert_eq!(both.signing_kid(), added.signing_kid());
    assert_ne!(both.signing_kid(), old.signing_kid());
    assert!(both.key(&old.signing_kid()).await.unwrap().is_some());
    assert!(both.key(&added.signing_kid()).await.unwrap().is_some());
    assert!(both.jwks().find(&added.signing_kid()) < both.jwks().find(&old.signing_kid()));
}

#[tokio::test]
async fn a_key_cannot_be_put_in_the_place_of_another() {
    let (shelf, other) = (Shelf::default(), Shelf::default());
    open(&shelf, 1).await.unwrap();
    open(&other, 1).await.unwrap();
    let mut moved = other.keys.lock().unwrap()[0].clone();
    moved.number = 2;
    shelf.keys.lock().unwrap().push(moved);
    assert!(matches!(open(&shelf, 1).await, Err(KeysError::Sealed(_))));
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_is_named_and_never_replaced() {
    let shelf = Shelf::default();
    let kid = open(&shelf, 1).await.unwrap().signing_kid();
    let refused = open(&shelf, 2).await.err().unwrap();
    assert!(matches!(&refused, KeysError::Sealed(named) if *named == kid), "{refused:?}");
    let sealed = shelf.keys.lock().unwrap()[0].sealed.clone();
    assert!(!sealed.windows(3).any(|bytes| bytes == [0x30, 0x82, 0x04]), "no PKCS#8 stands open in it");
    for at in [0, 1, 13, sealed.len() - 1] {
        shelf.keys.lock().unwrap()[0].sealed[at] ^= 1;
        assert!(matches!(open(&shelf, 1).await, Err(KeysError::Sealed(_))), "byte {at}");
        shelf.keys.lock().unwrap()[0].sealed[at] ^= 1;
    }
    for length in [0, 1, 12, 20] {
        shelf.keys.lock().unwrap()[0].sealed.truncate(length);
        assert!(matches!(open(&shelf, 1).await, Err(KeysError::Sealed(_))), "{length} bytes");
        shelf.keys.lock().unwrap()[0].sealed = sealed.clone();
    }
    assert!(open(&shelf, 1).await.is_ok());
    assert_eq!(shelf.keys.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_store_that_is_away_is_told_and_no_key_is_made() {
    let shelf = Shelf { away: true, ..Shelf::default() };
    assert!(matches!(open(&shelf, 1).await, Err(KeysError::Store(_))));
    assert!(shelf.keys.lock().unwrap().is_empty());
}
