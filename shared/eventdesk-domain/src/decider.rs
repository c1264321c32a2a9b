//! What every aggregate is.

use eventdesk_events::{Timestamp, Version};

/// Where and when an event stands: the version and time of its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The commit's version in the stream.
    pub version: Version,
    /// When the commit was made.
    pub at: Timestamp,
}

/// An aggregate: a state, the choice of facts that a command leads to, and the fold of those facts.
pub trait Decider: Default {
    /// What can be asked of it; imperative.
    type Command;
    /// What can have happened to it; past tense.
    type Event;
    /// Why it refuses.
    type Error;

    /// Chooses the facts a command leads to; no facts means it was already so.
    ///
    /// # Errors
    /// The rule that refuses; then nothing happened.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// Folds in one recorded fact. Never refuses: history is not up for debate.
    #[must_use]
    fn evolve(self, event: &Self::Event, place: Place) -> Self;
}
