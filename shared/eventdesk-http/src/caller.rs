//! Who asks: from the claims that the authorizer handed over to a caller with roles.

mod groups;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use eventdesk_app::{
    LoadError, Loaded,
    access::Caller,
    identity::KnownRevocations,
    ports::{EventStore, StoreError},
};
use eventdesk_domain::user::User;
use eventdesk_events::{ActorKind, StreamId, UserId, Version, user::Role};
use quick_cache::sync::Cache;
use uuid::Uuid;

use crate::Problem;

pub use groups::groups;

/// Claims as the gateway hands them over: every value is text, lists as `[a b]`.
pub(crate) type Claims = HashMap<String, String>;

/// Where the roles of an issuer's callers come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleSource {
    /// The directory, asked on each request: subjects are user ids, and a change counts at once.
    Directory,
    /// The token's groups, each mapped to a role; groups that are not in the map mean nothing.
    Groups {
        /// The claim that holds them.
        claim: String,
        /// Group to role; matching is exact.
        roles: BTreeMap<String, Role>,
    },
}

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// The exact `iss` of its tokens.
    pub issuer: String,
    /// Where roles come from.
    pub roles: RoleSource,
}

/// Callers that were read from the directory before, each used only while the store says that its version is the
/// newest: nobody is read twice, and nobody keeps a role that was taken away.
#[derive(Clone)]
pub struct KnownCallers(Arc<Cache<UserId, Arc<KnownCaller>>>);

struct KnownCaller {
    version: Version,
    roles: Vec<Role>,
    disabled: bool,
    login_denied: bool,
}

/// How many callers are remembered.
const KNOWN_CALLERS: usize = 10_000;

impl Default for KnownCallers {
    fn default() -> Self {
        Self(Arc::new(Cache::new(KNOWN_CALLERS)))
    }
}

/// Finds out who a request's caller is.
#[derive(Clone)]
pub struct CallerResolver {
    /// The durable truth about users.
    pub store: Arc<dyn EventStore>,
    /// What is revoked of the built-in issuer's tokens; without it nothing is.
    pub revocations: Option<Arc<KnownRevocations>>,
    /// All issuers that the authorizer in front accepts.
    pub issuers: Vec<TrustedIssuer>,
    /// Spares the reading of users who ask again.
    pub known: KnownCallers,
}

/// The caller of a request, and whether anything keeps them out.
pub(crate) struct Principal<'r> {
    pub(crate) caller: Caller,
    pub(crate) disabled: bool,
    pub(crate) login_denied: bool,
    /// Whether the directory knows them.
    pub(crate) in_directory: bool,
    pub(crate) claims: Cow<'r, Claims>,
}

impl CallerResolver {
    /// Whether the built-in issuer is believed, and so gives tokens.
    pub(crate) fn has_own_issuer(&self) -> bool {
        self.issuers.iter().any(|issuer| issuer.roles == RoleSource::Directory)
    }

