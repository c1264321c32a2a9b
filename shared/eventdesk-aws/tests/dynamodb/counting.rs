//! What commands cost: calls, calls that wait for one another, and DynamoDB's units.
//!
//! moto reports no units that mean anything, so they are computed from what goes over the wire by the rules of the
//! service's developer guide. One number block is fetched before counting: it costs one call in a hundred tickets.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use eventdesk_app::{
    Command, CommandContext, Commands, DeploymentSecret, Digest, DirectoryRules, Idempotency,
    access::Caller,
    commands::{
        AssignTicket, EditMessage, EmployeeInput, MoveTicket, OpenTicket, PostMessage, RegisterEmployee, RegisterUser,
        TagTicket,
    },
    ports::{Clock, CredentialsError, EventStore, Ids, PasswordHasher},
};
use eventdesk_aws::{
    Call, Meter,
    bus::EventBridgePublisher,
    client,
    dynamodb::{DynamoCredentials, DynamoEventStore},
    round_trips,
};
use eventdesk_contract::event_store::samples::{append, commit, event, json, name, ticket};
use eventdesk_events::{
    ActorKind, TicketId, Timestamp, UserId, Version,
    message::Visibility,
    ticket::{Priority, Status, TicketType},
    user::Role,
};
use uuid::Uuid;

use crate::bed::Bed;

struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn next(&self) -> Uuid {
        let count = u128::from(self.0.fetch_add(1, Ordering::Relaxed));
        Uuid::from_u128(((0x0190_0000_0000 + count) << 80) | (7 << 76) | (2 << 62))
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_305_600_000)
    }
}

struct NoHasher;

#[async_trait::async_trait]
impl PasswordHasher for NoHasher {
    async fn hash(&self, _: &str) -> Result<String, CredentialsError> {
        Ok("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
            .to_owned())
    }

    async fn verify(&self, _: &str, _: Option<&str>) -> Result<bool, CredentialsError> {
        Ok(false)
    }
}

/// A desk on AWS whose calls are counted.
struct Desk {
    commands: Commands,
    meter: Arc<Meter>,
    people: AtomicU64,
}

/// What one command cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    calls: usize,
    round_trips: usize,
    write_units: u64,
    read_half_units: u64,
}

fn cost(calls: &[Call]) -> Cost {
    Cost {
        calls: calls.len(),
        round_trips: round_trips(calls),
        write_units: calls.iter().map(|call| call.write_units).sum(),
        read_half_units: calls.iter().map(|call| call.read_half_units).sum(),
    }
}

impl Desk {
    async fn new() -> Self {
        let bed = Bed::new().await;
        let meter = Arc::new(Meter::new());
        let config = client::metered(&bed.config, &meter);
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let events = aws_sdk_eventbridge::Client::new(&config);
        events.create_event_bus().name(&bed.tables.store).send().await.expect("a bus can be made");
        let ids: Arc<dyn Ids> = Arc::new(CountingIds(AtomicU64::new(1)));
        let store = Arc::new(DynamoEventStore::new(dynamodb.clone(), &bed.tables.store));
        store.next_ticket_number().await.expect("there are numbers");
        let commands = Commands {
            store,
            publisher: Arc::new(EventBridgePublisher::new(events, &bed.tables.store, Arc::clone(&ids))),
            clock: Arc::new(StandingClock),
            ids,
            credentials: Arc::new(DynamoCredentials::new(dynamodb, &bed.tables.identity)),
            passwords: Arc::new(NoHasher),
            reservations: DeploymentSecret::new(&[7; 32]).expect("32 bytes").digester("reservations"),
            rules: Arc::new(DirectoryRules::default()),
        };
        Self { commands, meter, people: AtomicU64::new(1) }
    }

    async fn run<C: Command>(&self, context: &CommandContext, command: C) -> (C::Record, Cost) {
        self.meter.take();
        let done = self.commands.execute(context, command).await.expect("the command is allowed");
        (done.record, cost(&self.meter.take()))
    }

    fn number(&self) -> u64 {
        self.people.fetch_add(1, Ordering::Relaxed)
    }

