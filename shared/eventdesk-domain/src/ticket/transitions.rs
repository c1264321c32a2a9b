//! Where a ticket may move.

use eventdesk_events::ticket::Status;

/// The statuses that a ticket may move to by command, in the order of its life; none from `closed`.
pub const fn allowed_transitions(from: Status) -> &'static [Status] {
    use Status::{Closed, New, OnHold, Open, Pending, Solved};
    match from {
        New => &[Open, Pending, OnHold, Solved],
        Open => &[Pending, OnHold, Solved],
        Pending => &[Open, OnHold, Solved],
        OnHold => &[Open, Pending, Solved],
        Solved => &[Open, Closed],
        Closed => &[],
    }
}
