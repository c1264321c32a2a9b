//! Whether the policy lets a caller do what a request is about.

use std::borrow::Cow;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use eventdesk_app::{
    Policy,
    access::Permission,
    ports::{PolicyEngine, PolicyInput, PolicyPrincipal, PolicyResource, PolicyToken},
};
use eventdesk_events::{UserId, user::Role};
use http::header;

use super::Services;
use crate::{
    Problem,
    caller::{Claims, Principal},
    routes::{Access, PathParams, Route},
};

/// A request as policies see it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub(crate) services: &'r Services,
    pub(crate) event: &'r ApiGatewayV2httpRequest,
    pub(crate) route: &'static Route,
    pub(crate) params: PathParams<'r>,
    /// The path without the deployment prefix.
    pub(crate) path: &'r str,
}

impl Asked<'_> {
    /// Whether the policy gives the caller this permission: the route's own, or another that a handler looks at.
    ///
    /// # Errors
    /// 503 if the policy engine gives no answer.
    pub(crate) async fn permits(&self, principal: &Principal<'_>, permission: Permission) -> Result<bool, Problem> {
        match &self.services.policy {
            Policy::Matrix(matrix) => Ok(matrix.allows(&principal.caller.roles, permission)),
            Policy::Engine(engine) => ask(&**engine, &self.input(principal, permission)).await,
        }
    }

    fn input<'p>(&'p self, principal: &'p Principal<'_>, permission: Permission) -> PolicyInput<'p> {
        let path = self.path.strip_suffix('/').unwrap_or(self.path);
        let parameters = self.route.path_parameters().filter_map(|name| Some((name, self.params.get(name)?)));
        PolicyInput {
            method: self.route.method.as_str(),
            path: place(self.route, path, permission),
            route: place(self.route, self.route.path, permission),
            principal: PolicyPrincipal {
                id: principal.caller.id,
                roles: &principal.caller.roles,
                groups: self.services.callers.groups(&principal.claims),
                scopes: scopes(&principal.claims).collect(),
            },
            resource: PolicyResource { permission: permission.as_str(), parameters: parameters.collect() },
            jwt: token(self.event).map(|token_value| PolicyToken { token_value }),
        }
    }
}

async fn ask(engine: &dyn PolicyEngine, input: &PolicyInput<'_>) -> Result<bool, Problem> {
    engine.allows(input).await.map_err(|error| Problem::unavailable().because(&error))
}

/// A path, with the permission behind it unless the route itself asks for it.
fn place<'p>(route: &Route, path: &'p str, permission: Permission) -> Cow<'p, str> {
    if route.access == Access::Needs(permission) {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(format!("{path}#{}", permission.as_str()))
    }
}

/// The scopes of a token, from `scope`, else from `scp`.
pub(super) fn scopes(claims: &Claims) -> impl Iterator<Item = &str> {
    let held = claims.get("scope").or_else(|| claims.get("scp")).map(String::as_str).unwrap_or_default();
    let held = held.trim_start_matches('[').trim_end_matches(']');
    held.split(' ').filter(|scope| !scope.is_empty())
}

/// The token as it came; `Bearer` before it may be missing, as the service lets it.
fn token(event: &ApiGatewayV2httpRequest) -> Option<&str> {
    let value = event.headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        Some(_) => None,
        None => Some(value),
    }
}

/// The roles that a policy lets use a route by virtue of the role alone.
///
/// # Errors
/// 503 if the policy engine gives no answer.
pub(crate) async fn roles_of(services: &Services, route: &Route, permission: Permission) -> Result<Vec<Role>, Problem> {
    let engine = match &services.policy {
        Policy::Matrix(matrix) => return Ok(matrix.roles(permission).to_vec()),
        Policy::Engine(engine) => engine,
    };
    let mut allowed = Vec::new();
    for role in Role::ALL {
        let input = PolicyInput {
            method: route.method.as_str(),
            path: Cow::Borrowed(route.path),
            route: Cow::Borrowed(route.path),
            principal: PolicyPrincipal {
                id: UserId::from_uuid(uuid::Uuid::nil()),
                roles: &[role],
                groups: Vec::new(),
                scopes: route.scopes.to_vec(),
            },
            resource: PolicyResource { permission: permission.as_str(), parameters: std::collections::BTreeMap::new() },
            jwt: None,
        };
        if ask(&**engine, &input).await? {
            allowed.push(role);
        }
    }
    Ok(allowed)
}
