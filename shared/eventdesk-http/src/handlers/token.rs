//! The token endpoint of the built-in issuer (RFC 6749).

use eventdesk_app::identity::GrantError;
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Answered;
use crate::{Problem, headers, reply::Reply, request::Request, routes::Media};

/// A token request.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct TokenForm {
    /// Which grant.
    #[schemars(required, with = "String", extend("enum" = ["password"]))]
    grant_type: Option<String>,
    /// The user's name.
    username: Option<String>,
    /// The user's password.
    #[schemars(extend("format" = "password"))]
    password: Option<String>,
    /// Scopes parted by blanks; all that the roles allow if not given.
    scope: Option<String>,
}

/// A token.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(crate) struct TokenView<'a> {
    /// To be sent as `Authorization: Bearer …`.
    access_token: &'a str,
    /// Always `bearer`.
    token_type: &'static str,
    /// Seconds until it ends.
    expires_in: u64,
    /// The scopes it has.
    scope: &'a str,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenError")]
pub(crate) struct TokenErrorView {
    /// The error's code.
    error: &'static str,
    /// For people.
    error_description: &'static str,
}

fn refused(error: &'static str, error_description: &'static str) -> Answered {
    answer(StatusCode::BAD_REQUEST, &TokenErrorView { error, error_description })
}

fn answer<T: Serialize>(status: StatusCode, body: &T) -> Answered {
    let mut reply = Reply::json(status, body)?;
    reply.set(header::CACHE_CONTROL, headers::NO_STORE);
    reply.set(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(reply)
}

pub(crate) async fn issue(r: &Request<'_>) -> Answered {
    let body = r.body(Media::Form)?;
    let form = match TokenForm::parse(&body) {
        Ok(form) => form,
        Err(description) => return refused("invalid_request", description),
    };
    let (username, password) = match (form.grant_type.as_deref(), &form.username, &form.password) {
        (None, _, _) => return refused("invalid_request", "grant_type must be given"),
        (Some("password"), Some(username), Some(password)) => (username, password),
        (Some("password"), _, _) => return refused("invalid_request", "username and password must be given"),
        (Some(_), _, _) => return refused("unsupported_grant_type", "the grant password is supported"),
    };
    let granted = r.identity()?.password_grant(username, password, form.scope.as_deref(), r.address()).await;
    match granted {
        Ok(granted) => {
            let (access_token, scope) = (granted.access_token.as_str(), granted.scope.as_str());
            let expires_in = granted.expires_in_s;
            answer(StatusCode::OK, &TokenView { access_token, token_type: "bearer", expires_in, scope })
        }
        Err(GrantError::InvalidGrant) => refused("invalid_grant", "invalid username or password"),
        Err(GrantError::InvalidScope) => refused("invalid_scope", "the scope asked for cannot be granted"),
        Err(error) => Err(problem(&error)),
    }
}

/// What is no fault of the request, and throttling.
pub(super) fn problem(error: &GrantError) -> Problem {
    match error {
        GrantError::TooManyAttempts { retry_after_s } => Problem::too_many_requests(*retry_after_s),
        GrantError::Unavailable(_) => Problem::unavailable().because(error),
        GrantError::InvalidGrant | GrantError::InvalidScope | GrantError::Internal(_) => {
            Problem::internal().because(error)
        }
    }
}

impl TokenForm {
    /// Reads the form. A parameter without a value counts as left out, one that comes twice is refused, and unknown
    /// ones are ignored (RFC 6749, section 3.2).
    fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let body = std::str::from_utf8(body).map_err(|_| "the form is not UTF-8")?;
        let mut form = Self { grant_type: None, username: None, password: None, scope: None };
        let mut seen = std::collections::HashSet::new();
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name).ok_or("the form is not UTF-8")?;
            let value = decoded(value).ok_or("the form is not UTF-8")?;
            if !seen.insert(name.clone()) {
                return Err("a parameter is given twice");
            }
            let field = match name.as_str() {
                "grant_type" => &mut form.grant_type,
                "username" => &mut form.username,
                "password" => &mut form.password,
                "scope" => &mut form.scope,
                _ => continue,
            };
            *field = Some(value).filter(|value| !value.is_empty());
        }
        Ok(form)
    }
}

fn decoded(part: &str) -> Option<String> {
    let spaced = part.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::TokenForm;

    #[test]
    fn a_form_is_decoded_and_empty_values_are_absent() {
        let form = TokenForm::parse(b"grant_type=password&username=a%40b&password=p+w%2B&scope=&other=1").unwrap();
        assert_eq!(form.grant_type.as_deref(), Some("password"));
        assert_eq!(form.username.as_deref(), Some("a@b"));
        assert_eq!(form.password.as_deref(), Some("p w+"));
        assert_eq!(form.scope, None);
    }

    #[test]
    fn repeated_parameters_and_broken_text_are_refused() {
        for body in [&b"username=a&username=b"[..], b"x=1&x=1", b"username=%ff", b"\xff"] {
            assert!(TokenForm::parse(body).is_err());
        }
    }
}
