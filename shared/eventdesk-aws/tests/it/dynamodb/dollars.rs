//! What counted figures come to in money, at list prices.
//!
//! The prices are an assumption: on demand, us-east-1, November 2026, before free tiers and discounts. So are the
//! times, which are what a warm function on arm64 takes when the services answer within milliseconds.

use super::counting::Cost;

/// Dollars for a million of each.
mod price {
    pub(super) const HTTP_API_REQUEST: f64 = 1.00;
    pub(super) const INVOCATION: f64 = 0.20;
    pub(super) const GIGABYTE_SECOND: f64 = 13.3334;
    pub(super) const WRITE_UNIT: f64 = 0.625;
    pub(super) const READ_UNIT: f64 = 0.125;
    pub(super) const EVENT: f64 = 1.00;
    pub(super) const QUEUE_REQUEST: f64 = 0.40;
    /// A gigabyte in the bus's archive costs 0.10 to put there.
    pub(super) const ARCHIVED_KILOBYTE: f64 = 0.10;
    /// A gigabyte of logs costs 0.50 to take in.
    pub(super) const LOGGED_KILOBYTE: f64 = 0.50;
}

const GIGABYTES: f64 = 0.5;
const COMMAND_SECONDS: f64 = 0.025;
const AUTHORIZER_SECONDS: f64 = 0.010;
const PROJECTOR_SECONDS: f64 = 0.020;
/// Each event reaches two projectors, alone in its batch.
const QUEUES: f64 = 2.0;
/// Sent, received, deleted.
const REQUESTS_A_MESSAGE: f64 = 3.0;
/// What an invocation logs: its figures.
const KILOBYTES_A_LINE: f64 = 0.5;

/// A million commands of this cost, with the authorizer before and the projectors behind them.
pub(super) fn a_million(cost: &Cost) -> f64 {
    let events = number(cost.events);
    let invocations = 2.0 + QUEUES * events;
    let seconds = COMMAND_SECONDS + AUTHORIZER_SECONDS + QUEUES * events * PROJECTOR_SECONDS;
    // The authorizer reads its caller.
    let read_units = number(cost.read_half_units) / 2.0 + 1.0;
    price::HTTP_API_REQUEST
        + invocations * price::INVOCATION
        + seconds * GIGABYTES * price::GIGABYTE_SECOND
        + number(cost.write_units) * price::WRITE_UNIT
        + read_units * price::READ_UNIT
        + events * (price::EVENT + price::ARCHIVED_KILOBYTE)
        + events * QUEUES * REQUESTS_A_MESSAGE * price::QUEUE_REQUEST
        // The gateway's own line is one more.
        + (invocations + 1.0) * KILOBYTES_A_LINE * price::LOGGED_KILOBYTE
}

/// The project's README tells each of these figures as they are.
pub(super) fn readme_tells(costs: &[(&str, Cost)]) {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"));
    let readme = readme.expect("the project has a README");
    let rows: Vec<_> = costs.iter().map(|(command, cost)| row(command, cost)).collect();
    let missing: Vec<_> = rows.iter().filter(|row| !readme.lines().any(|line| line == **row)).collect();
    assert!(missing.is_empty(), "README.md tells something else than what was counted:\n{}", rows.join("\n"));
}

fn row(command: &str, cost: &Cost) -> String {
    let Cost { calls, round_trips, write_units, read_half_units, events } = cost;
    let read_units = number(*read_half_units) / 2.0;
    let dollars = a_million(cost);
    format!("| {command} | {calls} | {round_trips} | {write_units} | {read_units} | {events} | {dollars:.2} |")
}

fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).expect("a command costs little"))
}
