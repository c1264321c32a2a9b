//! A whole desk in memory, whose projectors run within each command.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lambda_events::{apigw::ApiGatewayV2httpRequest, encodings::Body};
use eventdesk_app::{
    CommandContext, Commands, DeploymentSecret, Policy,
    access::{AccessMatrix, Caller},
    commands::RegisterUser,
    identity::{Identity, KnownRevocations, LoginLimiter, LoginSessions},
    ports::{
        AccessClaims, Clock, Commit, CredentialsError, Delivery, DeliveryId, EventStore, Ids, IssuedClaims,
        PasswordHasher, PublishError, Publisher, ReadStore, SigningError, TokenIssuer,
    },
    projections::{Projector, VIEWS, projectors},
    queries::{KnownTickets, Queries, Waiters},
};
use eventdesk_events::{ActorKind, Timestamp, UserId, user::Role};
use eventdesk_memory::{
    MemoryClients, MemoryCredentials, MemoryEventStore, MemoryReadStore, MemoryRevocations, MemorySessions,
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Function, Services, Settings};
use crate::{
    CallerResolver, DocsLogin, KnownCallers, RoleSource, TrustedIssuer,
    routes::{Match, Owner, find, program},
};

pub(super) const ISSUER: &str = "http://127.0.0.1:8080";
pub(super) const FOREIGN: &str = "https://issuer.example";
pub(super) const PASSWORD: &str = "passWord@1";

struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let ms = 1_795_262_400_000 + self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_millis(i64::try_from(ms).expect("far from the end of time"))
    }
}

struct Counting(AtomicU64);

impl Ids for Counting {
    fn next(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128((0x0190_a8c0_0000_7000_8000_u128 << 48) | (u128::from(count) << 8))
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Plain;

#[async_trait::async_trait]
impl PasswordHasher for Plain {
    async fn hash(&self, password: &str) -> Result<String, CredentialsError> {
        Ok(format!("plain:{password}"))
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, CredentialsError> {
        Ok(hash == Some(&format!("plain:{password}")))
    }
}

#[async_trait::async_trait]
impl TokenIssuer for Plain {
    fn issuer(&self) -> &str {
        ISSUER
    }

    async fn sign(&self, claims: &AccessClaims) -> Result<String, SigningError> {
        Ok(format!("token-of-{}", claims.sub))
    }

    async fn read(&self, _: &str) -> Result<Option<IssuedClaims>, SigningError> {
        Ok(None)
    }

    async fn jwks(&self) -> String {
        r#"{"keys":[]}"#.to_owned()
    }
}

/// Hands each commit to every projector at once, unless switched off.
struct Inline {
    projectors: Vec<Projector>,
}

#[async_trait::async_trait]
impl Publisher for Inline {
    async fn publish(&self, commits: &[Commit]) -> Result<(), PublishError> {
        for projector in &self.projectors {
            let deliveries = commits.iter().filter_map(|commit| {
                let events: Vec<_> = commit.envelopes().filter(|e| projector.takes(&e.event_type)).collect();
                let id = DeliveryId(format!("{}-{}", commit.stream, commit.version));
                (!events.is_empty()).then_some(Delivery { id, attempt: 1, events })
            });
            projector.handle(deliveries.collect()).await.expect("the memory stores never fail");
        }
        Ok(())
    }
}

/// The desk.
pub(super) struct Bed {
    pub(super) services: Arc<Services>,
    pub(super) admin: UserId,
}

/// What was answered.
pub(super) struct Answer {
    pub(super) status: i64,
    pub(super) headers: http::HeaderMap,
    pub(super) text: String,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("header text"))
    }

    #[track_caller]
    pub(super) fn is(self, status: i64) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, self.text);
        self
    }

    #[track_caller]
    pub(super) fn refused(self, status: i64, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.body["code"], code, "{}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["instance"], "JKJaXmPLvHcESHA=");
        answer
    }

    #[track_caller]
    pub(super) fn invalid(self, pointer: &str, code: &str) {
        let answer = self.refused(422, "invalid-fields");
        let errors = answer.body["errors"].as_array().expect("errors");
        let found = errors.iter().find(|error| error["pointer"] == pointer);
        assert_eq!(found.map(|error| &error["code"]), Some(&json!(code)), "{}", answer.text);
    }

    pub(super) fn id(&self) -> String {
        self.body["id"].as_str().expect("an id").to_owned()
    }
}

