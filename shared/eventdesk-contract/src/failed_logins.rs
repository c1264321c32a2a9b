//! What [`FailedLogins`] promises.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::{
    Digest,
    ports::{FailedLogins, LoginKey},
};
use eventdesk_events::Timestamp;

use crate::{failed_logins as cases, suite::run_cases};

/// Runs every case, each on fresh counters from `factory`. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn FailedLogins>>,
{
    run_cases!(
        factory,
        [
            cases::a_bucket_that_nothing_was_taken_from_is_full,
            cases::what_is_taken_adds_up,
            cases::nothing_is_taken_beyond_the_latest_time,
            cases::a_bucket_that_is_full_again_starts_anew,
            cases::keys_are_counted_apart,
            cases::of_fifty_at_once_no_more_take_than_the_bucket_holds,
        ]
    );
}

/// 2026-11-22T00:00:00Z
const MIDNIGHT_MS: i64 = 1_795_305_600_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(MIDNIGHT_MS + ms)
}

fn name(byte: u8) -> LoginKey {
    LoginKey::Name(Digest([byte; 16]))
}

async fn full_again(counted: &dyn FailedLogins, keys: &[LoginKey]) -> Vec<Option<i64>> {
    let found = counted.full_again(keys).await.expect("reads succeed");
    found.into_iter().map(|time| time.map(|time| time.millis() - MIDNIGHT_MS)).collect()
}

async fn take(counted: &dyn FailedLogins, key: LoginKey, ms: i64, now: i64, latest: i64) -> bool {
    counted.take(key, ms, at(now), at(latest)).await.expect("writes succeed")
}

/// Nothing is known of a key before it fails.
pub async fn a_bucket_that_nothing_was_taken_from_is_full(counted: Arc<dyn FailedLogins>) {
    assert_eq!(full_again(&*counted, &[name(1), name(2)]).await, [None, None]);
    assert!(full_again(&*counted, &[]).await.is_empty());
}

/// Each failure puts the time off by its share.
pub async fn what_is_taken_adds_up(counted: Arc<dyn FailedLogins>) {
    for (number, now) in (1..=5).zip([0, 0, 10, 20, 30]) {
        assert!(take(&*counted, name(1), 6_000, now, now + 60_000).await);
        assert_eq!(full_again(&*counted, &[name(1)]).await, [Some(number * 6_000)]);
    }
}

/// An empty bucket stays as it is, and gives again as soon as there is room.
pub async fn nothing_is_taken_beyond_the_latest_time(counted: Arc<dyn FailedLogins>) {
    for _ in 0..3 {
        assert!(take(&*counted, name(1), 20_000, 0, 60_000).await);
    }
    for now in [0, 1, 19_999] {
        assert!(!take(&*counted, name(1), 20_000, now, now + 60_000).await, "at {now}");
    }
    assert_eq!(full_again(&*counted, &[name(1)]).await, [Some(60_000)]);
    assert!(take(&*counted, name(1), 20_000, 20_000, 80_000).await);
    assert_eq!(full_again(&*counted, &[name(1)]).await, [Some(80_000)]);
    assert!(!take(&*counted, name(2), 20_000, 0, 19_999).await, "not even from a full one");
}

/// What is over does not count.
pub async fn a_bucket_that_is_full_again_starts_anew(counted: Arc<dyn FailedLogins>) {
    assert!(take(&*counted, name(1), 6_000, 0, 60_000).await);
    for now in [6_000, 90_000, 9_000_000] {
        assert!(take(&*counted, name(1), 6_000, now, now + 60_000).await);
        assert_eq!(full_again(&*counted, &[name(1)]).await, [Some(now + 6_000)]);
    }
}

/// Names and networks have buckets of their own, answered in the order asked for.
pub async fn keys_are_counted_apart(counted: Arc<dyn FailedLogins>) {
    let network = |text: &str| LoginKey::Network(text.parse().expect("samples are addresses"));
    let keys = [name(1), network("192.0.2.1"), name(2), network("2001:db8::"), network("192.0.2.2")];
    for (ms, key) in (1..).zip(&keys[..4]) {
        assert!(take(&*counted, *key, ms, 0, 60_000).await);
    }
    let asked = [keys[4], keys[3], keys[0], keys[2], keys[1]];
    assert_eq!(full_again(&*counted, &asked).await, [None, Some(4), Some(1), Some(3), Some(2)]);
}

/// A bucket cannot be overdrawn by asking all at once.
pub async fn of_fifty_at_once_no_more_take_than_the_bucket_holds(counted: Arc<dyn FailedLogins>) {
    let takers: Vec<_> = (0..50)
        .map(|_| {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move { take(&*counted, name(1), 6_000, 0, 60_000).await })
        })
        .collect();
    let mut taken = 0;
    for taker in takers {
        taken += u32::from(taker.await.expect("takers do not panic"));
    }
    assert_eq!(taken, 10);
    assert_eq!(full_again(&*counted, &[name(1)]).await, [Some(60_000)]);
}
