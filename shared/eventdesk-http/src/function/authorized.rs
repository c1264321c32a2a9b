//! What the authorizer in front has found out.
//!
//! The gateway's own JWT authorizer hands over claims as texts and has refused already what it refuses. A Lambda
//! authorizer hands over [`AuthorizerContext`]: it lets every request through with its verdict, because the gateway
//! would answer for it with a bare 403, whatever is wrong with a token.

use std::borrow::Cow;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Problem, caller::Claims, routes::Route};

/// The context that the desk's Lambda authorizer gives a request. No verdict at all is a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizerContext {
    /// The claims of a verified token, every value as text.
    Claims(Claims),
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

/// The claims of the caller of a route that is not public.
pub(super) fn claims<'e>(event: &'e ApiGatewayV2httpRequest, route: &Route) -> Result<Cow<'e, Claims>, Problem> {
    let nobody = || Problem::unauthorized(None);
    let authorizer = event.request_context.authorizer.as_ref().ok_or_else(nobody)?;
    if let Some(jwt) = &authorizer.jwt {
        return Ok(Cow::Borrowed(&jwt.claims));
    }
    let context = Value::Object(authorizer.fields.clone().into_iter().collect());
    match serde_json::from_value(context) {
        Ok(AuthorizerContext::Claims(claims)) if has_any_scope(&claims, route.scopes) => Ok(Cow::Owned(claims)),
        Ok(AuthorizerContext::Claims(_)) => Err(Problem::forbidden_scope(route.scopes)),
        Ok(AuthorizerContext::Refused { code: Some(code), description }) => {
            Err(Problem::unauthorized(Some((&code, &description))))
        }
        Ok(AuthorizerContext::Unavailable {}) => Err(Problem::unavailable()),
        Ok(AuthorizerContext::Refused { code: None, .. }) | Err(_) => Err(nobody()),
    }
}

/// Whether a token has any of a route's scopes, from `scope`, else from `scp`; a route that asks for none is open.
fn has_any_scope(claims: &Claims, wanted: &[&str]) -> bool {
    let held = claims.get("scope").or_else(|| claims.get("scp")).map(String::as_str).unwrap_or_default();
    let held = held.trim_start_matches('[').trim_end_matches(']');
    wanted.is_empty() || held.split(' ').any(|scope| wanted.contains(&scope))
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
    fn the_context_is_a_map_of_texts_and_maps_as_the_service_takes_it() {
        let claims = AuthorizerContext::Claims(Claims::from([("sub".to_owned(), "me".to_owned())]));
        assert_eq!(serde_json::to_value(claims).unwrap(), json!({ "claims": { "sub": "me" } }));
    }
}