    fn user(&self, roles: &[Role]) -> RegisterUser {
        let number = self.number();
        RegisterUser {
            username: Some(format!("ada{number}")),
            first_name: Some("Ada".to_owned()),
            last_name: Some("Okoye".to_owned()),
            phone: Some(format!("+491000{number:05}")),
            email: Some(format!("ada{number}@desk.example")),
            password: Some("Secret!1234".to_owned()),
            roles: roles.to_vec(),
            disabled: false,
            login_denied: false,
        }
    }

    fn employee(&self) -> EmployeeInput {
        let number = self.number();
        EmployeeInput {
            first_name: Some("Eve".to_owned()),
            last_name: Some("Novak".to_owned()),
            phone: Some(format!("+492000{number:05}")),
            email: Some(format!("eve{number}@office.example")),
            country: Some("Austria".to_owned()),
            city: Some("Graz".to_owned()),
            ..EmployeeInput::default()
        }
    }
}

fn by(id: UserId, role: Role) -> CommandContext {
    CommandContext {
        caller: Caller { id, kind: ActorKind::User, roles: vec![role] },
        correlation_id: Uuid::from_u128(0xc0),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        if_match: None,
        idempotency: None,
    }
}

fn keyed(context: &CommandContext, byte: u8) -> CommandContext {
    let idempotency = Idempotency { key: Digest([byte; 16]), body: Digest([1; 16]) };
    CommandContext { idempotency: Some(idempotency), ..context.clone() }
}

fn post(ticket_id: TicketId) -> PostMessage {
    let body = "Thank you for the photo. The fuser is worn; a colleague brings a new one on Monday morning.".to_owned();
    PostMessage { ticket_id, visibility: Visibility::Public, body: Some(body), may_note: true }
}

#[tokio::test]
async fn commands_cost_what_is_promised() {
    let desk = Desk::new().await;
    let root = by(UserId::from_uuid(Uuid::from_u128(0x0180 << 112)), Role::Admin);
    let (user, registered) = desk.run(&root, desk.user(&[Role::Support])).await;
    let (employee, _) = desk.run(&root, RegisterEmployee { input: desk.employee() }).await;
    let staff = by(user.id, Role::Support);
    let open = OpenTicket {
        title: Some("The printer on the second floor does not print".to_owned()),
        description: Some("It says that there is no paper, though there is, since the one on Friday. ".repeat(4)),
        employee_id: Some(employee.id),
        priority: Some(Priority::High),
        ticket_type: Some(TicketType::Incident),
        tags: vec!["printer".to_owned(), "floor-2".to_owned()],
        assignee_id: None,
        due_at: None,
        follow_up_of: None,
    };
    let (plain, opened) = desk.run(&staff, open.clone()).await;
    let assigned = OpenTicket { assignee_id: Some(user.id), ..open };
    let (ticket, opened_keyed) = desk.run(&keyed(&staff, 1), assigned).await;
    let (_, first_post) = desk.run(&keyed(&staff, 2), post(plain.id)).await;
    let (message, posted) = desk.run(&keyed(&staff, 3), post(ticket.id)).await;
    let (_, moved) =
        desk.run(&keyed(&staff, 4), MoveTicket { id: ticket.id, status: Status::Pending, reason: None }).await;
    let (_, assigned) = desk.run(&staff, AssignTicket { id: plain.id, user_id: user.id }).await;
    let tag = TagTicket { id: ticket.id, tag: "printer".to_owned() };
    let (_, unchanged) = desk.run(&staff, tag).await;
    let edit = EditMessage {
        ticket_id: ticket.id,
        id: message.id,
        body: Some("The fuser is worn; Monday.".to_owned()),
        may_note: true,
    };
    let (_, edited) = desk.run(&staff, edit).await;

    let costs = [
        ("create ticket", opened),
        ("create ticket, with assignee and idempotency key", opened_keyed),
        ("post message, the first of staff", first_post),
        ("post message", posted),
        ("change status", moved),
        ("assign", assigned),
        ("no change", unchanged),
        ("edit message", edited),
        ("register user", registered),
    ];
    println!("command | calls | in a row | write units | read units");
    for (command, Cost { calls, round_trips, write_units, read_half_units }) in costs {
        println!(
            "{command} | {calls} | {round_trips} | {write_units} | {}",
            f64::from(u32::try_from(read_half_units).unwrap()) / 2.0
        );
    }
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
            Cost { calls: 1, round_trips: 1, write_units: kilobytes + 1, read_half_units: 0 }
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
