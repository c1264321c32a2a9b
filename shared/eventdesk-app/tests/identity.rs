//! Logins, tokens and the first admin, over a store in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use async_trait::async_trait;
use eventdesk_app::{
    CommandContext, CommandError, Commands, DeploymentSecret, DirectoryRules,
    access::{AccessMatrix, Caller},
    commands::{DeleteUser, RegisterUser},
    identity::{Bootstrap, GrantError, Identity, KnownRevocations, LoginLimiter, LoginSessions, bootstrap},
    ports::{
        AccessClaims, Clock, Commit, Credentials, CredentialsError, EventStore, Ids, IssuedClaims, PasswordHasher,
        PublishError, Publisher, SigningError, TokenIssuer,
    },
};
use eventdesk_events::{ActorKind, Event, StreamId, Timestamp, UserId, Version, user::Role};
use eventdesk_memory::{MemoryClients, MemoryCredentials, MemoryEventStore, MemoryRevocations, MemorySessions};
use uuid::Uuid;

const NOW_S: i64 = 1_795_305_600;
const PASSWORD: &str = "passWord@1";

struct FakeClock(AtomicI64);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Default)]
struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn next(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        uuid::Builder::from_unix_timestamp_millis(count, &[7; 10]).into_uuid()
    }
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            // A step that visits all values, so that generated texts are not all one letter.
            *byte = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(151).to_le_bytes()[0];
        }
    }
}

/// Compares in clear, and notes with what it was asked to compare.
#[derive(Default)]
struct PlainHasher {
    compared: Mutex<Vec<Option<String>>>,
    away: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl PasswordHasher for PlainHasher {
    async fn hash(&self, password: &str) -> Result<String, CredentialsError> {
        Ok(format!("hash of {password}"))
    }
    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, CredentialsError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(CredentialsError("busy".into()));
        }
        self.compared.lock().unwrap().push(hash.map(str::to_owned));
        tokio::task::yield_now().await;
        Ok(hash == Some(&format!("hash of {password}")))
    }
}

struct ClearIssuer;

#[async_trait]
impl TokenIssuer for ClearIssuer {
    fn issuer(&self) -> &'static str {
        "https://desk.example"
    }
    async fn sign(&self, claims: &AccessClaims) -> Result<String, SigningError> {
        serde_json::to_string(claims).map_err(|error| SigningError(error.into()))
    }
    async fn read(&self, token: &str) -> Result<Option<IssuedClaims>, SigningError> {
        Ok(serde_json::from_str(token).ok())
    }
    async fn jwks(&self) -> String {
        r#"{"keys":[]}"#.to_owned()
    }
}

struct NoBus;

#[async_trait]
impl Publisher for NoBus {
    async fn publish(&self, _: &[Commit]) -> Result<(), PublishError> {
        Ok(())
    }
}

struct Desk {
    commands: Commands,
    identity: Identity,
    clock: Arc<FakeClock>,
    hasher: Arc<PlainHasher>,
}

impl Desk {
    fn new(failures_per_minute: u32) -> Self {
        Self::with_rules(failures_per_minute, DirectoryRules::default())
    }

    fn with_rules(failures_per_minute: u32, rules: DirectoryRules) -> Self {
        let store: Arc<dyn EventStore> = Arc::new(MemoryEventStore::new());
        let credentials: Arc<dyn Credentials> = Arc::new(MemoryCredentials::default());
        let (clock, ids) = (Arc::new(FakeClock(AtomicI64::new(NOW_S * 1_000))), Arc::new(CountingIds::default()));
        let hasher = Arc::new(PlainHasher::default());
        let reservations = DeploymentSecret::new(&[1; 32]).unwrap().digester("reservations");
        let revocations = Arc::new(KnownRevocations::new(Arc::new(MemoryRevocations::new()), clock.clone()));
        let logins = LoginSessions::new(Arc::new(MemorySessions::new()), Some(revocations.clone()), clock.clone(), 60);
        let commands = Commands {
            store: store.clone(),
            publisher: Arc::new(NoBus),
            clock: clock.clone(),
            ids: ids.clone(),
            credentials: credentials.clone(),
            passwords: hasher.clone(),
            logins: logins.clone(),
            reservations: reservations.clone(),
            rules: Arc::new(rules),
        };
        let identity = Identity {
            store,
            credentials,
            passwords: hasher.clone(),
            issuer: Arc::new(ClearIssuer),
            clock: clock.clone(),
            ids,
            reservations,
            clients: Arc::new(MemoryClients::new()),
            families: DeploymentSecret::new(&[1; 32]).unwrap().digester("token families"),
            logins,
            access: Arc::new(AccessMatrix::default()),
            limiter: LoginLimiter::new(failures_per_minute),
            token_minutes: 60,
            refresh_ms: 3_600_000,
            audience: "eventdesk".to_owned(),
        };
        Self { commands, identity, clock, hasher }
    }

