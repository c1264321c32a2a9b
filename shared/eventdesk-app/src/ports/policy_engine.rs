//! Who may do what, asked of an engine that takes the place of the desk's own matrix.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use async_trait::async_trait;
use eventdesk_events::{UserId, user::Role};
use serde::Serialize;

/// What an engine is asked, in the shape in which it reads it.
///
/// A route is asked for with its own path. A permission that a handler looks at besides its route's (internal notes,
/// others' messages, deleted tickets, changes of an admin) stands behind a `#` in `path` and `route`, so that a policy
/// that knows only routes says no to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyInput<'q> {
    /// The route's method; `GET` for `HEAD`, too.
    pub method: &'q str,
    /// The path as it came, without deployment prefix, query and trailing slash: `/api/v1/tickets/17`.
    pub path: Cow<'q, str>,
    /// The route's path: `/api/v1/tickets/{ticket_id}`.
    pub route: Cow<'q, str>,
    /// Who asks.
    pub principal: PolicyPrincipal<'q>,
    /// What it is about.
    pub resource: PolicyResource<'q>,
    /// The token, for policies that read claims of their own. It is verified already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<PolicyToken<'q>>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyPrincipal<'q> {
    /// The user's id; that of the desk, not the issuer's.
    pub id: UserId,
    /// As they count now.
    pub roles: &'q [Role],
    /// As the token says them.
    pub groups: Vec<String>,
    /// The token's.
    pub scopes: Vec<&'q str>,
}

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyResource<'q> {
    /// The permission that the matrix would look up: `tickets.read`.
    pub permission: &'static str,
    /// The parameters in the path, decoded.
    #[serde(flatten)]
    pub parameters: BTreeMap<&'static str, Cow<'q, str>>,
}

/// A token on its way to the engine.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PolicyToken<'q> {
    /// As it came, without `Bearer`.
    #[serde(rename = "tokenValue")]
    pub token_value: &'q str,
}

impl fmt::Debug for PolicyToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyToken(…)")
    }
}

/// The engine gave no answer: it is down, slow or broken. Whoever asked is denied for now.
#[derive(Debug, thiserror::Error)]
#[error("the policy engine gives no answer: {0}")]
pub struct PolicyUnavailable(pub String);

/// Decides who may do what. Engines fail closed.
#[async_trait]
pub trait PolicyEngine: Send + Sync {
    /// Whether the policy allows it: `true` only for the answer `true`. A policy that has no answer, an answer of
    /// another type, or that fails on this question says no.
    ///
    /// # Errors
    /// [`PolicyUnavailable`] if the engine itself does not work; never for what a policy says.
    async fn allows(&self, input: &PolicyInput<'_>) -> Result<bool, PolicyUnavailable>;
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn an_engine_reads_the_documented_input() {
        let input = PolicyInput {
            method: "GET",
            path: "/api/v1/tickets/17".into(),
            route: "/api/v1/tickets/{ticket_id}".into(),
            principal: PolicyPrincipal {
                id: UserId::from_uuid(uuid::Uuid::nil()),
                roles: &[Role::Support],
                groups: vec!["staff".to_owned()],
                scopes: vec!["tickets:read"],
            },
            resource: PolicyResource {
                permission: "tickets.read",
                parameters: BTreeMap::from([("ticket_id", "17".into())]),
            },
            jwt: Some(PolicyToken { token_value: "a.b.c" }),
        };
        let wanted = json!({
            "method": "GET",
            "path": "/api/v1/tickets/17",
            "route": "/api/v1/tickets/{ticket_id}",
            "principal": {
                "id": "00000000-0000-0000-0000-000000000000",
                "roles": ["support"],
                "groups": ["staff"],
                "scopes": ["tickets:read"],
            },
            "resource": { "permission": "tickets.read", "ticket_id": "17" },
            "jwt": { "tokenValue": "a.b.c" },
        });
        assert_eq!(to_value(&input).unwrap(), wanted);
        assert!(!format!("{input:?}").contains("a.b.c"));
    }
}
