//! The values of one metric.

use std::sync::{Mutex, PoisonError};

use metrics::{CounterFn, GaugeFn, HistogramFn};

/// What becomes of several values between two lines.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Their sum counts.
    Sum,
    /// The last one counts.
    Last,
    /// Each counts.
    Each,
}

#[derive(Debug)]
pub(crate) struct Series {
    kind: Kind,
    values: Mutex<Vec<f64>>,
}

impl Series {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, values: Mutex::default() }
    }

    /// The values since the last time.
    pub(crate) fn take(&self) -> Vec<f64> {
        std::mem::take(&mut self.values.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, value: f64) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.kind, values.last_mut()) {
            (Kind::Sum, Some(sum)) => *sum += value,
            (Kind::Last, Some(last)) => *last = value,
            _ => values.push(value),
        }
    }

    fn last(&self) -> f64 {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).last().copied().unwrap_or_default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of one invocation are far below 2^53")]
impl CounterFn for Series {
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }

    fn absolute(&self, value: u64) {
        self.add(value as f64 - self.last());
    }
}

impl GaugeFn for Series {
    fn increment(&self, value: f64) {
        self.add(self.last() + value);
    }

    fn decrement(&self, value: f64) {
        self.add(self.last() - value);
    }

    fn set(&self, value: f64) {
        self.add(value);
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.add(value);
    }
}
