//! Commands over an event store in memory, for projections to have something to show.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use eventdesk_app::{
    Command, CommandContext, Commands, DeploymentSecret, DirectoryRules,
    access::Caller,
    commands::{EmployeeInput, MoveTicket, OpenTicket, PostMessage, RegisterEmployee},
    identity::LoginSessions,
    ports::{Clock, Commit, CommitLog, Delivery, DeliveryId, Position},
    publish::LocalPublisher,
};
use eventdesk_contract::doubles::{CountingIds, NoPasswords, NoSessions};
use eventdesk_events::{
    ActorKind, EmployeeId, TicketId, Timestamp, UserId,
    message::Visibility,
    ticket::{Priority, Status},
    user::Role,
};
use eventdesk_memory::{MemoryCredentials, MemoryEventStore};
use uuid::Uuid;

/// A clock that moves on by a millisecond whenever it is looked at.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) struct Desk {
    pub(crate) store: Arc<MemoryEventStore>,
    commands: Commands,
    employee: EmployeeId,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let store = Arc::new(MemoryEventStore::new());
        let commands = Commands {
            store: store.clone(),
            // The test takes the commits from the log.
            publisher: Arc::new(LocalPublisher),
            clock: Arc::new(Ticking(AtomicI64::new(1_700_000_000_000))),
            ids: Arc::new(CountingIds::default()),
            credentials: Arc::new(MemoryCredentials::new()),
            passwords: Arc::new(NoPasswords),
            logins: LoginSessions::new(Arc::new(NoSessions), None, Arc::new(Ticking(AtomicI64::new(0))), 60),
            reservations: DeploymentSecret::new(&[7; 32]).unwrap().digester("reservations"),
            rules: Arc::new(DirectoryRules::default()),
        };
        let mut desk = Self { store, commands, employee: EmployeeId::from_uuid(Uuid::from_u128(0)) };
        let input = EmployeeInput {
            first_name: Some("Eve".to_owned()),
            last_name: Some("Person".to_owned()),
            phone: Some("+49200012345".to_owned()),
            email: Some("eve@office.example".to_owned()),
            ..EmployeeInput::default()
        };
        desk.employee = desk.run(RegisterEmployee { input }).await.id;
        desk
    }

    async fn run<C: Command>(&self, command: C) -> C::Record {
        let id = UserId::from_uuid(Uuid::from_u128(0x0180_0000_0000_7000_8000_0000_0000_0001));
        let context = CommandContext {
            caller: Caller { id, kind: ActorKind::User, roles: vec![Role::Admin] },
            correlation_id: Uuid::from_u128(0xc0),
            trace_id: None,
            if_match: None,
            idempotency: None,
        };
        self.commands.execute(&context, command).await.unwrap().record
    }

    pub(crate) async fn open(&self, title: &str, tags: &[&str]) -> TicketId {
        let open = OpenTicket {
            title: Some(title.to_owned()),
            description: Some("It does not print \u{2603}".to_owned()),
            employee_id: Some(self.employee),
            priority: Some(Priority::High),
            ticket_type: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            assignee_id: None,
            due_at: None,
            follow_up_of: None,
        };
        self.run(open).await.id
    }

    pub(crate) async fn set_status(&self, id: TicketId, status: Status) {
        self.run(MoveTicket { id, status, reason: None }).await;
    }

    pub(crate) async fn post(&self, ticket_id: TicketId, visibility: Visibility) {
        self.run(PostMessage { ticket_id, visibility, body: Some("Hello".to_owned()), may_note: true }).await;
    }

    pub(crate) async fn commits(&self) -> Vec<Commit> {
        let stored = self.store.read_after(Position(0), 100_000).await.unwrap();
        stored.into_iter().map(|stored| Commit::clone(&stored.commit)).collect()
    }
}

/// One delivery an event, as SQS brings them.
pub(crate) fn deliveries(commits: &[Commit]) -> Vec<Delivery> {
    let events = commits.iter().flat_map(Commit::envelopes);
    events.map(|event| Delivery { id: DeliveryId(event.id.to_string()), attempt: 1, events: vec![event] }).collect()
}
