//! The desk put together, once for all programs: what functions stand on, over whichever adapters there are.
//!
//! No rule, no query and no mapping lives here, and no adapter is known: who opens them hands them over as [`Parts`].

mod believed;
mod docs;
mod handler;
mod policy;

use std::sync::Arc;

use eventdesk_app::{
    Commands, DeploymentSecret, Policy,
    identity::{Identity, KnownRevocations, LoginLimiter, LoginSessions},
    ports::{
        Clients, Clock, Credentials, EventStore, FailedLogins, Ids, PasswordHasher, Publisher, ReadStore, Revocations,
        Sessions,
    },
    projections::TICKETS,
    queries::{KnownTickets, Queries, Waiters},
};
use eventdesk_http::{CallerResolver, KnownCallers, Probe, RoleSource, Services, Settings, TrustedIssuer};
use eventdesk_identity::{Argon2PasswordHasher, HashCost, InvalidCost, IssuerKeys, RsaTokenIssuer};
use eventdesk_runtime::{Config, RandomIds, SystemClock};

pub use believed::Believed;
pub use handler::{HANDLER_VARIABLE, Named, UnknownHandler, handler};
pub use policy::{InvalidPolicy, policy};

/// Most queries that wait for the read models at once; each looks some forty times a second.
const WAITERS: usize = 256;

/// What is opened before there is a desk. The read models are not among it: a command never reads them.
pub struct Parts {
    /// The URL of the built-in issuer.
    pub issuer: String,
    /// From which all keys derive.
    pub secret: DeploymentSecret,
    /// The durable truth.
    pub store: Arc<dyn EventStore>,
    /// Tells the bus.
    pub publisher: Arc<dyn Publisher>,
    /// Password hashes.
    pub credentials: Arc<dyn Credentials>,
    /// Service accounts.
    pub clients: Arc<dyn Clients>,
    /// Logins that can be continued.
    pub sessions: Arc<dyn Sessions>,
    /// Tokens that were taken back; whoever checks none of the built-in issuer's needs none.
    pub revocations: Option<Arc<dyn Revocations>>,
    /// Where failed logins are counted, if not in this process alone.
    pub failed_logins: Option<Arc<dyn FailedLogins>>,
}

/// Why there is no desk on its parts.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The configured cost of a password hash is impossible.
    #[error(transparent)]
    Cost(#[from] InvalidCost),
    /// The configured policy cannot be used.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
}

/// A desk on its parts.
pub struct Desk {
    config: Config,
    parts: Parts,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    passwords: Arc<dyn PasswordHasher>,
    policy: Policy,
    /// One for the whole process: what is revoked here counts here at once.
    revocations: Option<Arc<KnownRevocations>>,
}

impl Desk {
    /// The desk on these parts.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub fn new(config: Config, parts: Parts) -> Result<Self, DeskError> {
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let cost = HashCost {
            memory_kib: config.passwords.argon2_memory_kib,
            iterations: config.passwords.argon2_iterations,
            lanes: config.passwords.argon2_lanes,
        };
        let passwords = Arc::new(Argon2PasswordHasher::new(cost, Arc::clone(&ids))?);
        let policy = policy(&config)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let known = |stored: &Arc<dyn Revocations>| Arc::new(KnownRevocations::new(stored.clone(), clock.clone()));
        let revocations = parts.revocations.as_ref().map(known);
        Ok(Self { config, parts, clock, ids, passwords, policy, revocations })
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tells the time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Makes ids.
    pub fn ids(&self) -> Arc<dyn Ids> {
        Arc::clone(&self.ids)
    }

    /// From which all keys derive.
    pub fn secret(&self) -> &DeploymentSecret {
        &self.parts.secret
    }

    /// The durable truth.
    pub fn store(&self) -> Arc<dyn EventStore> {
        Arc::clone(&self.parts.store)
    }

