//! Projections: whatever the bus makes of the commits, the documents are those of the store.

mod expected;
mod faults;
mod orders;
mod random;

pub(crate) use faults::poison;