/// What is asked.
pub(super) struct Ask<'b> {
    bed: &'b Bed,
    method: Method,
    target: String,
    claims: Option<HashMap<String, String>>,
    headers: BTreeMap<String, String>,
    body: Option<(String, bool)>,
    stage: &'static str,
    settings: Option<Settings>,
}

impl Bed {
    pub(super) async fn new() -> Self {
        let secret = DeploymentSecret::new(&[7; 32]).expect("32 bytes");
        let store: Arc<dyn EventStore> = Arc::new(MemoryEventStore::new());
        let views: Arc<dyn ReadStore> = Arc::new(MemoryReadStore::new());
        views.prepare(&VIEWS).await.expect("memory views");
        let clock: Arc<dyn Clock> = Arc::new(Ticking(AtomicU64::new(0)));
        let ids: Arc<dyn Ids> = Arc::new(Counting(AtomicU64::new(1)));
        let credentials = Arc::new(MemoryCredentials::new());
        let access = Arc::new(AccessMatrix::default());
        let reservations = secret.digester("reservations");
        let revocations = Arc::new(KnownRevocations::new(Arc::new(MemoryRevocations::new()), clock.clone()));
        let logins = LoginSessions::new(Arc::new(MemorySessions::new()), Some(revocations.clone()), clock.clone(), 60);
        let commands = Commands {
            store: store.clone(),
            publisher: Arc::new(Inline { projectors: projectors(&store, &views) }),
            clock: clock.clone(),
            ids: ids.clone(),
            credentials: credentials.clone(),
            passwords: Arc::new(Plain),
            logins: logins.clone(),
            reservations: reservations.clone(),
            rules: Arc::default(),
        };
        let queries = Queries {
            views,
            store: store.clone(),
            clock: clock.clone(),
            cursors: secret.digester("cursors"),
            reservations: reservations.clone(),
            waiters: Waiters::new(8),
            known_tickets: KnownTickets::default(),
        };
        let identity = Identity {
            store: store.clone(),
            credentials,
            passwords: Arc::new(Plain),
            issuer: Arc::new(Plain),
            clock,
            ids,
            reservations,
            clients: Arc::new(MemoryClients::new()),
            families: secret.digester("token families"),
            logins,
            access: access.clone(),
            limiter: LoginLimiter::new(0),
            token_minutes: 60,
            refresh_ms: 3_600_000,
            audience: "eventdesk".to_owned(),
        };
        let roles = BTreeMap::from([("internal/example/admins".to_owned(), Role::Admin)]);
        let issuers = vec![
            TrustedIssuer { issuer: ISSUER.to_owned(), roles: RoleSource::Directory },
            TrustedIssuer {
                issuer: FOREIGN.to_owned(),
                roles: RoleSource::Groups { claim: "groups".to_owned(), roles },
            },
        ];
        let commands = Arc::new(commands);
        let services = Services {
            commands: Some(Arc::clone(&commands)),
            queries: Some(Arc::new(queries)),
            identity: Some(Arc::new(identity)),
            operations: None,
            callers: CallerResolver {
                store,
                revocations: Some(revocations),
                issuers,
                known: KnownCallers::default(),
                admissions: Some(commands),
            },
            policy: Policy::Matrix(access),
            idempotency: secret.digester("idempotency"),
            probes: Vec::new(),
            docs: Arc::new(DocsLogin { builtin: true, issuer: None }),
            settings: Settings::default(),
        };
        let mut bed = Self { services: Arc::new(services), admin: UserId::from_uuid(Uuid::nil()) };
        bed.admin = bed.user("admin", &[Role::Admin], false).await;
        bed
    }

    /// Has the docs page log in like this.
    pub(super) fn docs(&mut self, login: DocsLogin) {
        Arc::get_mut(&mut self.services).expect("nobody asks yet").docs = Arc::new(login);
    }

    pub(super) async fn user(&self, name: &str, roles: &[Role], disabled: bool) -> UserId {
        let number: u64 = name.bytes().fold(7, |number, byte| number * 31 % 10_000_000 + u64::from(byte));
        let command = RegisterUser {
            username: Some(name.to_owned()),
            first_name: Some("Jones".to_owned()),
            last_name: Some("Smith".to_owned()),
            phone: Some(format!("+38050{number:07}")),
            email: Some(format!("{name}@example.com")),
            password: Some(PASSWORD.to_owned()),
            roles: roles.to_vec(),
            disabled,
            login_denied: false,
        };
        let nobody = UserId::from_uuid(Uuid::nil());
        let context = CommandContext {
            caller: Caller { id: nobody, kind: ActorKind::System, roles: vec![Role::Admin] },
            correlation_id: Uuid::nil(),
            trace_id: None,
            if_match: None,
            idempotency: None,
        };
        let commands = self.services.commands.as_ref().expect("commands");
        commands.execute(&context, command).await.expect("a good user").record.id
    }

