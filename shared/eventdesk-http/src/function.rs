//! A function: from a gateway event to its answer.

mod authorized;
#[cfg(test)]
mod bed;
mod permitted;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use eventdesk_app::{Commands, Digester, Policy, identity::Identity, operations::Operations, queries::Queries};
use futures_util::future::BoxFuture;
use http::Method;

use crate::{
    CallerResolver, Kind, Problem,
    caller::Principal,
    docs::DocsLogin,
    reply::Reply,
    request::{Query, Request},
    routes::{self, Access, Handler, Match, Owner, Program, Route, find, handlers, strip_prefix, table},
};

pub use authorized::AuthorizerContext;
pub(crate) use permitted::{Asked, roles_of};

/// What does the functions' work. Each function needs only what its routes use; a route whose part is missing
/// answers 500.
pub struct Services {
    /// For the `command-…` functions.
    pub commands: Option<Arc<Commands>>,
    /// For the `query-…` functions.
    pub queries: Option<Arc<Queries>>,
    /// For the `identity` function.
    pub identity: Option<Arc<Identity>>,
    /// For the `operations` function.
    pub operations: Option<Arc<Operations>>,
    /// Finds out who asks.
    pub callers: CallerResolver,
    /// Who may do what.
    pub policy: Policy,
    /// Digests idempotency keys and bodies; purpose `idempotency`.
    pub idempotency: Digester,
    /// What `/ready` asks, besides the event store.
    pub probes: Vec<Probe>,
    /// How people log in on the docs page.
    pub docs: Arc<DocsLogin>,
    /// Everything that is configured.
    pub settings: Settings,
}

impl Services {
    /// The same, where who comes from elsewhere for the first time gets their record.
    #[must_use]
    pub fn admitting(mut self, commands: Arc<Commands>) -> Self {
        self.callers.admissions = Some(commands);
        self
    }

    /// Whether the route is there at all: those of the built-in issuer are not where it is switched off.
    fn has(&self, route: &Route) -> bool {
        let path = route.path.strip_prefix(routes::BASE_PATH).unwrap_or(route.path);
        let of_own_issuer = ["/token", "/clients", "/.well-known/"].iter().any(|section| path.starts_with(section));
        !of_own_issuer || self.callers.has_own_issuer()
    }
}

/// Configuration of what callers see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The deployment prefix in front of `/api/v1`, such as a custom domain's mapping key; empty = none. The
    /// gateway's stage is taken off besides.
    pub base_path: String,
}

/// Asks one part of the desk whether it can do its work.
pub struct Probe {
    /// The part's name in the answer of `/ready`.
    pub name: &'static str,
    /// Whether it is ready; an answer that takes longer than 2 s counts as no.
    pub check: Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

/// One function, named by its [`Owner`].
#[derive(Clone)]
pub struct Function {
    owner: Owner,
    /// In the order of the route table.
    handlers: Arc<[Handler]>,
    services: Arc<Services>,
}

impl Function {
    /// The function `owner` of a program, standing on `services`. One that the program has not knows no route.
    pub fn new<Of: Program>(owner: Owner, services: Arc<Services>) -> Self {
        // Built here, so that the first request does not wait for it.
        let _ = find(&Method::GET, "/");
        Self { owner, handlers: handlers::<Of>().into(), services }
    }

    /// Which function it is.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Answers a request. Never fails: whatever goes wrong is a problem document.
    pub async fn call(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let request_id = event.request_context.request_id.as_deref().unwrap_or("unknown");
        let answered = self.answer(&event, request_id).await;
        let reply = answered.unwrap_or_else(|problem| {
            if let Some(cause) = problem.cause() {
                tracing::error!(request.id = request_id, error = cause, "a request failed");
            }
            problem.into_reply(request_id)
        });
        let head = event.request_context.http.method == Method::HEAD;
        let reply = if head { reply.without_body() } else { reply };
        reply.into_response(request_id)
    }

    async fn answer(&self, event: &ApiGatewayV2httpRequest, request_id: &str) -> Result<Reply, Problem> {
        let services = &*self.services;
        let Place { prefix, path, found } = place(event, &services.settings);
        let (route, params) = match found {
            Match::Route { route, params } if route.function == self.owner && services.has(route) => (route, params),
            Match::MethodNotAllowed { allow } => return Err(Problem::method_not_allowed(allow)),
            Match::Route { .. } | Match::NotFound => return Err(Problem::not_found()),
        };
        let principal = principal(&Asked { services, event, route, params, path }).await?;
        let query = Query::parse(event.raw_query_string.as_deref().unwrap_or_default(), route.parameters)?;
        let request = Request { services, event, route, params, prefix, path, query, principal, request_id };
        self.handler(route)(&request).await
    }

    fn handler(&self, route: &Route) -> Handler {
        let place = table().element_offset(route).expect("what is found stands in the table");
        self.handlers[place]
    }
}

/// Where a request leads.
struct Place<'e> {
    /// The deployment prefix, as it stands in the path.
    prefix: &'e str,
    /// The path after it.
    path: &'e str,
    found: Match<'e>,
}

/// Finds the route behind stage and configured prefix. The service puts the stage in front; behind a custom domain
/// it is the mapping key, which may stand before the stage.
fn place<'e>(event: &'e ApiGatewayV2httpRequest, settings: &Settings) -> Place<'e> {
    let http = &event.request_context.http;
    let whole = event.raw_path.as_deref().or(http.path.as_deref()).unwrap_or("/");
    let stage = event.request_context.stage.as_deref().filter(|stage| *stage != "$default").unwrap_or_default();
    let after = |path, prefix| strip_prefix(path, prefix).1;
    let staged = after(whole, stage);
    let rest = after(after(staged, &settings.base_path), if staged == whole { stage } else { "" });
    let (prefix, path) = whole.split_at(whole.len() - rest.len());
    match find(&http.method, path) {
        // A path may begin like the prefix and still be without it.
        Match::NotFound if !prefix.is_empty() => Place { prefix: "", path: whole, found: find(&http.method, whole) },
        found => Place { prefix, path, found },
    }
}

/// The caller, once the route is open to them.
async fn principal<'e>(asked: &Asked<'e>) -> Result<Option<Principal<'e>>, Problem> {
    let Asked { services, event, route, .. } = asked;
    if route.access == Access::Public {
        return Ok(None);
    }
    let principal = authorized::principal(&services.callers, event, route).await?;
    match route.access {
        Access::Public | Access::Authenticated => Ok(Some(principal)),
        Access::Needs(_) if principal.disabled => {
            Err(Problem::new(Kind::UserDisabled, "a disabled user reaches nothing but the authentication section"))
        }
        Access::Needs(permission) if asked.permits(&principal, permission).await? => Ok(Some(principal)),
        Access::Needs(_) => Err(Problem::forbidden()),
    }
}

/// The base path of answers' own links: deployment prefix and API path.
pub(crate) fn base(prefix: &str) -> String {
    format!("{prefix}{}", routes::BASE_PATH)
}
