//! Forms of the token endpoints, and the credentials of clients in and beside them.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;

/// A token request.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "tells the documentation of the form")]
pub(crate) struct TokenForm {
    /// Which grant.
    #[schemars(extend("enum" = ["password", "refresh_token", "client_credentials"]))]
    grant_type: String,
    /// The user's name.
    username: Option<String>,
    /// The user's password.
    #[schemars(extend("format" = "password"))]
    password: Option<String>,
    /// The refresh token, which is worth nothing afterwards: the answer brings the next one.
    refresh_token: Option<String>,
    /// Scopes parted by blanks; all that the roles allow if not given, and never more than at login.
    scope: Option<String>,
    /// The service account's id, if it does not stand in an `Authorization: Basic` header.
    client_id: Option<String>,
    /// Its secret.
    #[schemars(extend("format" = "password"))]
    client_secret: Option<String>,
}

/// A request about a token.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "tells the documentation of the form")]
pub(crate) struct TokenNameForm {
    /// An access token or a refresh token.
    token: String,
    /// What kind it is; it is found in any case.
    token_type_hint: Option<String>,
    /// The service account's id, if it does not stand in an `Authorization: Basic` header.
    client_id: Option<String>,
    /// Its secret.
    #[schemars(extend("format" = "password"))]
    client_secret: Option<String>,
}

/// The parameters of a form.
pub(super) struct Form(HashMap<String, String>);

impl Form {
    /// Reads a form. A parameter without a value counts as left out, one that comes twice is refused, and unknown ones
    /// are ignored (RFC 6749, section 3.2).
    pub(super) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        const NOT_UTF8: &str = "the form is not UTF-8";
        let body = std::str::from_utf8(body).map_err(|_| NOT_UTF8)?;
        let mut parameters = HashMap::new();
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name).ok_or(NOT_UTF8)?, decoded(value).ok_or(NOT_UTF8)?);
            if parameters.insert(name, value).is_some() {
                return Err("a parameter is given twice");
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter that has a value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Id and secret of the client that asks, from the `Authorization: Basic` header or from the form, not from both
    /// (RFC 6749, section 2.3). An id alone is that of a public client, which proves nothing.
    pub(super) fn client(&self, authorization: Option<&str>) -> Result<Option<(String, String)>, &'static str> {
        let in_form = self.get("client_secret");
        let Some(basic) = authorization.and_then(basic) else {
            return Ok(match (self.get("client_id"), in_form) {
                (id, Some(secret)) => Some((id.unwrap_or_default().to_owned(), secret.to_owned())),
                (_, None) => None,
            });
        };
        if in_form.is_some() {
            return Err("the client's secret is given twice");
        }
        let (id, secret) = basic?;
        if self.get("client_id").is_some_and(|other| other != id) {
            return Err("two clients are named");
        }
        // What some forms send when both fields are left empty.
        Ok(Some((id, secret)).filter(|(id, secret)| !id.is_empty() || !secret.is_empty()))
    }
}

/// Id and secret of a `Basic` header, each form-encoded before they were put together; `None` for another scheme.
fn basic(authorization: &str) -> Option<Result<(String, String), &'static str>> {
    let (scheme, rest) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let read = || {
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((decoded(id)?, decoded(secret)?))
    };
    Some(read().ok_or("the Authorization header cannot be read"))
}

fn decoded(part: &str) -> Option<String> {
    let spaced = part.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Form {
        Form::parse(body.as_bytes()).unwrap()
    }

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_form_is_decoded_and_empty_values_are_absent() {
        let form = form("grant_type=password&username=a%40b&password=p+w%2B&scope=&other=1");
        assert_eq!(form.get("grant_type"), Some("password"));
        assert_eq!(form.get("username"), Some("a@b"));
        assert_eq!(form.get("password"), Some("p w+"));
        assert_eq!(form.get("scope"), None);
        assert_eq!(form.get("refresh_token"), None);
    }

    #[test]
    fn repeated_parameters_and_broken_text_are_refused() {
        for body in [&b"username=a&username=b"[..], b"x=1&x=1", b"username=%ff", b"\xff"] {
            assert!(Form::parse(body).is_err());
        }
    }

    #[test]
    fn a_client_proves_itself_in_the_header_or_in_the_form() {
        let pair = Some(("id".to_owned(), "s:e c".to_owned()));
        assert_eq!(form("").client(Some(&header("id:s%3Ae+c"))), Ok(pair.clone()));
        assert_eq!(form("").client(Some(&header("id:s%3Ae+c").replace("Basic", "basic"))), Ok(pair.clone()));
        assert_eq!(form("client_id=id").client(Some(&header("id:s%3Ae+c"))), Ok(pair.clone()));
        assert_eq!(form("client_id=id&client_secret=s%3Ae+c").client(None), Ok(pair));
        for nobody in [form("").client(None), form("client_id=id").client(None), form("").client(Some("Bearer x"))] {
            assert_eq!(nobody, Ok(None));
        }
        assert_eq!(form("").client(Some(&header(":"))), Ok(None), "fields left empty");
    }

    #[test]
    fn two_proofs_and_broken_ones_are_refused() {
        for (body, given) in [
            ("client_secret=s", header("id:s")),
            ("client_id=other", header("id:s")),
            ("", header("no colon")),
            ("", "Basic ***".to_owned()),
        ] {
            assert!(form(body).client(Some(&given)).is_err(), "{body} {given}");
        }
    }
}
