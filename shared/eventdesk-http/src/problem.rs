//! Every refusal and failure as a problem document (RFC 9457): one table of slug, status and title.

mod convert;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::{headers, reply::Reply};

/// What the `type` of every problem begins with; the slug follows.
pub const PROBLEM_BASE: &str = "https://eventdesk.dev/problems/";

/// Seconds after which something busy is worth asking again.
const RETRY_AFTER_S: u64 = 1;

macro_rules! kinds {
    ($($variant:ident = $status:literal $slug:literal $title:literal;)+) => {
        /// A type of problem: stable slug, status and title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $title] $variant,)+
        }

        impl Kind {
            /// All types of problems.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The last part of the type URI, and the member `code`.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)+ }
            }

            /// The HTTP status code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// The title, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

kinds! {
    MalformedRequest = 400 "malformed-request" "The request cannot be read";
    UnknownParameter = 400 "unknown-parameter" "The route has no such query parameter";
    InvalidParameter = 400 "invalid-parameter" "A query parameter cannot be read";
    InvalidHeader = 400 "invalid-header" "A header cannot be read";
    BadConsistencyToken = 400 "bad-consistency-token" "The consistency token cannot be read";
    BadCursor = 400 "bad-cursor" "The cursor does not belong to this list";
    Unauthenticated = 401 "unauthenticated" "A valid access token is required";
    Forbidden = 403 "forbidden" "The caller may not do this";
    InsufficientScope = 403 "insufficient-scope" "The token's scopes do not allow this";
    UserDisabled = 403 "user-disabled" "The caller is disabled";
    NotAuthor = 403 "not-author" "Somebody else wrote the message";
    NotFound = 404 "not-found" "There is nothing at this path";
    TicketNotFound = 404 "ticket-not-found" "There is no such ticket";
    MessageNotFound = 404 "message-not-found" "There is no such message";
    UserNotFound = 404 "user-not-found" "There is no such user";
    EmployeeNotFound = 404 "employee-not-found" "There is no such employee";
    ClientNotFound = 404 "client-not-found" "There is no such service account";
    DeadLetterNotFound = 404 "dead-letter-not-found" "There is no such dead letter";
    MethodNotAllowed = 405 "method-not-allowed" "The path does not know the method";
    RequestTimeout = 408 "request-timeout" "The request did not arrive in time";
    InvalidTransition = 409 "invalid-transition" "The ticket cannot move there";
    TicketClosed = 409 "ticket-closed" "The ticket is closed";
    TicketDeleted = 409 "ticket-deleted" "The ticket was deleted";
    TooManyTags = 409 "too-many-tags" "The ticket would have too many tags";
    MessageRetracted = 409 "message-retracted" "The message was retracted";
    ExternalUser = 409 "external-user" "The user logs in at another issuer";
    LastAdmin = 409 "last-admin" "The last active admin must stay";
    TooManyClients = 409 "too-many-clients" "There are too many service accounts";
    AlreadyTaken = 409 "already-taken" "A unique value is taken";
    AlreadyExists = 409 "already-exists" "The id is taken";
    ConcurrentChange = 409 "concurrent-change" "Others changed it at the same time";
    VersionMismatch = 412 "version-mismatch" "Another version stands";
    PayloadTooLarge = 413 "payload-too-large" "The body is too large";
    UnsupportedMediaType = 415 "unsupported-media-type" "The media type is not understood";
    InvalidFields = 422 "invalid-fields" "Fields are invalid";
    IdempotencyKeyReused = 422 "idempotency-key-reused" "The idempotency key was used with another request";
    TooManyRequests = 429 "too-many-requests" "Too many requests";
    HeadersTooLarge = 431 "headers-too-large" "The head of the request is too large";
    InternalError = 500 "internal-error" "Something went wrong";
    Unavailable = 503 "unavailable" "The desk is busy or cannot be reached";
    ReadModelBehind = 503 "read-model-behind" "The read model has not caught up yet";
}

/// One bad field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldProblem {
    /// JSON pointer into the request body (RFC 6901).
    pub(crate) pointer: String,
    /// For programs.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) detail: Cow<'static, str>,
}

/// Most bad fields that one problem names, so that no small body asks for a large answer.
const MOST_ERRORS: usize = 100;

/// One occurrence of a problem, with the headers that belong to it.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldProblem>,
    members: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What happened inside, for the log alone.
    cause: Option<Box<str>>,
}

