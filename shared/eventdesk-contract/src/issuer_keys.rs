//! What [`IssuerKeyStore`] promises.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::ports::{IssuerKeyStore, SealedKey};
use eventdesk_events::Timestamp;

use crate::{issuer_keys as cases, suite::run_cases};

/// Runs every case, each on a fresh, empty store from `factory`. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn IssuerKeyStore>>,
{
    run_cases!(
        factory,
        [
            cases::keys_are_kept_as_given_and_in_order,
            cases::a_number_is_given_once,
            cases::one_of_twenty_first_keys_is_kept,
        ]
    );
}

fn key(number: u32, kid: &str) -> SealedKey {
    let sealed = kid.bytes().chain([0, 255, 128]).chain(std::iter::repeat_n(7, 1_300)).collect();
    SealedKey { number, kid: kid.to_owned(), made_at: Timestamp::from_millis(i64::from(number) * 1_001), sealed }
}

async fn all(store: &dyn IssuerKeyStore) -> Vec<SealedKey> {
    store.all().await.expect("reads succeed")
}

async fn create(store: &dyn IssuerKeyStore, key: SealedKey) -> bool {
    store.create(key).await.expect("writes succeed")
}

/// To the byte, and by number whatever the order of their creation.
pub async fn keys_are_kept_as_given_and_in_order(store: Arc<dyn IssuerKeyStore>) {
    assert!(all(&*store).await.is_empty());
    for number in [2, 10, 1, 100, 9] {
        assert!(create(&*store, key(number, &format!("kid-{number}"))).await);
    }
    assert_eq!(all(&*store).await, [1, 2, 9, 10, 100].map(|number| key(number, &format!("kid-{number}"))));
}

/// The first key of a number stays.
pub async fn a_number_is_given_once(store: Arc<dyn IssuerKeyStore>) {
    assert!(create(&*store, key(1, "first")).await);
    assert!(!create(&*store, key(1, "second")).await);
    assert_eq!(all(&*store).await, [key(1, "first")]);
}

/// Of processes that start at once, one makes the key.
pub async fn one_of_twenty_first_keys_is_kept(store: Arc<dyn IssuerKeyStore>) {
    let starts: Vec<_> = (0..20)
        .map(|start| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { (start, create(&*store, key(1, &format!("kid-{start}"))).await) })
        })
        .collect();
    let mut winner = None;
    for start in starts {
        let (start, created) = start.await.expect("starts do not panic");
        if created {
            assert_eq!(winner.replace(start), None, "two were created");
        }
    }
    let winner = winner.expect("one was created");
    assert_eq!(all(&*store).await, [key(1, &format!("kid-{winner}"))]);
}
