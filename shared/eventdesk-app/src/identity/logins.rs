//! Slowing down who guesses passwords.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventdesk_events::Timestamp;

use super::GrantError;
use crate::Digest;

/// Most names and addresses that are remembered at once. Each costs a computed hash to get in and stays a minute at
/// most, so that a machine gets nowhere near it.
const MOST_KEYS: usize = 65_536;
const MINUTE_MS: i64 = 60_000;
/// How often, at most, those that are over are looked for: a flood of names must not pay for a search each.
const SWEEP_MS: i64 = 1_000;

/// Counts failed logins by name and by address, in this process alone; successes cost nothing.
///
/// A bucket of `per_minute` failures for each name and each address, which refills evenly within a minute (the
/// generic cell rate algorithm). An empty bucket refuses right and wrong passwords alike.
pub struct LoginLimiter {
    per_minute: u32,
    // Held for moments only and never across an await.
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    /// When each will be full again, in milliseconds since the epoch; then it can be forgotten.
    full_again: HashMap<Key, i64>,
    swept_at_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Name(Digest),
    Address(IpAddr),
}

impl LoginLimiter {
    /// Allows this many failures a minute for each name and each address; 0 = any number.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, buckets: Mutex::default() }
    }

    /// What is to be counted for one login.
    pub(super) fn attempt(&self, name: Digest, address: Option<IpAddr>) -> Attempt<'_> {
        Attempt { limiter: self, keys: [Some(Key::Name(name)), address.map(|address| Key::Address(network(address)))] }
    }

    fn per_failure_ms(&self) -> i64 {
        (MINUTE_MS / i64::from(self.per_minute.max(1))).max(1)
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.buckets().full_again.len()
    }

    fn wait_ms(&self, key: Key, now: Timestamp) -> i64 {
        let Some(full_again) = self.buckets().full_again.get(&key).copied() else { return 0 };
        // One more failure must still leave the bucket refilled within a minute.
        full_again + self.per_failure_ms() - now.millis() - MINUTE_MS
    }

    fn count(&self, key: Key, now: Timestamp) {
        let now_ms = now.millis();
        let mut buckets = self.buckets();
        if buckets.full_again.len() >= MOST_KEYS && !buckets.full_again.contains_key(&key) {
            if now_ms - buckets.swept_at_ms >= SWEEP_MS {
                buckets.swept_at_ms = now_ms;
                buckets.full_again.retain(|_, full_again| *full_again > now_ms);
            }
            if buckets.full_again.len() >= MOST_KEYS {
                return;
            }
        }
        let entry = buckets.full_again.entry(key).or_insert(0);
        *entry = (*entry).max(now_ms) + self.per_failure_ms();
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One login on its way.
pub(super) struct Attempt<'a> {
    limiter: &'a LoginLimiter,
    keys: [Option<Key>; 2],
}

impl Attempt<'_> {
    /// Refuses if the name or the address has failed too often.
    pub(super) fn require_allowed(&self, now: Timestamp) -> Result<(), GrantError> {
        if self.limiter.per_minute == 0 {
            return Ok(());
        }
        let wait_ms = self.keys.iter().flatten().map(|key| self.limiter.wait_ms(*key, now)).max().unwrap_or(0);
        if wait_ms <= 0 {
            return Ok(());
        }
        let retry_after_s = u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000).max(1);
        Err(GrantError::TooManyAttempts { retry_after_s })
    }

    /// Counts a failure.
    pub(super) fn failed(&self, now: Timestamp) {
        if self.limiter.per_minute > 0 {
            self.keys.iter().flatten().for_each(|key| self.limiter.count(*key, now));
        }
    }
}

/// What one customer of a network provider has: an IPv4 address, or the first half of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}
