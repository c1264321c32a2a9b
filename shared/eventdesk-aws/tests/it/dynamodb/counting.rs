//! What commands cost: calls, calls that wait for one another, and DynamoDB's units.
//!
//! moto reports no units that mean anything, so they are computed from what goes over the wire by the rules of the
//! service's developer guide. One number block is fetched before counting: it costs one call in a hundred tickets.

use std::sync::Arc;

use eventdesk_app::{
    Command, CommandContext,
    commands::{AssignTicket, EditMessage, MoveTicket, OpenTicket, RegisterEmployee, TagTicket},
    ports::EventStore,
};
use eventdesk_aws::{Call, Meter, client, dynamodb::DynamoEventStore, round_trips};
use eventdesk_contract::event_store::samples::{append, commit, event, json, name, ticket};
use eventdesk_events::{Version, ticket::Status, user::Role};

use super::{
    bed::Bed,
    desk::{Desk, admin, by, keyed, open, post},
    dollars,
};

/// What one command cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) calls: usize,
    pub(super) round_trips: usize,
    pub(super) write_units: u64,
    pub(super) read_half_units: u64,
    pub(super) events: u64,
}

fn cost(calls: &[Call]) -> Cost {
    Cost {
        calls: calls.len(),
        round_trips: round_trips(calls),
        write_units: calls.iter().map(|call| call.write_units).sum(),
        read_half_units: calls.iter().map(|call| call.read_half_units).sum(),
        events: calls.iter().map(|call| call.events).sum(),
    }
}

async fn costing<C: Command>(desk: &Desk, context: &CommandContext, command: C) -> (C::Record, Cost) {
    desk.calls();
    let record = desk.run(context, command).await.expect("the command is allowed");
    (record, cost(&desk.calls()))
}

#[tokio::test]
async fn commands_cost_what_is_promised() {
    let desk = Desk::new().await;
    let root = admin();
    let (user, registered) = costing(&desk, &root, desk.user(&[Role::Support])).await;
    let (employee, _) = costing(&desk, &root, RegisterEmployee { input: desk.employee() }).await;
    let staff = by(user.id, Role::Support);
    let (plain, opened) = costing(&desk, &staff, open(employee.id)).await;
    let assigned = OpenTicket { assignee_id: Some(user.id), ..open(employee.id) };
    let (ticket, opened_keyed) = costing(&desk, &keyed(&staff, 1), assigned).await;
    let (_, first_post) = costing(&desk, &keyed(&staff, 2), post(plain.id)).await;
    let (message, posted) = costing(&desk, &keyed(&staff, 3), post(ticket.id)).await;
    let pending = MoveTicket { id: ticket.id, status: Status::Pending, reason: None };
    let (_, moved) = costing(&desk, &keyed(&staff, 4), pending).await;
    let (_, assigned) = costing(&desk, &staff, AssignTicket { id: plain.id, user_id: user.id }).await;
    let tag = TagTicket { id: ticket.id, tag: "printer".to_owned() };
    let (_, unchanged) = costing(&desk, &staff, tag).await;
    let body = Some("The fuser is worn; Monday.".to_owned());
    let edit = EditMessage { ticket_id: ticket.id, id: message.id, body, may_note: true };
    let (_, edited) = costing(&desk, &staff, edit).await;

    dollars::readme_tells(&[
        ("create a ticket", opened),
        ("create a ticket with assignee and idempotency key", opened_keyed),
        ("post a message", posted),
        ("post a message, the first of staff", first_post),
        ("change the status", moved),
        ("assign", assigned),
        ("edit a message", edited),
        ("register a user", registered),
        ("what changes nothing", unchanged),
    ]);
    for (command, cost, most_calls) in [
        ("create ticket", opened, 5),
        ("create ticket", opened_keyed, 5),
        ("post message", first_post, 4),
        ("post message", posted, 4),
        ("change status", moved, 4),
    ] {
        assert!(cost.calls <= most_calls, "{command}: {cost:?}");
        assert!(cost.round_trips <= 3, "{command}: {cost:?}");
    }
    assert_eq!(unchanged.write_units, 0);
}

#[tokio::test]
async fn a_commit_costs_its_started_kilobytes_and_one_line_in_the_index() {
    let bed = Bed::new().await;
    let meter = Arc::new(Meter::new());
    let config = client::metered(&bed.config, &meter);
    let store = DynamoEventStore::new(aws_sdk_dynamodb::Client::new(&config), &bed.tables.store);
    for (number, bytes, kilobytes) in [(1, 10, 1), (2, 1_024, 2), (3, 3_000, 4), (4, 9_000, 10)] {
        let mut sized = commit(ticket(number), 1);
        sized.events = vec![event(&format!("\"{}\"", "x".repeat(bytes)), None)];
        sized.state.json = json("{}");
        store.append(append(vec![sized.clone()])).await.unwrap();
        assert_eq!(
            cost(&meter.take()),
            Cost { calls: 1, round_trips: 1, write_units: kilobytes + 1, read_half_units: 0, events: 0 }
        );

        // In a transaction twice as much, a check and a claim two each.
        let mut other = sized;
        other.stream = ticket(number + 100);
        let claims = vec![(name(u8::try_from(number).unwrap()), other.stream)];
        let absent = vec![(ticket(number), Version::new(2))];
        store.append(eventdesk_app::ports::Append { claims, absent, ..append(vec![other]) }).await.unwrap();
        let units = cost(&meter.take()).write_units;
        assert_eq!(units, 2 * kilobytes + 1 + 2 + 2);
    }
    store.head(ticket(1)).await.unwrap();
    store.head(ticket(4)).await.unwrap();
    let reads: Vec<_> = meter.take().iter().map(|call| call.read_half_units).collect();
    assert_eq!(reads, [2, 6], "one unit, and three of 4 KB");
}

#[tokio::test]
async fn the_service_is_asked_for_its_own_count_only_when_wanted() {
    let bed = Bed::new().await;
    let meter = Arc::new(Meter::new());
    let config = client::metered(&bed.config, &meter);
    for (client, asked) in [(aws_sdk_dynamodb::Client::new(&config), false), (client::telling_units(&config), true)] {
        let store = DynamoEventStore::new(client, &bed.tables.store);
        let stream = ticket(u64::from(asked));
        store.append(append(vec![commit(stream, 1)])).await.unwrap();
        store.head(stream).await.unwrap();
        let told: Vec<_> = meter.take().iter().map(|call| call.told_units.is_some()).collect();
        assert_eq!(told, [asked; 2]);
    }
}
