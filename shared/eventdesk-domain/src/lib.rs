//! The rules of the desk as values: deciders that choose facts and fold them.
//!
//! Pure and synchronous: no storage, no JSON, no HTTP, no clock. Time, new ids and looked-up facts arrive inside
//! the commands; what a screen needs beyond a rule belongs to a read model.

mod decider;

pub use decider::{Decider, Place};
