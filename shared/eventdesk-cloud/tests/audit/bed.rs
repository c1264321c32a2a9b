//! A desk on the emulator: table, bus, a queue for each projector, and commands that may find the bus away.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_config::{Region, SdkConfig};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::config::Credentials as Keys;
use eventdesk_app::{
    CommandContext, Commands, DeploymentSecret, DirectoryRules,
    access::Caller,
    audit::{Audit, AuditOptions, CONSUMERS, Consumers},
    commands::{EmployeeInput, RegisterEmployee},
    identity::LoginSessions,
    ports::{Clock, Commit, Delivery, PublishError, Publisher, Queue, ReadStore, Settlement},
    projections::{EMPLOYEES, Projector, VIEWS, projectors},
};
use eventdesk_aws::{
    audit::SqsConsumers,
    bus::{EventBridgePublisher, SqsQueue, SqsQueueOptions},
    client,
    dynamodb::{DynamoEventStore, Tables, create_tables},
};
use eventdesk_contract::doubles::{NoPasswords, NoSessions};
use eventdesk_events::{ActorKind, EmployeeId, Timestamp, UserId, user::Role};
use eventdesk_memory::{MemoryCredentials, MemoryReadStore};
use eventdesk_runtime::RandomIds;
use serde_json::json;

/// The places of the consumers, as in [`CONSUMERS`].
pub(crate) const HISTORY: usize = 0;
pub(crate) const TICKETS: usize = 1;
pub(crate) const DIRECTORY: usize = 2;
/// What their rules let through, by prefix.
const INTERESTS: [&[&str]; 3] = [&[""], &["ticket.", "message."], &["user.", "employee."]];

struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A bus that may be away.
struct Wire {
    bus: EventBridgePublisher,
    away: AtomicBool,
}

#[async_trait]
impl Publisher for Wire {
    async fn publish(&self, commits: &[Commit]) -> Result<(), PublishError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(PublishError("the bus is away".into()));
        }
        self.bus.publish(commits).await
    }
}

pub(crate) struct Bed {
    pub(crate) audit: Audit,
    commands: Commands,
    clock: Arc<SetClock>,
    wire: Arc<Wire>,
    views: Arc<dyn ReadStore>,
    consumers: Arc<SqsConsumers>,
    queues: Vec<SqsQueue>,
    projectors: Vec<Projector>,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let config = config().await;
        let name = format!("audit-{:08x}", getrandom::u32().expect("the system has randomness"));
        let (dynamodb, sqs) = (aws_sdk_dynamodb::Client::new(&config), aws_sdk_sqs::Client::new(&config));
        let tables = Tables::of(&name);
        create_tables(&dynamodb, &tables).await.expect("tables can be made");
        let store = Arc::new(DynamoEventStore::new(dynamodb, &tables.store));
        let urls = bus(&config, &sqs, &name).await;
        let queue = |consumer: &&str| {
            let options =
                SqsQueueOptions { wait: Duration::ZERO, poll: Duration::from_millis(20), ..Default::default() };
            SqsQueue::new(sqs.clone(), &urls[*consumer], None, options)
        };
        let queues = CONSUMERS.iter().map(queue).collect();
        let consumers = Arc::new(SqsConsumers::new(sqs.clone(), urls));

        let bus = EventBridgePublisher::new(aws_sdk_eventbridge::Client::new(&config), name, Arc::new(RandomIds));
        let wire = Arc::new(Wire { bus, away: AtomicBool::new(false) });
        let clock = Arc::new(SetClock(AtomicI64::new(1_700_000_000_000)));
        let views: Arc<dyn ReadStore> = Arc::new(MemoryReadStore::new());
        views.prepare(&VIEWS).await.expect("views can be made");
        let audit = Audit {
            feed: store.clone(),
            store: store.clone(),
            views: views.clone(),
            publisher: wire.clone(),
            consumers: consumers.clone(),
            clock: clock.clone(),
            options: AuditOptions::default(),
        };
        audit.prepare().await.expect("the audit's view can be made");
        let commands = Commands {
            store: store.clone(),
            publisher: wire.clone(),
            clock: clock.clone(),
            ids: Arc::new(RandomIds),
            credentials: Arc::new(MemoryCredentials::new()),
            passwords: Arc::new(NoPasswords),
            logins: LoginSessions::new(Arc::new(NoSessions), None, clock.clone(), 60),
            reservations: DeploymentSecret::new(&[7; 32]).expect("a secret").digester("reservations"),
            rules: Arc::new(DirectoryRules::default()),
        };
        let mut made = projectors(&(store as Arc<_>), &views);
        made.sort_by_key(|one| CONSUMERS.iter().position(|consumer| *consumer == one.name()));
        Self { audit, commands, clock, wire, views, consumers, queues, projectors: made }
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn bus_away(&self, away: bool) {
        self.wire.away.store(away, Ordering::SeqCst);
    }

