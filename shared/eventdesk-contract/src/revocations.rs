//! What [`Revocations`] promises.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::ports::Revocations;
use eventdesk_events::Timestamp;
use uuid::Uuid;

use crate::{revocations as cases, suite::run_cases};

/// Runs every case, each on fresh, empty revocations from `factory`. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Revocations>>,
{
    run_cases!(
        factory,
        [
            cases::what_is_revoked_is_known_until_its_time,
            cases::a_second_revocation_never_shortens_the_first,
            cases::many_at_once_are_all_remembered,
        ]
    );
}

/// Far beyond the clock of whoever runs the suite: a store may forget what is over.
const FIRST_MS: i64 = 4_000_000_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(FIRST_MS + seconds * 1_000)
}

async fn revoke(revocations: &dyn Revocations, id: u128, until: i64) {
    revocations.revoke(Uuid::from_u128(id), at(until), at(0)).await.expect("writes succeed");
}

async fn known(revocations: &dyn Revocations, now: i64) -> Vec<(u128, i64)> {
    let all = revocations.all(at(now)).await.expect("reads succeed");
    let mut all: Vec<_> =
        all.into_iter().map(|(id, until)| (id.as_u128(), (until.millis() - FIRST_MS) / 1_000)).collect();
    all.sort_unstable();
    all
}

/// At its time it is over.
pub async fn what_is_revoked_is_known_until_its_time(revocations: Arc<dyn Revocations>) {
    assert_eq!(known(&*revocations, 0).await, []);
    for (id, until) in [(1, 60), (2, 120), (3, 180)] {
        revoke(&*revocations, id, until).await;
    }
    assert_eq!(known(&*revocations, 0).await, [(1, 60), (2, 120), (3, 180)]);
    assert_eq!(known(&*revocations, 59).await.len(), 3);
    assert_eq!(known(&*revocations, 60).await, [(2, 120), (3, 180)]);
    assert_eq!(known(&*revocations, 200).await, []);
}

/// It may make it longer.
pub async fn a_second_revocation_never_shortens_the_first(revocations: Arc<dyn Revocations>) {
    for until in [60, 30, 90, 10] {
        revoke(&*revocations, 1, until).await;
    }
    assert_eq!(known(&*revocations, 0).await, [(1, 90)]);
}

/// None is lost, and a page has room for more than any service gives at once.
pub async fn many_at_once_are_all_remembered(revocations: Arc<dyn Revocations>) {
    let tries: Vec<_> = (0..60)
        .map(|id| {
            let revocations = Arc::clone(&revocations);
            tokio::spawn(async move { revoke(&*revocations, id, 60).await })
        })
        .collect();
    for attempt in tries {
        attempt.await.expect("tries do not panic");
    }
    assert_eq!(known(&*revocations, 0).await.len(), 60);
}