    async fn user(&self, username: &str, roles: &[Role], disabled: bool, login_denied: bool) -> UserId {
        let number = self.commands.ids.next().as_u128() % 1_000_000;
        let command = RegisterUser {
            username: Some(username.to_owned()),
            first_name: Some("Ada".to_owned()),
            last_name: Some("Okoye".to_owned()),
            phone: Some(format!("+4930{number:07}{}", username.len())),
            email: Some(format!("{}@desk.example", username.to_lowercase())),
            password: Some(PASSWORD.to_owned()),
            roles: roles.to_vec(),
            disabled,
            login_denied,
        };
        self.commands.execute(&context(), command).await.unwrap().record.id
    }

    async fn login(&self, username: &str, password: &str) -> Result<serde_json::Value, GrantError> {
        let granted = self.identity.password_grant(username, password, None, None).await?;
        Ok(serde_json::from_str(&granted.access_token).unwrap())
    }

    fn compared(&self) -> Vec<Option<String>> {
        std::mem::take(&mut self.hasher.compared.lock().unwrap())
    }
}

fn context() -> CommandContext {
    CommandContext {
        caller: Caller { id: UserId::from_uuid(Uuid::nil()), kind: ActorKind::User, roles: vec![Role::Admin] },
        correlation_id: Uuid::nil(),
        trace_id: None,
        if_match: None,
        idempotency: None,
    }
}

#[tokio::test]
async fn a_token_names_the_user_by_id_and_holds_an_hour() {
    let desk = Desk::new(10);
    let id = desk.user("Ada.Okoye", &[Role::Support, Role::Manager], false, false).await;
    let granted =
        desk.identity.password_grant(" ada.OKOYE ", PASSWORD, Some("tickets:read admin"), None).await.unwrap();
    assert_eq!((granted.expires_in_s, granted.scope.as_str()), (3_600, "tickets:read"));
    let claims: serde_json::Value = serde_json::from_str(&granted.access_token).unwrap();
    let expected = serde_json::json!({
        "iss": "https://desk.example", "aud": "eventdesk", "sub": id.to_string(),
        "iat": NOW_S, "nbf": NOW_S, "exp": NOW_S + 3_600, "jti": claims["jti"], "sid": claims["sid"],
        "scope": "tickets:read", "groups": ["manager", "support"],
    });
    assert_eq!(claims, expected);
    let other = desk.login("ada.okoye", PASSWORD).await.unwrap();
    assert_ne!(other["jti"], claims["jti"]);
    assert_ne!(other["sid"], claims["sid"], "each login is a session of its own");
    assert!(!format!("{granted:?}").contains("desk.example"), "a token hides itself");
}

