//! Commands over the emulator.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use eventdesk_app::{
    Command, CommandContext, CommandError, Commands, DeploymentSecret, Digest, DirectoryRules, Idempotency,
    access::Caller,
    commands::{EmployeeInput, OpenTicket, PostMessage, RegisterUser},
    identity::LoginSessions,
    ports::{Clock, EventStore, Ids},
};
use eventdesk_aws::{
    Call, Meter,
    bus::EventBridgePublisher,
    client,
    dynamodb::{DynamoCredentials, DynamoEventStore},
};
use eventdesk_contract::doubles::{CountingIds, NoPasswords, NoSessions};
use eventdesk_events::{
    ActorKind, EmployeeId, TicketId, Timestamp, UserId,
    message::Visibility,
    ticket::{Priority, TicketType},
    user::Role,
};
use uuid::Uuid;

use super::bed::Bed;
use crate::wire::Wire;

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_305_600_000)
    }
}

/// A desk on AWS whose calls are counted.
pub(crate) struct Desk {
    commands: Commands,
    meter: Arc<Meter>,
    pub(crate) wire: Arc<Wire>,
    people: AtomicU64,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let bed = Bed::new().await;
        let meter = Arc::new(Meter::new());
        let config = client::metered(&bed.config, &meter);
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let events = aws_sdk_eventbridge::Client::new(&config);
        events.create_event_bus().name(&bed.tables.store).send().await.expect("a bus can be made");
        let ids: Arc<dyn Ids> = Arc::new(CountingIds::default());
        let store = Arc::new(DynamoEventStore::new(dynamodb.clone(), &bed.tables.store));
        store.next_ticket_number().await.expect("there are numbers");
        let commands = Commands {
            store,
            publisher: Arc::new(EventBridgePublisher::new(events, &bed.tables.store, Arc::clone(&ids))),
            clock: Arc::new(StandingClock),
            ids,
            credentials: Arc::new(DynamoCredentials::new(dynamodb, &bed.tables.identity)),
            passwords: Arc::new(NoPasswords),
            logins: LoginSessions::new(Arc::new(NoSessions), None, Arc::new(StandingClock), 60),
            reservations: DeploymentSecret::new(&[7; 32]).expect("32 bytes").digester("reservations"),
            rules: Arc::new(DirectoryRules::default()),
        };
        Self { commands, meter, wire: bed.wire, people: AtomicU64::new(1) }
    }

    pub(crate) async fn run<C: Command>(
        &self,
        context: &CommandContext,
        command: C,
    ) -> Result<C::Record, CommandError> {
        self.commands.execute(context, command).await.map(|done| done.record)
    }

    /// The calls since the last time.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.meter.take()
    }

    fn number(&self) -> u64 {
        self.people.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn user(&self, roles: &[Role]) -> RegisterUser {
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

    pub(crate) fn employee(&self) -> EmployeeInput {
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

pub(crate) fn by(id: UserId, role: Role) -> CommandContext {
    CommandContext {
        caller: Caller { id, kind: ActorKind::User, roles: vec![role] },
        correlation_id: Uuid::from_u128(0xc0),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        if_match: None,
        idempotency: None,
    }
}

pub(crate) fn keyed(context: &CommandContext, byte: u8) -> CommandContext {
    let idempotency = Idempotency { key: Digest([byte; 16]), body: Digest([1; 16]) };
    CommandContext { idempotency: Some(idempotency), ..context.clone() }
}

pub(crate) fn post(ticket_id: TicketId) -> PostMessage {
    let body = "Thank you for the photo. The fuser is worn; a colleague brings a new one on Monday morning.".to_owned();
    PostMessage { ticket_id, visibility: Visibility::Public, body: Some(body), may_note: true }
}

pub(crate) fn open(employee: EmployeeId) -> OpenTicket {
    OpenTicket {
        title: Some("The printer on the second floor does not print".to_owned()),
        description: Some("It says that there is no paper, though there is, since the one on Friday. ".repeat(4)),
        employee_id: Some(employee),
        priority: Some(Priority::High),
        ticket_type: Some(TicketType::Incident),
        tags: vec!["printer".to_owned(), "floor-2".to_owned()],
        assignee_id: None,
        due_at: None,
        follow_up_of: None,
    }
}

pub(crate) fn admin() -> CommandContext {
    by(UserId::from_uuid(Uuid::from_u128(0x0180 << 112)), Role::Admin)
}
