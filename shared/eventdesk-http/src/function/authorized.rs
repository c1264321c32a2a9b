//! What the authorizer in front has found out.
//!
//! The gateway's own JWT authorizer hands over claims as texts and has refused already what it refuses. A Lambda
//! authorizer hands over [`AuthorizerContext`]: it lets every request through with its verdict, because the gateway
//! would answer for it with a bare 403, whatever is wrong with a token.

use std::borrow::Cow;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use eventdesk_app::access::Caller;
use eventdesk_events::{ActorKind, UserId, user::Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::permitted::scopes;
use crate::{
    CallerResolver, Kind, Problem,
    caller::{Claims, Principal},
    routes::Route,
};

/// The context that the desk's Lambda authorizer gives a request. No verdict at all is a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizerContext {
    /// A verified token of somebody whom the desk knows or whose issuer says enough.
    Verified {
        /// The token's claims, every value as text.
        claims: Claims,
        /// The user, or the service account.
        id: UserId,
        /// Which of the two.
        kind: ActorKind,
        /// As the directory had them when asked, or as the token's groups map to them.
        roles: Vec<Role>,
        /// Whether they reach nothing but the authentication section.
        disabled: bool,
        /// Whether they get no more tokens.
        login_denied: bool,
        /// Whether the directory knows them.
        in_directory: bool,
    },
    /// Why the token is not believed.
    Refused {
        /// `error` of RFC 6750, section 3.1; none if there is no token.
        code: Option<String>,
        /// In words, fit for a quoted string.
        description: String,
    },
    /// The token could not be checked now.
    Unavailable {},
}

impl AuthorizerContext {
    /// The verdict on a token that is verified as such: whose it is, asked of the directory where that knows.
    pub async fn of_token(callers: &CallerResolver, claims: Claims) -> Self {
        match callers.resolve(Cow::Owned(claims)).await {
            Ok(Principal { caller, disabled, login_denied, in_directory, claims }) => Self::Verified {
                claims: claims.into_owned(),
                id: caller.id,
                kind: caller.kind,
                roles: caller.roles,
                disabled,
                login_denied,
                in_directory,
            },
            Err(problem) if problem.kind() == Kind::Unauthenticated => {
                Self::Refused { code: Some("invalid_token".to_owned()), description: problem.detail().to_owned() }
            }
            Err(problem) => {
                if let Some(cause) = problem.cause() {
                    tracing::error!(error = cause, "a caller cannot be looked up");
                }
                Self::Unavailable {}
            }
        }
    }
}

/// The caller of a route that is not public: asked of the directory, unless the authorizer has done so.
pub(super) async fn principal<'e>(
    callers: &CallerResolver,
    event: &'e ApiGatewayV2httpRequest,
    route: &Route,
) -> Result<Principal<'e>, Problem> {
    let nobody = || Problem::unauthorized(None);
    let authorizer = event.request_context.authorizer.as_ref().ok_or_else(nobody)?;
    if let Some(jwt) = &authorizer.jwt {
        return callers.resolve(Cow::Borrowed(&jwt.claims)).await;
    }
    let context = Value::Object(authorizer.fields.clone().into_iter().collect());
    match serde_json::from_value(context) {
        Ok(AuthorizerContext::Verified { claims, id, kind, roles, disabled, login_denied, in_directory }) => {
            if !has_any_scope(&claims, route.scopes) {
                return Err(Problem::forbidden_scope(route.scopes));
            }
            let caller = Caller { id, kind, roles };
            Ok(Principal { caller, disabled, login_denied, in_directory, claims: Cow::Owned(claims) })
        }
        Ok(AuthorizerContext::Refused { code: Some(code), description }) => {
            Err(Problem::unauthorized(Some((&code, &description))))
        }
        Ok(AuthorizerContext::Unavailable {}) => Err(Problem::unavailable()),
        Ok(AuthorizerContext::Refused { code: None, .. }) | Err(_) => Err(nobody()),
    }
}

/// Whether a token has any of a route's scopes, from `scope`, else from `scp`; a route that asks for none is open.
fn has_any_scope(claims: &Claims, wanted: &[&str]) -> bool {
    wanted.is_empty() || scopes(claims).any(|scope| wanted.contains(&scope))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scopes_are_read_in_every_text_form() {
        let claims = |name: &str, value: &str| Claims::from([(name.to_owned(), value.to_owned())]);
        for (name, value) in [("scope", "a b c"), ("scp", "[a b]"), ("scp", "b")] {
            assert!(has_any_scope(&claims(name, value), &["b", "x"]), "{name} {value}");
        }
        for (name, value) in [("scope", "a bc"), ("scope", ""), ("groups", "b"), ("scp", "[ab]")] {
            assert!(!has_any_scope(&claims(name, value), &["b"]), "{name} {value}");
        }
        assert!(has_any_scope(&Claims::new(), &[]));
    }

    #[test]
    fn the_context_is_a_map_of_plain_values_as_the_service_takes_it() {
        let verdict = AuthorizerContext::Verified {
            claims: Claims::from([("sub".to_owned(), "me".to_owned())]),
            id: UserId::from_uuid(uuid::Uuid::nil()),
            kind: ActorKind::Service,
            roles: vec![Role::Admin],
            disabled: false,
            login_denied: false,
            in_directory: true,
        };
        let id = "00000000-0000-0000-0000-000000000000";
        let expected = json!({ "verified": {
            "claims": { "sub": "me" }, "id": id, "kind": "service", "roles": ["admin"],
            "disabled": false, "login_denied": false, "in_directory": true,
        } });
        assert_eq!(serde_json::to_value(verdict).unwrap(), expected);
    }
}
