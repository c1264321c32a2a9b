//! Slowing down who guesses passwords.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use eventdesk_events::Timestamp;

use super::GrantError;
use crate::{
    Digest,
    ports::{FailedLogins, FailedLoginsError, LoginKey},
};

/// Most names and addresses that are remembered at once. Each costs a computed hash to get in and stays a minute at
/// most, so that a machine gets nowhere near it.
const MOST_KEYS: usize = 65_536;
const MINUTE_MS: i64 = 60_000;
/// How often, at most, those that are over are looked for: a flood of names must not pay for a search each.
const SWEEP_MS: i64 = 1_000;

/// Counts failed logins by name and by address; successes are not counted.
///
/// A bucket of `per_minute` failures for each name and each address, which refills evenly within a minute (the
/// generic cell rate algorithm). An empty bucket refuses right and wrong passwords alike.
pub struct LoginLimiter {
    per_minute: u32,
    counted: Arc<dyn FailedLogins>,
}

impl LoginLimiter {
    /// Allows this many failures a minute for each name and each address, counted in this process alone; 0 = any
    /// number.
    pub fn new(per_minute: u32) -> Self {
        Self::counting_in(Arc::new(LocalFailedLogins::default()), per_minute)
    }

    /// As [`LoginLimiter::new`], counted where all processes of the deployment do.
    pub fn counting_in(counted: Arc<dyn FailedLogins>, per_minute: u32) -> Self {
        Self { per_minute, counted }
    }

    /// What is to be counted for one login.
    pub(super) fn attempt(&self, name: Digest, address: Option<IpAddr>) -> Attempt<'_> {
        let network = address.map(|address| LoginKey::Network(network(address)));
        Attempt { limiter: self, keys: [LoginKey::Name(name)].into_iter().chain(network).collect() }
    }

    fn per_failure_ms(&self) -> i64 {
        (MINUTE_MS / i64::from(self.per_minute.max(1))).max(1)
    }
}

/// One login on its way.
pub(super) struct Attempt<'a> {
    limiter: &'a LoginLimiter,
    keys: Vec<LoginKey>,
}

impl Attempt<'_> {
    /// Refuses if the name or the address has failed too often.
    pub(super) async fn require_allowed(&self, now: Timestamp) -> Result<(), GrantError> {
        if self.limiter.per_minute == 0 {
            return Ok(());
        }
        let full_again = self.limiter.counted.full_again(&self.keys).await?;
        let latest = full_again.into_iter().flatten().map(Timestamp::millis).max().unwrap_or(0);
        // One more failure must still leave the bucket refilled within a minute.
        let wait_ms = latest + self.limiter.per_failure_ms() - now.millis() - MINUTE_MS;
        if wait_ms <= 0 {
            return Ok(());
        }
        let retry_after_s = u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000).max(1);
        Err(GrantError::TooManyAttempts { retry_after_s })
    }

    /// Counts a failure. Refuses if there were too many meanwhile: then nothing of this one is to be told either.
    pub(super) async fn failed(&self, now: Timestamp) -> Result<(), GrantError> {
        if self.limiter.per_minute == 0 {
            return Ok(());
        }
        let per_failure_ms = self.limiter.per_failure_ms();
        let latest = Timestamp::from_millis(now.millis() + MINUTE_MS);
        let mut within = true;
        for key in &self.keys {
            within &= self.limiter.counted.take(*key, per_failure_ms, now, latest).await?;
        }
        if !within {
            self.require_allowed(now).await?;
            return Err(GrantError::TooManyAttempts { retry_after_s: 1 });
        }
        Ok(())
    }
}

/// What one customer of a network provider has: an IPv4 address, or the first half of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Counters of one process.
#[derive(Default)]
pub struct LocalFailedLogins {
    // Held for moments only and never across an await.
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// When each will be full again, in milliseconds since the epoch; then it can be forgotten.
    full_again: HashMap<LoginKey, i64>,
    swept_at_ms: i64,
}

impl LocalFailedLogins {
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.counted().full_again.len()
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl FailedLogins for LocalFailedLogins {
    async fn full_again(&self, keys: &[LoginKey]) -> Result<Vec<Option<Timestamp>>, FailedLoginsError> {
        let counted = self.counted();
        Ok(keys.iter().map(|key| counted.full_again.get(key).copied().map(Timestamp::from_millis)).collect())
    }

    async fn take(&self, key: LoginKey, ms: i64, now: Timestamp, latest: Timestamp) -> Result<bool, FailedLoginsError> {
        let now_ms = now.millis();
        let mut counted = self.counted();
        if counted.full_again.len() >= MOST_KEYS && !counted.full_again.contains_key(&key) {
            if now_ms - counted.swept_at_ms >= SWEEP_MS {
                counted.swept_at_ms = now_ms;
                counted.full_again.retain(|_, full_again| *full_again > now_ms);
            }
            if counted.full_again.len() >= MOST_KEYS {
                return Ok(true);
            }
        }
        let entry = counted.full_again.entry(key).or_insert(0);
        let full_again = (*entry).max(now_ms) + ms;
        let within = full_again <= latest.millis();
        if within {
            *entry = full_again;
        }
        Ok(within)
    }
}
