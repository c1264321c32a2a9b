//! Waiting for what another process of a host learns a moment later.

use std::time::{Duration, Instant};

/// Asks again until `done` says yes; fails after ten seconds, with `what` was waited for.
pub(crate) async fn until(what: &str, done: impl AsyncFn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done().await {
        assert!(Instant::now() < end, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