    /// What commands stand on.
    pub fn commands(&self) -> Arc<Commands> {
        Arc::new(Commands {
            store: self.store(),
            publisher: Arc::clone(&self.parts.publisher),
            clock: self.clock(),
            ids: self.ids(),
            credentials: Arc::clone(&self.parts.credentials),
            passwords: Arc::clone(&self.passwords),
            logins: self.logins(),
            reservations: self.parts.secret.digester("reservations"),
            rules: Arc::new(self.config.directory.clone()),
        })
    }

    /// What a login leaves behind.
    fn logins(&self) -> LoginSessions {
        let sessions = Arc::clone(&self.parts.sessions);
        LoginSessions::new(sessions, self.revocations.clone(), self.clock(), self.config.builtin_issuer.token_minutes)
    }

    /// What queries stand on.
    pub fn queries(&self, views: Arc<dyn ReadStore>) -> Arc<Queries> {
        Arc::new(Queries {
            views,
            store: self.store(),
            clock: self.clock(),
            cursors: self.parts.secret.digester("cursors"),
            reservations: self.parts.secret.digester("reservations"),
            waiters: Waiters::new(WAITERS),
            known_tickets: KnownTickets::default(),
        })
    }

    /// The built-in issuer.
    pub fn identity(&self, keys: &Arc<IssuerKeys>) -> Arc<Identity> {
        let failures = self.config.limits.login_failures_per_minute;
        let limiter = match &self.parts.failed_logins {
            Some(shared) => LoginLimiter::counting_in(Arc::clone(shared), failures),
            None => LoginLimiter::new(failures),
        };
        Arc::new(Identity {
            store: self.store(),
            credentials: Arc::clone(&self.parts.credentials),
            passwords: Arc::clone(&self.passwords),
            issuer: Arc::new(RsaTokenIssuer::new(self.parts.issuer.clone(), Arc::clone(keys))),
            clock: self.clock(),
            ids: self.ids(),
            reservations: self.parts.secret.digester("reservations"),
            clients: Arc::clone(&self.parts.clients),
            families: self.parts.secret.digester("token families"),
            logins: self.logins(),
            access: Arc::new(self.config.policy.matrix.clone()),
            limiter,
            token_minutes: self.config.builtin_issuer.token_minutes,
            refresh_ms: i64::from(self.config.builtin_issuer.refresh_hours) * 3_600_000,
            audience: self.config.builtin_issuer.audience.clone(),
        })
    }

    /// What every function stands on; commands, queries and identity are for whoever needs them to add, and the read
    /// models for whoever has them to be asked after.
    pub fn services(&self, views: Option<Arc<dyn ReadStore>>) -> Services {
        let mut issuers = Vec::new();
        if self.config.builtin_issuer.enabled {
            issuers.push(TrustedIssuer { issuer: self.parts.issuer.clone(), roles: RoleSource::Directory });
        }
        issuers.extend(self.config.issuers.iter().map(|issuer| TrustedIssuer {
            issuer: issuer.url.clone(),
            roles: RoleSource::Groups { claim: issuer.groups_claim.clone(), roles: issuer.roles.clone() },
        }));
        Services {
            commands: None,
            queries: None,
            identity: None,
            callers: CallerResolver {
                store: self.store(),
                revocations: self.revocations.clone(),
                issuers,
                known: KnownCallers::default(),
                admissions: None,
            },
            operations: None,
            policy: self.policy.clone(),
            idempotency: self.parts.secret.digester("idempotency"),
            probes: views.into_iter().map(read_models).collect(),
            docs: Arc::new(self.docs_login()),
            settings: Settings { base_path: self.config.base_path.clone() },
        }
    }
}

fn read_models(views: Arc<dyn ReadStore>) -> Probe {
    let check = move || {
        let views = Arc::clone(&views);
        let ready: std::pin::Pin<Box<dyn Future<Output = bool> + Send>> =
            Box::pin(async move { views.generation(&TICKETS).await.is_ok() });
        ready
    };
    Probe { name: "read_models", check: Box::new(check) }
}