impl Problem {
    /// A problem of this kind; `detail` says for people what is wrong with this very request.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self { kind, detail, errors: Vec::new(), members: Vec::new(), headers: Vec::new(), cause: None }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Adds a member to the document.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((member, value.into()));
        self
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Keeps an error with all that caused it, for the log.
    pub(crate) fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        self.cause = Some(chain.into());
        self
    }

    /// What is wrong, for people.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// What is to be logged about it.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// 401 with a challenge (RFC 6750, section 3): `error` and its description are left out when no token came at all.
    pub fn unauthorized(error: Option<(&str, &str)>) -> Self {
        let (challenge, detail) = match error {
            None => ("Bearer realm=\"eventdesk\"".to_owned(), "the request carries no access token".to_owned()),
            Some((code, description)) => (
                format!("Bearer realm=\"eventdesk\", error=\"{code}\", error_description=\"{description}\""),
                description.to_owned(),
            ),
        };
        let problem = Self::new(Kind::Unauthenticated, detail).with("message", "Unauthorized");
        problem.with_challenge(&challenge)
    }

    /// 401 for a token that was read but is worth nothing.
    pub(crate) fn invalid_token(description: &'static str) -> Self {
        Self::unauthorized(Some(("invalid_token", description)))
    }

    /// 403 because the token has none of the scopes, any of which would do.
    pub fn forbidden_scope(scopes: &[&str]) -> Self {
        let scope = scopes.join(" ");
        let challenge = format!("Bearer realm=\"eventdesk\", error=\"insufficient_scope\", scope=\"{scope}\"");
        let detail = format!("needs one of the scopes {scope}");
        Self::new(Kind::InsufficientScope, detail).with("message", "Forbidden").with_challenge(&challenge)
    }

    /// 403 because of the caller's roles.
    pub(crate) fn forbidden() -> Self {
        Self::new(Kind::Forbidden, "the caller's roles do not allow this")
    }

    /// 404 for a path that no route has.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "no route has this path")
    }

    /// 405; `allow` is the `Allow` header's value.
    pub fn method_not_allowed(allow: &str) -> Self {
        let problem = Self::new(Kind::MethodNotAllowed, format!("this path knows {allow}"));
        match HeaderValue::from_str(allow) {
            Ok(value) => problem.header(header::ALLOW, value),
            Err(_) => problem,
        }
    }

    /// 413 for a body above `limit` bytes.
    pub fn payload_too_large(limit: usize) -> Self {
        Self::new(Kind::PayloadTooLarge, format!("bodies have at most {limit} bytes"))
    }

    /// 415; `accepted` names what is understood.
    pub fn unsupported_media_type(accepted: &str) -> Self {
        Self::new(Kind::UnsupportedMediaType, format!("the body must come as {accepted}"))
    }

    /// 429 with the seconds to wait.
    pub fn too_many_requests(retry_after_s: u64) -> Self {
        Self::new(Kind::TooManyRequests, "too many requests in a short time").retry_after(retry_after_s)
    }

    /// 503 with the seconds to wait.
    pub fn unavailable() -> Self {
        Self::new(Kind::Unavailable, "try again in a moment").retry_after(RETRY_AFTER_S)
    }

    /// 500; what happened stands in the log.
    pub fn internal() -> Self {
        Self::new(Kind::InternalError, "the failure was logged under this request's id")
    }

    /// 400 for something about the request that cannot be read.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::MalformedRequest, detail)
    }

    /// 400 for a header.
    pub(crate) fn invalid_header(name: &'static str, detail: &'static str) -> Self {
        Self::new(Kind::InvalidHeader, format!("{name} {detail}")).with("header", name)
    }

    /// 400 for the value of a query parameter.
    pub(crate) fn invalid_parameter(name: &str, detail: &str) -> Self {
        Self::new(Kind::InvalidParameter, format!("{name} {detail}")).with("parameter", name)
    }

    /// 422 for one field.
    pub(crate) fn invalid_field(pointer: String, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid_fields(vec![FieldProblem { pointer, code, detail: detail.into() }])
    }

    /// 422 for fields; the first [`MOST_ERRORS`] are told.
    pub(crate) fn invalid_fields(mut errors: Vec<FieldProblem>) -> Self {
        errors.truncate(MOST_ERRORS);
        Self { errors, ..Self::new(Kind::InvalidFields, "see errors") }
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    fn with_challenge(self, challenge: &str) -> Self {
        match HeaderValue::from_str(challenge) {
            Ok(value) => self.header(header::WWW_AUTHENTICATE, value),
            Err(_) => self,
        }
    }

    /// The whole answer: document, headers of its own and those that every answer carries.
    pub fn into_response(self, request_id: &str) -> ApiGatewayV2httpResponse {
        self.into_reply(request_id).into_response(request_id)
    }

    pub(crate) fn into_reply(self, request_id: &str) -> Reply {
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let document = Document { problem: &self, instance: request_id };
        let text = serde_json::to_string(&document).unwrap_or_default();
        let mut reply = Reply::text(status, headers::PROBLEM_JSON, text);
        reply.set(header::CACHE_CONTROL, headers::NO_STORE);
        for (name, value) in self.headers {
            reply.set(name, value);
        }
        reply
    }
}

struct Document<'a> {
    problem: &'a Problem,
    instance: &'a str,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Problem { kind, detail, errors, members, .. } = self.problem;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("{PROBLEM_BASE}{}", kind.slug()))?;
        map.serialize_entry("title", kind.title())?;
        map.serialize_entry("status", &kind.status())?;
        map.serialize_entry("detail", detail)?;
        map.serialize_entry("instance", self.instance)?;
        map.serialize_entry("code", kind.slug())?;
        if !errors.is_empty() {
            map.serialize_entry("errors", errors)?;
        }
        for (name, value) in members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
