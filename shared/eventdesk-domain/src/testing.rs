//! Given a history, when a command comes, then these events follow or this rule refuses.

use std::fmt::Debug;

use eventdesk_events::{EmployeeId, TicketId, Timestamp, UserId, Version};

use crate::{Decider, Place};

/// When the commit `version` of a made-up history was made: one minute apart, from 2026-01-01T00:00:00Z.
pub fn place(version: u64) -> Place {
    let minutes = i64::try_from(version).unwrap_or(i64::MAX / 60_000);
    Place { version: Version::new(version), at: Timestamp::from_millis(1_767_225_600_000 + minutes * 60_000) }
}

fn uuid(family: u16, number: u32) -> String {
    format!("0198f000-{family:04x}-7000-8000-{number:012x}")
}

/// A made-up user, the same for the same number.
#[expect(clippy::missing_panics_doc, reason = "every number makes a UUID")]
pub fn user(number: u32) -> UserId {
    UserId::parse(&uuid(1, number)).expect("the text form of a UUID")
}

/// A made-up employee, the same for the same number.
#[expect(clippy::missing_panics_doc, reason = "every number makes a UUID")]
pub fn employee(number: u32) -> EmployeeId {
    EmployeeId::parse(&uuid(2, number)).expect("the text form of a UUID")
}

/// A made-up ticket, the same for the same number.
#[expect(clippy::missing_panics_doc, reason = "every number makes a UUID")]
pub fn ticket(number: u32) -> TicketId {
    TicketId::parse(&uuid(3, number)).expect("the text form of a UUID")
}

/// Folds `history`, one event a commit, from the first version on.
pub fn fold<'a, D: Decider>(history: impl IntoIterator<Item = &'a D::Event>) -> D
where
    D::Event: 'a,
{
    history.into_iter().zip(1..).fold(D::default(), |state, (event, version)| state.evolve(event, place(version)))
}

/// An aggregate with a history behind it; see [`given`].
#[derive(Debug)]
pub struct Given<D> {
    state: D,
}

/// What a decider answered; see [`Given::when`].
#[derive(Debug)]
pub struct Outcome<D: Decider> {
    result: Result<Vec<D::Event>, D::Error>,
}

/// Starts a test case from a history, one event a commit.
pub fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let events: Vec<D::Event> = history.into_iter().collect();
    Given { state: fold(&events) }
}

impl<D: Decider> Given<D> {
    /// Puts the command to the decider.
    #[must_use]
    pub fn when(&self, command: D::Command) -> Outcome<D> {
        Outcome { result: self.state.decide(command) }
    }

    /// The state that the history leads to.
    pub fn state(&self) -> &D {
        &self.state
    }
}

impl<D: Decider> Outcome<D>
where
    D::Event: Debug + PartialEq,
    D::Error: Debug + PartialEq,
{
    /// Asserts that exactly these events follow; none means that the command changes nothing.
    ///
    /// # Panics
    /// If anything else follows.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = D::Event>) {
        assert_eq!(self.result, Ok(events.into_iter().collect()));
    }

    /// Asserts that this rule refuses.
    ///
    /// # Panics
    /// If another rule refuses, or none.
    #[track_caller]
    pub fn then_err(self, error: D::Error) {
        assert_eq!(self.result, Err(error));
    }
}
