//! The rules of the desk as values: deciders that choose facts and fold them.
//!
//! Pure and synchronous: no storage, no HTTP, no clock. Time, new ids and looked-up facts arrive inside
//! the commands; what a screen needs beyond a rule belongs to a read model. States are serialisable because they are
//! stored with each commit; they are bounded and hold no private text, only the version that last set it.

mod decider;
pub mod employee;
pub mod message;
#[cfg(test)]
mod properties;
pub mod roster;
pub mod rules;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod ticket;
pub mod user;

pub use decider::{Decider, Place};
