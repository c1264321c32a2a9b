//! What [`Credentials`] promises.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::ports::{Credential, Credentials};
use eventdesk_events::{Timestamp, UserId};
use uuid::Uuid;

use crate::{credentials as cases, suite::run_cases};

/// Runs every case, each on fresh, empty credentials from `factory`. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Credentials>>,
{
    run_cases!(
        factory,
        [
            cases::a_credential_is_kept_as_given,
            cases::only_the_first_is_created,
            cases::setting_replaces,
            cases::a_later_one_is_not_replaced_by_an_earlier_one,
            cases::a_removed_credential_is_gone,
            cases::one_of_fifty_creations_wins,
        ]
    );
}

fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn credential(number: i64) -> Credential {
    Credential { hash: format!("$argon2id$v=19$m=8,t=1,p=1$c2FsdA${number}"), set_at: Timestamp::from_millis(number) }
}

async fn kept(credentials: &dyn Credentials, user: UserId) -> Option<(String, i64)> {
    let found = credentials.get(user).await.expect("reads succeed");
    found.map(|credential| (credential.hash, credential.set_at.millis()))
}

fn content(number: i64) -> (String, i64) {
    (credential(number).hash, number)
}

/// Each user has their own, to the character and the millisecond.
pub async fn a_credential_is_kept_as_given(credentials: Arc<dyn Credentials>) {
    assert_eq!(kept(&*credentials, user(1)).await, None);
    for number in 1..=3_u8 {
        let created = credentials.create(user(u128::from(number)), credential(i64::from(number))).await;
        assert!(created.expect("writes succeed"));
    }
    for number in 1..=3_u8 {
        assert_eq!(kept(&*credentials, user(u128::from(number))).await, Some(content(i64::from(number))));
    }
}

/// A second creation says no and changes nothing.
pub async fn only_the_first_is_created(credentials: Arc<dyn Credentials>) {
    assert!(credentials.create(user(1), credential(1)).await.expect("writes succeed"));
    assert!(!credentials.create(user(1), credential(2)).await.expect("writes succeed"));
    assert_eq!(kept(&*credentials, user(1)).await, Some(content(1)));
}

/// Setting works with and without a credential before.
pub async fn setting_replaces(credentials: Arc<dyn Credentials>) {
    for number in [1, 2] {
        credentials.set(user(1), credential(number)).await.expect("writes succeed");
        assert_eq!(kept(&*credentials, user(1)).await, Some(content(number)));
    }
    assert!(!credentials.create(user(1), credential(3)).await.expect("writes succeed"));
}

/// Of two changes at once the later one stays, in whichever order they arrive; a removed one stands in nobody's way.
pub async fn a_later_one_is_not_replaced_by_an_earlier_one(credentials: Arc<dyn Credentials>) {
    for number in [5, 9, 7] {
        credentials.set(user(1), credential(number)).await.expect("writes succeed");
    }
    assert_eq!(kept(&*credentials, user(1)).await, Some(content(9)));
    credentials.remove(user(1)).await.expect("removals succeed");
    credentials.set(user(1), credential(7)).await.expect("writes succeed");
    assert_eq!(kept(&*credentials, user(1)).await, Some(content(7)));
}

/// Removing takes one user's away, twice if need be, and makes room for another.
pub async fn a_removed_credential_is_gone(credentials: Arc<dyn Credentials>) {
    for number in [1, 2] {
        credentials.set(user(number), credential(7)).await.expect("writes succeed");
    }
    for _ in 0..2 {
        credentials.remove(user(1)).await.expect("removals succeed");
        assert_eq!(kept(&*credentials, user(1)).await, None);
    }
    assert_eq!(kept(&*credentials, user(2)).await, Some(content(7)));
    assert!(credentials.create(user(1), credential(8)).await.expect("writes succeed"));
}

/// Of many creations at once exactly one is stored.
pub async fn one_of_fifty_creations_wins(credentials: Arc<dyn Credentials>) {
    let tries: Vec<_> = (0..50)
        .map(|number| {
            let credentials = Arc::clone(&credentials);
            tokio::spawn(async move { (number, credentials.create(user(1), credential(number)).await) })
        })
        .collect();
    let mut winner = None;
    for attempt in tries {
        let (number, created) = attempt.await.expect("tries do not panic");
        if created.expect("writes succeed") {
            assert_eq!(winner.replace(number), None, "two were created");
        }
    }
    assert_eq!(kept(&*credentials, user(1)).await, Some(content(winner.expect("one was created"))));
}
