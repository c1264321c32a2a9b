//! Who asks: from the claims that the authorizer handed over to a caller with roles.

mod groups;
mod seconds;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use eventdesk_app::{
    CommandContext, CommandError, Commands, LoadError, Loaded,
    access::Caller,
    commands::AdmitUser,
    identity::KnownRevocations,
    ports::{EventStore, StoreError},
};
use eventdesk_domain::user::{User, UserFacts};
use eventdesk_events::{
    ActorKind, StreamId, Timestamp, UserId, Version,
    user::{ExternalIssuer, Role},
};
use quick_cache::sync::Cache;
use uuid::Uuid;

use crate::Problem;

pub use groups::groups;
pub(crate) use seconds::seconds;

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
    updated_at: Timestamp,
}

/// How the directory knows a subject.
enum Standing {
    /// It never heard of them.
    Unknown,
    /// They were deleted.
    Gone,
    /// It has a record.
    Known(Arc<KnownCaller>),
}

/// How many callers are remembered.
const KNOWN_CALLERS: usize = 10_000;
/// Longest subject of an issuer elsewhere, in bytes.
const LONGEST_SUBJECT: usize = 255;

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
    /// Makes the directory's record of who logs in elsewhere, when they come for the first time. Without it who has none
    /// is taken as their token says they are.
    pub admissions: Option<Arc<Commands>>,
}

/// The caller of a request, and whether anything keeps them out.
pub(crate) struct Principal<'r> {
    pub(crate) caller: Caller,
    /// Whether they reach nothing but the authentication section.
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
                let named = claims.get(claim).map(|text| groups(text)).unwrap_or_default();
                let held = |role: &Role| named.iter().any(|group| roles.get(group) == Some(role));
                let roles = Role::ALL.into_iter().filter(held).collect();
                self.external_user(&issuer.issuer, &subject, roles, claims).await
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

    /// Somebody who has logged in elsewhere: roles come from the token, the rest from the directory's record.
    async fn external_user<'r>(
        &self,
        issuer: &str,
        subject: &str,
        roles: Vec<Role>,
        claims: Cow<'r, Claims>,
    ) -> Result<Principal<'r>, Problem> {
        // OpenID Connect Core 1.0, section 2: at most 255 characters.
        if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
            return Err(Problem::invalid_token("the token has no usable subject"));
        }
        let id = foreign_id(issuer, subject);
        let mut standing = self.standing(id).await.map_err(|error| store_problem(&error))?;
        let Some(desk) = &self.admissions else {
            let known = match standing {
                Standing::Gone => return Err(gone()),
                Standing::Known(known) => Some(known),
                Standing::Unknown => None,
            };
            return Ok(from_elsewhere(id, roles, known.as_deref(), claims));
        };
        let outdated = match &standing {
            Standing::Unknown => true,
            // By a newer token only: of two that are used in turn the older must not undo what the newer has done.
            Standing::Known(known) => known.roles != roles && issued_at(&claims) > Some(known.updated_at),
            Standing::Gone => false,
        };
        if outdated {
            admit(desk, id, issuer, &roles, &claims).await?;
            standing = self.standing(id).await.map_err(|error| store_problem(&error))?;
        }
        let Standing::Known(known) = standing else { return Err(gone()) };
        Ok(from_elsewhere(id, roles, Some(&known), claims))
    }

    async fn known_user<'r>(&self, subject: &str, claims: Cow<'r, Claims>) -> Result<Principal<'r>, Problem> {
        let id = UserId::parse(subject).map_err(|_| gone())?;
        self.require_unrevoked(&claims).await?;
        if claims.contains_key("client_id") {
            return Ok(service_account(id, claims));
        }
        let standing = self.standing(id).await.map_err(|error| store_problem(&error))?;
        let Standing::Known(known) = standing else { return Err(gone()) };
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

    /// A user as the store has them now.
    async fn standing(&self, id: UserId) -> Result<Standing, LoadError> {
        let stream = StreamId::User(id);
        let Some(newest) = self.store.newest_state(stream).await? else { return Ok(Standing::Unknown) };
        let version = newest.0;
        if let Some(known) = self.known.0.get(&id).filter(|known| known.version == version) {
            return Ok(Standing::Known(known));
        }
        let facts = match Loaded::<User>::of_state(&*self.store, stream, newest).await?.state {
            User::Active(facts) => facts,
            User::Unregistered => return Ok(Standing::Unknown),
            User::Deleted(_) => return Ok(Standing::Gone),
        };
        let UserFacts { roles, disabled, login_denied, updated_at, .. } = facts;
        let known = Arc::new(KnownCaller { version, roles, disabled, login_denied, updated_at });
        self.known.0.insert(id, Arc::clone(&known));
        Ok(Standing::Known(known))
    }
}

fn gone() -> Problem {
    Problem::invalid_token("the token's user does not exist")
}

/// When the token was issued, as far as it says so.
fn issued_at(claims: &Claims) -> Option<Timestamp> {
    claims.get("iat").and_then(|text| seconds(text))
}

/// Makes the record of a first-seen subject, or notes the roles that they have now.
async fn admit(desk: &Commands, id: UserId, issuer: &str, roles: &[Role], claims: &Claims) -> Result<(), Problem> {
    let claim = |name: &str| claims.get(name).cloned().filter(|text| !text.is_empty());
    let called = ["preferred_username", "cognito:username", "username", "email", "sub"];
    let command = AdmitUser {
        id,
        issuer: ExternalIssuer { issuer: issuer.to_owned() },
        called: called.into_iter().filter_map(claim).collect(),
        first_name: claim("given_name").or_else(|| claim("name")),
        last_name: claim("family_name"),
        email: claim("email"),
        roles: roles.to_vec(),
    };
    let context = CommandContext {
        caller: Caller { id, kind: ActorKind::User, roles: roles.to_vec() },
        correlation_id: desk.ids.next(),
        trace_id: None,
        if_match: None,
        idempotency: None,
    };
    let mut admitted = desk.execute(&context, command.clone()).await;
    if matches!(admitted, Err(CommandError::Taken(_))) {
        // Somebody took the name at the same moment; now it is known to be taken.
        admitted = desk.execute(&context, command).await;
    }
    match admitted {
        Ok(_) => Ok(()),
        // Deleted meanwhile.
        Err(CommandError::User(_) | CommandError::NotFound(_)) => Err(gone()),
        Err(error) => Err(error.into()),
    }
}

/// The id of a subject that another issuer names: the same for the same issuer and subject, and nobody else's.
fn foreign_id(issuer: &str, subject: &str) -> UserId {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.as_bytes());
    UserId::from_uuid(Uuid::new_v5(&space, subject.as_bytes()))
}

/// Who logs in elsewhere: roles by their token, the rest by what the directory knows of them.
fn from_elsewhere<'r>(
    id: UserId,
    roles: Vec<Role>,
    known: Option<&KnownCaller>,
    claims: Cow<'r, Claims>,
) -> Principal<'r> {
    let (disabled, login_denied) = known.map_or((false, false), |known| (known.disabled, known.login_denied));
    Principal {
        caller: Caller { id, kind: ActorKind::User, roles },
        // Their tokens are made elsewhere, so what a denied login means is for the desk to see to.
        disabled: disabled || login_denied,
        login_denied,
        in_directory: known.is_some(),
        claims,
    }
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
