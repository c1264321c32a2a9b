//! The public contract as a whole: schemas, golden samples, and what holds for every value.
#![expect(clippy::unwrap_used, reason = "a test says by failing what did not hold")]

mod breaking;
mod breaks;
mod fits;
mod goldens;
mod properties;
mod samples;
mod schemas;
