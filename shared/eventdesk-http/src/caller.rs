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
    ports::{EventStore, StoreError},
};
use eventdesk_domain::user::User;
use eventdesk_events::{ActorKind, StreamId, UserId, user::Role};
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

/// Finds out who a request's caller is.
#[derive(Clone)]
pub struct CallerResolver {
    /// The durable truth about users.
    pub store: Arc<dyn EventStore>,
    /// All issuers that the authorizer in front accepts.
    pub issuers: Vec<TrustedIssuer>,
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

    async fn known_user<'r>(&self, subject: &str, claims: Cow<'r, Claims>) -> Result<Principal<'r>, Problem> {
        let gone = || Problem::invalid_token("the token's user does not exist");
        let id = UserId::parse(subject).map_err(|_| gone())?;
        let loaded =
            Loaded::<User>::glance(&*self.store, StreamId::User(id)).await.map_err(|error| store_problem(&error))?;
        let User::Active(facts) = loaded.state else { return Err(gone()) };
        let caller = Caller { id, kind: ActorKind::User, roles: facts.roles };
        let (disabled, login_denied) = (facts.disabled, facts.login_denied);
        Ok(Principal { caller, disabled, login_denied, in_directory: true, claims })
    }
}

/// The id of a subject that another issuer names: the same for the same issuer and subject, and nobody else's.
fn foreign_id(issuer: &str, subject: &str) -> UserId {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.as_bytes());
    UserId::from_uuid(Uuid::new_v5(&space, subject.as_bytes()))
}

fn store_problem(error: &LoadError) -> Problem {
    let unavailable = matches!(error, LoadError::Store(StoreError::Unavailable(_)));
    let problem = if unavailable { Problem::unavailable() } else { Problem::internal() };
    problem.because(error)
}
