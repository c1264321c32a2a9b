//! How fast one principal may ask.

use std::{
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DefaultKeyedStateStore,
};

/// After so many checks, principals that have been quiet for their whole quota are forgotten.
const CHECKS_BETWEEN_CLEANUPS: u32 = 1 << 16;

/// Requests a minute and principal: that many at once, and then as they are earned again (GCRA).
pub(crate) struct RequestLimit {
    limiter: Option<RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock>>,
    /// Principals are told apart by a keyed hash of 64 bits, which costs no allocation and no stored name.
    hasher: RandomState,
    checks: AtomicU32,
}

impl RequestLimit {
    /// 0 = no limit.
    pub(crate) fn per_minute(requests: u32) -> Self {
        let limiter = NonZeroU32::new(requests).map(|requests| RateLimiter::keyed(Quota::per_minute(requests)));
        Self { limiter, hasher: RandomState::new(), checks: AtomicU32::new(0) }
    }

    /// Counts one request of the subject `sub` of issuer `iss`.
    ///
    /// # Errors
    /// How long to wait, if it is one too many.
    pub(crate) fn check(&self, iss: &str, sub: &str) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_BETWEEN_CLEANUPS == CHECKS_BETWEEN_CLEANUPS - 1 {
            limiter.retain_recent();
        }
        let principal = self.hasher.hash_one((iss, sub));
        limiter.check_key(&principal).map_err(|until| until.wait_time_from(limiter.clock().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_means_no_limit() {
        let limit = RequestLimit::per_minute(0);
        assert!((0..10_000).all(|_| limit.check("here", "me").is_ok()));
    }

    #[test]
    fn each_principal_has_a_limit_of_its_own() {
        let limit = RequestLimit::per_minute(3);
        assert!((0..3).all(|_| limit.check("here", "me").is_ok()));
        let wait = limit.check("here", "me").unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(20), "{wait:?}");
        assert!(limit.check("here", "you").is_ok());
        assert!(limit.check("there", "me").is_ok());
    }
}
