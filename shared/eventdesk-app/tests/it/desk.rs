//! A whole desk for a test: adapters, a clock that is set, ids that count, and people to act.

mod deliver;
mod fakes;
mod feed;
mod store;
mod views;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use eventdesk_app::{
    Command, CommandContext, CommandError, Commands, ConsistencyToken, DeploymentSecret, Digester, DirectoryRules,
    Done, EmployeeRecord, Idempotency, MessageRecord, TicketRecord, UserRecord,
    access::Caller,
    commands::{EmployeeInput, MoveTicket, OpenTicket, PostMessage, RegisterEmployee, RegisterUser},
    identity::LoginSessions,
    ports::{CommitLog, CommitScan, EventStore, GenerationStore, Ids, PrivateParts, ReadStore},
    projections::{Projector, VIEWS, projectors},
    queries::{KnownTickets, Queries, QueryContext, Waiters},
};
use eventdesk_events::{
    ActorKind, EmployeeId, TicketId, UserId, Version,
    message::Visibility,
    ticket::{Priority, Status, TicketType},
    user::Role,
};
use eventdesk_memory::{MemoryCredentials, MemoryEventStore, MemoryReadStore, MemorySessions};
use eventdesk_sqlite::{SqliteEventStore, SqliteReadStore, StoreOptions, ViewsOptions};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) use deliver::{commits, documents, singles, wholes};
pub(crate) use fakes::{DeafBus, Dice, FakeClock, FakeHasher, FakeIds};
pub(crate) use feed::LogFeed;
pub(crate) use store::{Altered, Counting, Interference, Rival};
pub(crate) use views::{Fault, FaultyViews, delegate_reads, drop_half};

/// Runs each scenario over both kinds of adapters.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(crate::desk::Desk::memory().await).await; })+
        }
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(crate::desk::Desk::sqlite().await).await; })+
        }
    };
}
pub(crate) use scenarios;

pub(crate) struct Desk {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) log: Arc<dyn CommitLog>,
    pub(crate) scan: Arc<dyn CommitScan>,
    pub(crate) private: Arc<dyn PrivateParts>,
    pub(crate) views: Arc<dyn ReadStore>,
    /// The same views.
    pub(crate) generations: Arc<dyn GenerationStore>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) credentials: Arc<MemoryCredentials>,
    pub(crate) commands: Commands,
    pub(crate) queries: Queries,
    people: AtomicU64,
    folder: Option<TempDir>,
    databases: AtomicU64,
}

pub(crate) fn digester(purpose: &str) -> Digester {
    DeploymentSecret::new(&[7; 32]).unwrap().digester(purpose)
}

impl Desk {
    pub(crate) async fn memory() -> Self {
        Self::of(Arc::new(MemoryEventStore::new()), Arc::new(MemoryReadStore::new()), None).await
    }

    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteEventStore::open(folder.path().join("store.db"), StoreOptions::default()).unwrap());
        let views = SqliteReadStore::open(folder.path().join("views.db"), &ViewsOptions::default()).unwrap();
        Self::of(store, Arc::new(views), Some(folder)).await
    }

    async fn of<S: EventStore + CommitLog + CommitScan + PrivateParts + 'static>(
        store: Arc<S>,
        generations: Arc<dyn GenerationStore>,
        folder: Option<TempDir>,
    ) -> Self {
        let (log, scan): (Arc<dyn CommitLog>, Arc<dyn CommitScan>) = (store.clone(), store.clone());
        let private: Arc<dyn PrivateParts> = store.clone();
        let store: Arc<dyn EventStore> = store;
        let views: Arc<dyn ReadStore> = generations.clone();
        let clock = Arc::new(FakeClock::default());
        let ids: Arc<dyn Ids> = Arc::new(FakeIds::default());
        let credentials = Arc::new(MemoryCredentials::new());
        views.prepare(&VIEWS).await.unwrap();
        let commands = commands_over(store.clone(), &clock, &ids, &credentials);
        let queries = Queries {
            views: views.clone(),
            store: store.clone(),
            clock: clock.clone(),
            cursors: digester("cursors"),
            reservations: digester("reservations"),
            waiters: Waiters::new(2),
            known_tickets: KnownTickets::default(),
        };
        let (people, databases) = (AtomicU64::new(1), AtomicU64::new(1));
        Self {
            store,
            log,
            scan,
            private,
            views,
            generations,
            clock,
            ids,
            credentials,
            commands,
            queries,
            people,
            folder,
            databases,
        }
    }

    /// Commands of the same desk over another store, often a wrapper of its own.
    pub(crate) fn commands_over(&self, store: Arc<dyn EventStore>) -> Commands {
        commands_over(store, &self.clock, &self.ids, &self.credentials)
    }

    /// Empty views of the same kind.
    pub(crate) async fn fresh_views(&self) -> Arc<dyn ReadStore> {
        let views: Arc<dyn ReadStore> = match &self.folder {
            None => Arc::new(MemoryReadStore::new()),
            Some(folder) => {
                let name = format!("views{}.db", self.databases.fetch_add(1, Ordering::Relaxed));
                Arc::new(SqliteReadStore::open(folder.path().join(name), &ViewsOptions::default()).unwrap())
            }
        };
        views.prepare(&VIEWS).await.unwrap();
        views
    }

    pub(crate) fn projectors(&self) -> Vec<Projector> {
        projectors(&self.store, &self.views)
    }

    /// Brings the views up to date, in order.
    pub(crate) async fn project(&self) {
        deliver::all_in_order(self, &self.projectors()).await;
    }

    pub(crate) async fn run<C: Command>(&self, caller: &Caller, command: C) -> Result<Done<C::Record>, CommandError> {
        self.commands.execute(&context(caller), command).await
    }

    /// A user with these roles, registered.
    pub(crate) async fn user(&self, roles: &[Role]) -> Caller {
        let done = self.run(&root(), self.new_user(roles)).await.unwrap();
        Caller { id: done.record.id, kind: ActorKind::User, roles: roles.to_vec() }
    }

    pub(crate) async fn register(&self, user: RegisterUser) -> UserRecord {
        self.run(&root(), user).await.unwrap().record
    }

    pub(crate) fn new_user(&self, roles: &[Role]) -> RegisterUser {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        RegisterUser {
            username: Some(format!("user{number}")),
            first_name: Some("Ada".to_owned()),
            last_name: Some(format!("Number{}", letters(number))),
            phone: Some(format!("+491000{number:05}")),
            email: Some(format!("user{number}@desk.example")),
            password: Some("Secret!1234".to_owned()),
            roles: roles.to_vec(),
            disabled: false,
            login_denied: false,
        }
    }

    pub(crate) fn new_employee(&self) -> EmployeeInput {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        EmployeeInput {
            first_name: Some("Eve".to_owned()),
            last_name: Some(format!("Person{}", letters(number))),
            phone: Some(format!("+492000{number:05}")),
            email: Some(format!("eve{number}@office.example")),
            country: Some("Austria".to_owned()),
            city: Some("Graz".to_owned()),
            ..EmployeeInput::default()
        }
    }

    pub(crate) async fn employee(&self) -> EmployeeRecord {
        let input = self.new_employee();
        self.run(&root(), RegisterEmployee { input }).await.unwrap().record
    }

    /// An employee who logs in as a user.
    pub(crate) async fn requester(&self) -> (Caller, EmployeeId) {
        let caller = self.user(&[Role::Employee]).await;
        let input = EmployeeInput { user_id: Some(caller.id), ..self.new_employee() };
        (caller, self.run(&root(), RegisterEmployee { input }).await.unwrap().record.id)
    }

    pub(crate) async fn ticket(&self, caller: &Caller, employee: EmployeeId) -> TicketRecord {
        self.run(caller, open_for(employee)).await.unwrap().record
    }

    pub(crate) async fn post(&self, caller: &Caller, ticket: TicketId) -> MessageRecord {
        self.run(caller, post_on(ticket)).await.unwrap().record
    }

    pub(crate) async fn set_status(&self, caller: &Caller, id: TicketId, status: Status) -> TicketRecord {
        self.run(caller, MoveTicket { id, status, reason: None }).await.unwrap().record
    }

    pub(crate) async fn close(&self, caller: &Caller, id: TicketId) -> TicketRecord {
        self.set_status(caller, id, Status::Solved).await;
        self.set_status(caller, id, Status::Closed).await
    }
}