    pub(super) fn ask(&self, method: &str, target: &str) -> Ask<'_> {
        // Two slashes: a whole path.
        let whole = target.strip_prefix('/').filter(|rest| rest.starts_with('/'));
        let target = whole.map_or_else(|| format!("/api/v1{target}"), ToOwned::to_owned);
        let method = method.parse().expect("a method");
        Ask {
            bed: self,
            method,
            target,
            claims: None,
            headers: BTreeMap::new(),
            body: None,
            stage: "$default",
            settings: None,
        }
        .by(self.admin)
    }

    /// A fresh employee's id.
    pub(super) async fn employee(&self, name: &str) -> String {
        let body = json!({ "first_name": "Marry", "last_name": "Fox", "email": format!("{name}@example.com") });
        self.ask("POST", "/employees").json(&body).go().await.is(201).id()
    }

    /// A fresh ticket's id.
    pub(super) async fn ticket(&self, employee: &str) -> String {
        let body = json!({ "title": "Network problem", "description": "No network.", "employee_id": employee });
        self.ask("POST", "/tickets").json(&body).go().await.is(201).id()
    }
}

impl Ask<'_> {
    pub(super) fn by(self, user: UserId) -> Self {
        self.claims(&[("iss", ISSUER), ("sub", &user.to_string()), ("exp", "1795266000"), ("groups", "[admin]")])
    }

    pub(super) fn claims(mut self, claims: &[(&str, &str)]) -> Self {
        self.claims = Some(claims.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        self
    }

    pub(super) fn anonymous(mut self) -> Self {
        self.claims = None;
        self
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    pub(super) fn text(self, media_type: &str, body: &str) -> Self {
        let mut asked = self.with("content-type", media_type);
        asked.body = Some((body.to_owned(), false));
        asked
    }

    pub(super) fn base64(self, media_type: &str, body: &str) -> Self {
        let mut asked = self.with("content-type", media_type);
        asked.body = Some((body.to_owned(), true));
        asked
    }

    pub(super) fn deployed(mut self, stage: &'static str, base_path: &str) -> Self {
        self.stage = stage;
        self.settings = Some(Settings { base_path: base_path.to_owned() });
        self
    }

    /// Asks the function that owns the route; the one for tickets if none does.
    pub(super) async fn go(self) -> Answer {
        let path = self.target.split('?').next().unwrap_or_default();
        let owner = path.find("/api/v1").map_or(Owner::Identity, |at| match find(&self.method, &path[at..]) {
            Match::Route { route, .. } => route.function,
            _ => Owner::CommandTicket,
        });
        self.at(owner).await
    }

    /// Asks this function.
    pub(super) async fn at(self, owner: Owner) -> Answer {
        let services = self.settings.clone().map_or_else(
            || self.bed.services.clone(),
            |settings| {
                let s = &self.bed.services;
                Arc::new(Services {
                    commands: s.commands.clone(),
                    queries: s.queries.clone(),
                    identity: s.identity.clone(),
                    operations: None,
                    callers: s.callers.clone(),
                    policy: s.policy.clone(),
                    idempotency: s.idempotency.clone(),
                    probes: Vec::new(),
                    docs: s.docs.clone(),
                    settings,
                })
            },
        );
        let response = Function::new::<program::Whole>(owner, services).call(self.event()).await;
        let text = match response.body {
            Some(Body::Text(text)) => text,
            Some(Body::Binary(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            _ => String::new(),
        };
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: response.status_code, headers: response.headers, text, body }
    }

    /// The event as the service sends it.
    fn event(&self) -> ApiGatewayV2httpRequest {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": self.headers,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "abcdef1234",
                "http": {
                    "method": self.method.as_str(),
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.7",
                    "userAgent": "test",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": "$default",
                "stage": self.stage,
                "timeEpoch": 1_795_262_400_000_u64,
            },
            "isBase64Encoded": false,
        });
        if let Some(claims) = &self.claims {
            event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
        }
        if let Some((text, encoded)) = &self.body {
            event["body"] = json!(text);
            event["isBase64Encoded"] = json!(encoded);
        }
        serde_json::from_value(event).expect("an event of payload format 2.0")
    }
}
