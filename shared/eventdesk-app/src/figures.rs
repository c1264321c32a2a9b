//! The names of what is measured, whoever makes metrics of it; units stand in the names, and no unit means a count.
//!
//! Whoever measures something tells the recorder of the process (crate `metrics`); a process without one measures
//! nothing. What the audit measures is named beside it.

/// Requests answered with what was asked for: a status below 400.
pub const ANSWERED: &str = "answered";
/// Requests refused to their caller: a status from 400 to 499.
pub const REFUSED: &str = "refused";
/// Requests that failed on our side: a status of 500 or more.
pub const FAILED: &str = "failed";
/// From a request's arrival at its function to the function's answer.
pub const LATENCY_MS: &str = "latency_ms";

/// Lost races after which a command was decided anew.
pub const CONFLICTS_RETRIED: &str = "conflicts_retried";
/// Commands that were stored and whose events the bus did not take; the audit publishes them.
pub const PUBLISH_FAILURES: &str = "publish_failures";

/// Events that a projector has worked through.
pub const EVENTS_PROJECTED: &str = "events_projected";
/// Events that it could not work through, and that come again.
pub const EVENTS_FAILED: &str = "events_failed";
/// Events that it could not work through for the last time.
pub const DEAD_LETTERS: &str = "dead_letters";
/// From an event's commit to its being projected.
pub const LAG_MS: &str = "lag_ms";

/// All of them.
pub const ALL: [&str; 10] = [
    ANSWERED,
    REFUSED,
    FAILED,
    LATENCY_MS,
    CONFLICTS_RETRIED,
    PUBLISH_FAILURES,
    EVENTS_PROJECTED,
    EVENTS_FAILED,
    DEAD_LETTERS,
    LAG_MS,
];