#[tokio::test]
async fn unknown_wrong_denied_and_deleted_look_alike_and_all_cost_one_comparison() {
    let desk = Desk::new(0);
    desk.user("right", &[Role::Support], false, false).await;
    desk.user("denied", &[Role::Support], false, true).await;
    let deleted = desk.user("deleted", &[Role::Support], false, false).await;
    desk.commands.execute(&context(), DeleteUser { id: deleted }).await.unwrap();
    let hash = Some(format!("hash of {PASSWORD}"));
    for (username, password, compared_with) in [
        ("nobody", PASSWORD, None),
        ("", "", None),
        ("right", "passWord@2", hash.clone()),
        ("right", "", hash.clone()),
        ("denied", PASSWORD, hash.clone()),
        ("deleted", PASSWORD, None),
    ] {
        let refused = desk.login(username, password).await.unwrap_err();
        assert!(matches!(refused, GrantError::InvalidGrant), "{username}: {refused:?}");
        assert_eq!(desk.compared(), [compared_with], "{username}");
    }
    assert!(desk.login("right", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_disabled_user_gets_a_token() {
    let desk = Desk::new(10);
    desk.user("disabled", &[Role::Support], true, false).await;
    assert!(desk.login("disabled", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_freed_name_inherits_nothing() {
    let desk = Desk::new(10);
    let first = desk.user("heir", &[Role::Manager], false, false).await;
    desk.commands.execute(&context(), DeleteUser { id: first }).await.unwrap();
    let second = desk.user("heir", &[Role::Employee], false, false).await;
    let claims = desk.login("heir", PASSWORD).await.unwrap();
    assert_eq!((&claims["sub"], &claims["groups"]), (&second.to_string().into(), &serde_json::json!(["employee"])));
    assert!(desk.identity.record(first).await.unwrap().is_none());
    assert!(desk.identity.facts(first).await.unwrap().is_none());
}

#[tokio::test]
async fn a_scope_that_leaves_nothing_is_refused() {
    let desk = Desk::new(10);
    desk.user("support", &[Role::Support], false, false).await;
    for scope in ["admin", "openid", "no\"quotes"] {
        let refused = desk.identity.password_grant("support", PASSWORD, Some(scope), None).await.unwrap_err();
        assert!(matches!(refused, GrantError::InvalidScope), "{scope}");
    }
    let wrong = desk.identity.password_grant("support", "wrong", Some("admin"), None).await.unwrap_err();
    assert!(matches!(wrong, GrantError::InvalidGrant), "what a user may do is told to no one else");
}

#[tokio::test]
async fn the_record_is_the_directorys_and_strangers_have_none() {
    let desk = Desk::new(10);
    let id = desk.user("ada", &[Role::Support], true, false).await;
    let record = desk.identity.record(id).await.unwrap().unwrap();
    assert_eq!((record.id, record.version), (id, Version::FIRST));
    assert_eq!(record.profile.unwrap().username, "ada");
    assert!(record.facts.disabled);
    assert_eq!(desk.identity.facts(id).await.unwrap(), Some(record.facts));
    assert!(desk.identity.record(UserId::from_uuid(Uuid::nil())).await.unwrap().is_none());
}

#[tokio::test]
async fn failures_count_successes_do_not_and_too_many_refuse_even_the_right_password() {
    let desk = Desk::new(3);
    desk.user("ada", &[Role::Support], false, false).await;
    for _ in 0..20 {
        desk.login("ada", PASSWORD).await.unwrap();
    }
    for _ in 0..3 {
        assert!(matches!(desk.login("ada", "wrong").await, Err(GrantError::InvalidGrant)));
    }
    desk.compared();
    let refused = desk.login("ADA", PASSWORD).await.unwrap_err();
    assert!(matches!(refused, GrantError::TooManyAttempts { retry_after_s: 20 }), "{refused:?}");
    assert_eq!(desk.compared(), [], "and costs no hash");
    desk.clock.0.fetch_add(20_000, Ordering::SeqCst);
    assert!(desk.login("ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn unknown_names_are_throttled_like_known_ones_and_an_address_over_all_names() {
    let desk = Desk::new(3);
    desk.user("ada", &[Role::Support], false, false).await;
    for _ in 0..3 {
        desk.login("nobody", "x").await.unwrap_err();
    }
    assert!(matches!(desk.login("nobody", "x").await, Err(GrantError::TooManyAttempts { .. })));

    let address = "192.0.2.7".parse().ok();
    for name in ["one", "two", "three"] {
        desk.identity.password_grant(name, "x", None, address).await.unwrap_err();
    }
    let refused = desk.identity.password_grant("ada", PASSWORD, None, address).await.unwrap_err();
    assert!(matches!(refused, GrantError::TooManyAttempts { .. }), "{refused:?}");
    assert!(desk.login("ada", PASSWORD).await.is_ok(), "from elsewhere");
}

#[tokio::test]
async fn guesses_that_are_all_on_their_way_at_once_learn_no_more_than_others() {
    let desk = Arc::new(Desk::new(5));
    desk.user("ada", &[Role::Support], false, false).await;
    let guesses: Vec<_> = (0..100)
        .map(|number| {
            let desk = Arc::clone(&desk);
            let password = if number == 99 { PASSWORD.to_owned() } else { format!("guess {number}") };
            tokio::spawn(async move { desk.login("ada", &password).await.map(|_| ()) })
        })
        .collect();
    let mut told = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            Err(GrantError::InvalidGrant) => told += 1,
            Err(GrantError::TooManyAttempts { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, 5);
}

#[tokio::test]
async fn a_busy_hasher_is_no_failure_of_the_user() {
    let desk = Desk::new(1);
    desk.user("ada", &[Role::Support], false, false).await;
    desk.hasher.away.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        assert!(matches!(desk.login("ada", PASSWORD).await, Err(GrantError::Unavailable(_))));
    }
    desk.hasher.away.store(false, Ordering::SeqCst);
    assert!(desk.login("ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn the_discovery_document_says_what_is_true() {
    let desk = Desk::new(10);
    let document = serde_json::to_value(desk.identity.discovery()).unwrap();
    assert_eq!(document["issuer"], "https://desk.example");
    assert_eq!(document["token_endpoint"], "https://desk.example/api/v1/token");
    assert_eq!(document["jwks_uri"], "https://desk.example/.well-known/jwks.json");
    assert_eq!(document["revocation_endpoint"], "https://desk.example/api/v1/token/revoke");
    assert_eq!(document["introspection_endpoint"], "https://desk.example/api/v1/token/introspect");
    let grants = serde_json::json!(["password", "refresh_token", "client_credentials"]);
    assert_eq!(document["grant_types_supported"], grants);
    assert_eq!(document["response_types_supported"], serde_json::json!([]));
    assert_eq!(document["scopes_supported"].as_array().unwrap().len(), 8);
    assert_eq!(desk.identity.jwks().await, r#"{"keys":[]}"#);
}

#[tokio::test]
async fn the_first_start_registers_the_admin_and_later_ones_change_nothing() {
    let desk = Desk::new(10);
    let Bootstrap::Registered(id) = bootstrap(&desk.commands, Some(PASSWORD)).await.unwrap() else { panic!() };
    let claims = desk.login("admin", PASSWORD).await.unwrap();
    assert_eq!((&claims["sub"], &claims["groups"]), (&id.to_string().into(), &serde_json::json!(["admin"])));
    assert!(claims["scope"].as_str().unwrap().ends_with(" admin"));
    assert!(matches!(bootstrap(&desk.commands, Some("otherWord@1")).await.unwrap(), Bootstrap::NotNeeded));
    assert!(matches!(bootstrap(&desk.commands, None).await.unwrap(), Bootstrap::NotNeeded));
    assert!(desk.login("admin", "otherWord@1").await.is_err());

    let first = desk.identity.store.head(StreamId::User(id)).await.unwrap().unwrap();
    assert_eq!((first.version, first.actor.kind), (Version::FIRST, ActorKind::System));
    assert!(matches!(first.events[0].event().unwrap(), Event::User(_)));
}

#[tokio::test]
async fn without_a_configured_password_one_is_made_that_the_policy_accepts() {
    for (min, max, special) in [(8, 128, "!@#$%^&*"), (40, 64, "§"), (4, 6, "!")] {
        let mut rules = DirectoryRules::default();
        rules.password.min = min;
        rules.password.max = max;
        special.clone_into(&mut rules.password.special);
        let desk = Desk::with_rules(10, rules.clone());
        let made = bootstrap(&desk.commands, Some("")).await.unwrap();
        let Bootstrap::RegisteredWith(_, password) = &made else { panic!("{made:?}") };
        assert!(rules.password.faults(password.reveal()).is_empty(), "{}", password.reveal());
        assert!(!format!("{made:?}").contains(password.reveal()), "a password hides itself");
        assert!(desk.login("admin", password.reveal()).await.is_ok());
    }
}

#[tokio::test]
async fn a_configured_password_must_keep_the_policy() {
    let desk = Desk::new(10);
    let refused = bootstrap(&desk.commands, Some("short")).await.unwrap_err();
    let CommandError::Invalid(fields) = refused else { panic!("{refused:?}") };
    assert!(fields.iter().all(|field| field.pointer == "/password"), "{fields:?}");
    assert!(desk.identity.store.head(StreamId::AdminRoster).await.unwrap().is_none());
}

#[tokio::test]
async fn rules_for_peoples_fields_do_not_bind_the_placeholders() {
    let mut rules = DirectoryRules::default();
    rules.users.username.min = Some(30);
    rules.users.phone.max = Some(9);
    let desk = Desk::with_rules(10, rules);
    assert!(matches!(bootstrap(&desk.commands, Some(PASSWORD)).await.unwrap(), Bootstrap::Registered(_)));
}

#[tokio::test]
async fn starts_at_the_same_moment_make_one_admin() {
    let desk = Arc::new(Desk::new(10));
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move { bootstrap(&desk.commands, Some(PASSWORD)).await })
        })
        .collect();
    let mut made = 0;
    for start in starts {
        made += usize::from(matches!(start.await.unwrap().unwrap(), Bootstrap::Registered(_)));
    }
    assert_eq!(made, 1);
    let roster = desk.identity.store.head(StreamId::AdminRoster).await.unwrap().unwrap();
    assert_eq!(roster.version, Version::FIRST);
}