fn commands_over(
    store: Arc<dyn EventStore>,
    clock: &Arc<FakeClock>,
    ids: &Arc<dyn Ids>,
    credentials: &Arc<MemoryCredentials>,
) -> Commands {
    Commands {
        store,
        publisher: Arc::new(DeafBus),
        clock: clock.clone(),
        ids: ids.clone(),
        credentials: credentials.clone(),
        passwords: Arc::new(FakeHasher),
        logins: LoginSessions::new(Arc::new(MemorySessions::new()), None, clock.clone(), 60),
        reservations: digester("reservations"),
        rules: Arc::new(DirectoryRules::default()),
    }
}

/// A number in letters, for names take no digits.
fn letters(number: u64) -> String {
    number.to_string().bytes().map(|digit| char::from(b'a' + digit - b'0')).collect()
}

/// A member of staff who is no user: what a token of another issuer brings.
pub(crate) fn root() -> Caller {
    let id = UserId::from_uuid(Uuid::from_u128(0x0180_0000_0000_7000_8000_0000_0000_0001));
    Caller { id, kind: ActorKind::User, roles: vec![Role::Admin] }
}

pub(crate) fn context(caller: &Caller) -> CommandContext {
    CommandContext {
        caller: caller.clone(),
        correlation_id: Uuid::from_u128(0xc0),
        trace_id: None,
        if_match: None,
        idempotency: None,
    }
}

pub(crate) fn keyed(caller: &Caller, key: &str, body: &str) -> CommandContext {
    let digest = |text: &str| digester("idempotency").digest(&[text.as_bytes()]);
    CommandContext { idempotency: Some(Idempotency { key: digest(key), body: digest(body) }), ..context(caller) }
}

pub(crate) fn matching(caller: &Caller, version: u64) -> CommandContext {
    CommandContext { if_match: Some(Version::new(version)), ..context(caller) }
}

pub(crate) fn asking(caller: &Caller) -> QueryContext {
    QueryContext { caller: caller.clone(), token: ConsistencyToken::default() }
}

pub(crate) fn open_for(employee: EmployeeId) -> OpenTicket {
    OpenTicket {
        title: Some("Printer".to_owned()),
        description: Some("It does not print".to_owned()),
        employee_id: Some(employee),
        priority: Some(Priority::High),
        ticket_type: Some(TicketType::Incident),
        tags: vec!["printer".to_owned()],
        assignee_id: None,
        due_at: None,
        follow_up_of: None,
    }
}

pub(crate) fn post_on(ticket_id: TicketId) -> PostMessage {
    PostMessage { ticket_id, visibility: Visibility::Public, body: Some("Hello".to_owned()), may_note: true }
}

pub(crate) fn note_on(ticket_id: TicketId) -> PostMessage {
    PostMessage { visibility: Visibility::Internal, ..post_on(ticket_id) }
}
