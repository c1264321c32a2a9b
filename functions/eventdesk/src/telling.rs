//! How far long work has come, told now and then.

use std::time::{Duration, Instant};

use crate::console;

/// How often it is told.
const EVERY: Duration = Duration::from_secs(5);

/// Tells of one piece of work on standard error.
pub(crate) struct Telling {
    what: &'static str,
    began: Instant,
    told: Instant,
}

impl Telling {
    pub(crate) fn about(what: &'static str) -> Self {
        let now = Instant::now();
        Self { what, began: now, told: now }
    }

    /// So many are done by now.
    pub(crate) fn so_far(&mut self, done: u64) {
        if self.told.elapsed() < EVERY {
            return;
        }
        self.told = Instant::now();
        let rate = u128::from(done) * 1000 / self.began.elapsed().as_millis().max(1);
        console::complain(&format!("{done} {}, {rate} a second", self.what));
    }
}