    /// The principal of verified claims.
    ///
    /// # Errors
    /// 401 `invalid_token` for claims of an issuer that is not trusted, without a usable subject, or of a user who
    /// does not exist any more; 503 and 500 where the store fails.
    pub(crate) async fn resolve<'r>(&self, claims: Cow<'r, Claims>) -> Result<Principal<'r>, Problem> {
        let issuer = claims.get("iss").and_then(|iss| self.issuers.iter().find(|known| known.issuer == *iss));
        let issuer = issuer.ok_or_else(|| Problem::invalid_token("the token's issuer is not trusted"))?;
        let subject = claims.get("sub").cloned().unwrap_or_default();
        match &issuer.roles {
            RoleSource::Directory => self.known_user(&subject, claims).await,
            RoleSource::Groups { claim, roles } => {
                if subject.is_empty() {
                    return Err(Problem::invalid_token("the token has no subject"));
                }
                let named = claims.get(claim).map(|text| groups(text)).unwrap_or_default();
                let caller = Caller {
                    id: foreign_id(&issuer.issuer, &subject),
                    kind: ActorKind::User,
                    roles: Role::ALL
                        .into_iter()
                        .filter(|role| named.iter().any(|g| roles.get(g) == Some(role)))
                        .collect(),
                };
                Ok(Principal { caller, disabled: false, login_denied: false, in_directory: false, claims })
            }
        }
    }

    /// The groups that verified claims name, for policies that look at them.
    pub(crate) fn groups(&self, claims: &Claims) -> Vec<String> {
        let issuer = claims.get("iss").and_then(|iss| self.issuers.iter().find(|known| known.issuer == *iss));
        let claim = match issuer.map(|issuer| &issuer.roles) {
            Some(RoleSource::Groups { claim, .. }) => claim.as_str(),
            Some(RoleSource::Directory) | None => "groups",
        };
        claims.get(claim).map(|text| groups(text)).unwrap_or_default()
    }

    async fn known_user<'r>(&self, subject: &str, claims: Cow<'r, Claims>) -> Result<Principal<'r>, Problem> {
        let gone = || Problem::invalid_token("the token's user does not exist");
        let id = UserId::parse(subject).map_err(|_| gone())?;
        self.require_unrevoked(&claims).await?;
        if claims.contains_key("client_id") {
            return Ok(service_account(id, claims));
        }
        let known = self.newest(id).await.map_err(|error| store_problem(&error))?.ok_or_else(gone)?;
        let caller = Caller { id, kind: ActorKind::User, roles: known.roles.clone() };
        let (disabled, login_denied) = (known.disabled, known.login_denied);
        Ok(Principal { caller, disabled, login_denied, in_directory: true, claims })
    }

    /// Refuses a token that was taken back, by its own id or by its session's.
    async fn require_unrevoked(&self, claims: &Claims) -> Result<(), Problem> {
        let Some(revocations) = &self.revocations else { return Ok(()) };
        let ids = ["jti", "sid", "client_id"]
            .map(|name| claims.get(name).and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_default());
        match revocations.any(&ids).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(Problem::invalid_token("the token was revoked")),
            Err(error) => Err(Problem::unavailable().because(&error)),
        }
    }

    /// An active user as the store has them now.
    async fn newest(&self, id: UserId) -> Result<Option<Arc<KnownCaller>>, LoadError> {
        let stream = StreamId::User(id);
        let Some(newest) = self.store.newest_state(stream).await? else { return Ok(None) };
        let version = newest.0;
        if let Some(known) = self.known.0.get(&id).filter(|known| known.version == version) {
            return Ok(Some(known));
        }
        let User::Active(facts) = Loaded::<User>::of_state(&*self.store, stream, newest).await?.state else {
            return Ok(None);
        };
        let (roles, disabled, login_denied) = (facts.roles, facts.disabled, facts.login_denied);
        let known = Arc::new(KnownCaller { version, roles, disabled, login_denied });
        self.known.0.insert(id, Arc::clone(&known));
        Ok(Some(known))
    }
}

/// The id of a subject that another issuer names: the same for the same issuer and subject, and nobody else's.
fn foreign_id(issuer: &str, subject: &str) -> UserId {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.as_bytes());
    UserId::from_uuid(Uuid::new_v5(&space, subject.as_bytes()))
}

/// A service account: its roles never change, and once it is deleted its tokens are revoked.
fn service_account(id: UserId, claims: Cow<'_, Claims>) -> Principal<'_> {
    let named = claims.get("groups").map(|text| groups(text)).unwrap_or_default();
    let roles = named.iter().filter_map(|name| Role::parse(name)).collect();
    let caller = Caller { id, kind: ActorKind::Service, roles };
    Principal { caller, disabled: false, login_denied: false, in_directory: false, claims }
}

fn store_problem(error: &LoadError) -> Problem {
    let unavailable = matches!(error, LoadError::Store(StoreError::Unavailable(_)));
    let problem = if unavailable { Problem::unavailable() } else { Problem::internal() };
    problem.because(error)
}