    pub(crate) async fn register_employee(&self) -> EmployeeId {
        let caller =
            Caller { id: UserId::from_uuid(uuid::Uuid::nil()), kind: ActorKind::System, roles: vec![Role::Admin] };
        let correlation_id = uuid::Uuid::nil();
        let context = CommandContext { caller, correlation_id, trace_id: None, if_match: None, idempotency: None };
        let input = EmployeeInput {
            first_name: Some("Eve".to_owned()),
            last_name: Some("Person".to_owned()),
            email: Some("eve@office.example".to_owned()),
            ..EmployeeInput::default()
        };
        let done = self.commands.execute(&context, RegisterEmployee { input }).await;
        done.expect("an employee can be registered").record.id
    }

    /// How much waits for each consumer.
    pub(crate) async fn waiting(&self) -> [u64; 3] {
        let mut waiting = [0; 3];
        for (count, consumer) in waiting.iter_mut().zip(CONSUMERS) {
            *count = self.consumers.waiting(consumer).await.expect("a queue tells of itself");
        }
        waiting
    }

    pub(crate) async fn receive(&self, place: usize) -> Vec<Delivery> {
        self.queues[place].receive(10).await.expect("the queue can be reached")
    }

    pub(crate) async fn handle(&self, place: usize, deliveries: Vec<Delivery>) {
        let settlement = self.projectors[place].handle(deliveries).await.expect("views can be written");
        assert_eq!(settlement.failed, [], "nothing of this is poison");
        self.queues[place].settle(settlement).await.expect("the batch is settled");
    }

    /// A consumer works through what waits for it.
    pub(crate) async fn work(&self, place: usize) {
        self.handle(place, self.receive(place).await).await;
    }

    /// A queue loses what it holds.
    pub(crate) async fn lose(&self, place: usize) {
        let done = self.receive(place).await.into_iter().map(|delivery| delivery.id).collect();
        let settled = self.queues[place].settle(Settlement { done, failed: Vec::new() }).await;
        settled.expect("the batch is settled");
    }

    pub(crate) async fn directory_version(&self, id: EmployeeId) -> u64 {
        let found = self.views.get(&EMPLOYEES, &[&id.to_string()]).await.expect("views can be read").pop().flatten();
        found.map_or(0, |document| document.version)
    }
}

async fn config() -> SdkConfig {
    let url = std::env::var("EVENTDESK_TEST_AWS_URL").unwrap_or_default();
    assert!(
        !url.is_empty(),
        "EVENTDESK_TEST_AWS_URL does not name an emulator: start it with tests/services/moto, which prints its URL"
    );
    client::settings()
        .endpoint_url(url)
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(Keys::new("testing", "testing", None, None, "tests"))
        .load()
        .await
}

/// A bus with a rule and a queue for each consumer; the queues' URLs.
async fn bus(config: &SdkConfig, sqs: &aws_sdk_sqs::Client, name: &str) -> HashMap<String, String> {
    let events = aws_sdk_eventbridge::Client::new(config);
    events.create_event_bus().name(name).send().await.expect("a bus can be made");
    let mut urls = HashMap::new();
    for (consumer, prefixes) in CONSUMERS.into_iter().zip(INTERESTS) {
        let queue = format!("{name}-{consumer}");
        let made = sqs.create_queue().queue_name(&queue).send().await.expect("a queue can be made");
        urls.insert(consumer.to_owned(), made.queue_url.expect("a queue has a URL"));
        let prefixes: Vec<_> = prefixes.iter().map(|prefix| json!({ "prefix": prefix })).collect();
        let pattern = json!({ "source": ["eventdesk"], "detail-type": prefixes }).to_string();
        let rule = events.put_rule().name(consumer).event_bus_name(name).event_pattern(pattern);
        rule.send().await.expect("a rule can be made");
        let arn = format!("arn:aws:sqs:eu-central-1:123456789012:{queue}");
        let target = Target::builder().id("queue").arn(arn).build().expect("id and ARN are set");
        let targets = events.put_targets().rule(consumer).event_bus_name(name).targets(target).send().await;
        assert_eq!(targets.expect("a target can be set").failed_entry_count(), 0);
    }
    urls
}
