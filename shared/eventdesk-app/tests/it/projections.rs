//! Projections: whatever the bus makes of the commits, the documents are those of the store.

mod expected;
mod faults;
mod orders;
mod random;

pub(crate) use expected::folded;
pub(crate) use faults::poison;
pub(crate) use random::{People, Step, steps};
