//! Time, ids and password hashes that a test knows beforehand.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use eventdesk_app::ports::{Clock, Commit, CredentialsError, Ids, PasswordHasher, PublishError, Publisher};
use eventdesk_events::Timestamp;
use uuid::Uuid;

/// A clock that stands still until it is moved.
pub(crate) struct FakeClock(AtomicI64);

impl Default for FakeClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_700_000_000_000))
    }
}

impl FakeClock {
    /// Moves the clock, backwards too.
    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// `UUIDv7`s that count up, or down as those of a writer whose clock is behind.
#[derive(Default)]
pub(crate) struct FakeIds {
    count: AtomicU64,
    down: bool,
}

impl FakeIds {
    pub(crate) fn counting_down() -> Self {
        Self { count: AtomicU64::new(0), down: true }
    }
}

impl Ids for FakeIds {
    fn next(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let millis = if self.down { 0x0180_0000_0000 - count } else { 0x0190_0000_0000 + count };
        Uuid::from_u128((u128::from(millis) << 80) | (7 << 76) | (2 << 62))
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Hashes that can be read.
pub(crate) struct FakeHasher;

#[async_trait]
impl PasswordHasher for FakeHasher {
    async fn hash(&self, password: &str) -> Result<String, CredentialsError> {
        Ok(format!("hash of {password}"))
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, CredentialsError> {
        Ok(hash == Some(&*format!("hash of {password}")))
    }
}

/// A bus that takes nothing: no command may fail for that.
pub(crate) struct DeafBus;

#[async_trait]
impl Publisher for DeafBus {
    async fn publish(&self, _: &[Commit]) -> Result<(), PublishError> {
        Err(PublishError("nobody listens".into()))
    }
}

/// Numbers from a seed, so that a failure can be shown again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `most`.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % most.max(1) as u64).unwrap()
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}
