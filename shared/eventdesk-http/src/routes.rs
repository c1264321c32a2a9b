//! The route table: every route of the desk once, and everything that follows from it.

mod finding;
mod parameters;
pub mod program;
mod table;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use eventdesk_app::access::Permission;
use futures_util::future::BoxFuture;
use http::Method;
use schemars::{Schema, SchemaGenerator};

use crate::{Problem, reply::Reply, request::Request};

pub use finding::{Match, PathParams, find, strip_prefix};
pub use parameters::{Parameter, ParameterKind};
pub use program::Program;

/// What every route's path begins with.
pub const BASE_PATH: &str = "/api/v1";

/// The function that owns a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Changes of tickets.
    CommandTicket,
    /// Changes of messages.
    CommandMessage,
    /// Changes of users and employees.
    CommandDirectory,
    /// Tickets, messages and histories.
    QueryTicket,
    /// Users and employees.
    QueryDirectory,
    /// Tokens, the caller, documents and health.
    Identity,
    /// How the desk stands, and its consumers.
    Operations,
}

impl Owner {
    /// All functions that answer HTTP.
    pub const ALL: [Self; 7] = [
        Self::CommandTicket,
        Self::CommandMessage,
        Self::CommandDirectory,
        Self::QueryTicket,
        Self::QueryDirectory,
        Self::Identity,
        Self::Operations,
    ];

    /// The value of `_HANDLER`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommandTicket => "command-ticket",
            Self::CommandMessage => "command-message",
            Self::CommandDirectory => "command-directory",
            Self::QueryTicket => "query-ticket",
            Self::QueryDirectory => "query-directory",
            Self::Identity => "identity",
            Self::Operations => "operations",
        }
    }

    /// Reads the value of `_HANDLER`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|owner| owner.as_str() == text)
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone, without a token.
    Public,
    /// Everyone with a valid token, also without a role and when disabled.
    Authenticated,
    /// Who has a role with the permission and is not disabled.
    Needs(Permission),
}

pub(crate) type Answering<'r> = BoxFuture<'r, Result<Reply, Problem>>;
pub(crate) type Handler = for<'r> fn(&'r Request<'r>) -> Answering<'r>;
pub(crate) type SchemaFn = fn(&mut SchemaGenerator) -> Schema;

/// What a request's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json`.
    Json,
    /// `application/merge-patch+json` or `application/json`.
    MergePatch,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// What a successful answer is.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// JSON of this schema, with the status code.
    Json(u16, SchemaFn),
    /// A page of JSON rows of this schema, 200.
    Page(SchemaFn),
    /// 204.
    Nothing,
    /// 200 without a body.
    Empty,
    /// 200 of another media type.
    Other(&'static str),
}

/// One route.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The whole path, `/api/v1/tickets/{ticket_id}/status`.
    pub path: &'static str,
    /// Whether it also answers without [`BASE_PATH`].
    pub at_root: bool,
    /// The function that owns it.
    pub function: Owner,
    /// Who may call it.
    pub access: Access,
    /// Scopes, any one of which the token must have; empty = none is asked for.
    pub scopes: &'static [&'static str],
    /// One line for people.
    pub summary: &'static str,
    /// The section of the documentation.
    pub tag: &'static str,
    /// The query parameters it understands; all others are refused by name.
    pub parameters: &'static [Parameter],
    /// The request's body, if it has one.
    pub request: Option<(Media, SchemaFn)>,
    /// The successful answer.
    pub answer: Answer,
    /// For [`handlers`].
    handler: Handler,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Route {
    /// Whether it changes something: it takes `Idempotency-Key` and `If-Match`, and answers `Consistency-Token`.
    pub fn is_command(&self) -> bool {
        matches!(self.function, Owner::CommandTicket | Owner::CommandMessage | Owner::CommandDirectory)
    }

    /// Whether it reads from the read models: it takes `Consistency-Token`.
    pub fn is_query(&self) -> bool {
        matches!(self.function, Owner::QueryTicket | Owner::QueryDirectory)
    }

    /// The route's name in generated clients: `put_tickets_ticket_id_status`.
    pub fn operation_id(&self) -> String {
        let path = self.path.strip_prefix(BASE_PATH).unwrap_or(self.path);
        let mut name = self.method.as_str().to_ascii_lowercase();
        for part in path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
            name.push('_');
            name.push_str(part);
        }
        name
    }

    /// The names of the path's parameters, in order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// All routes.
pub fn table() -> &'static [Route] {
    static TABLE: LazyLock<Vec<Route>> = LazyLock::new(table::routes::<program::Nobody>);
    &TABLE
}

/// The same, with the schemas of what comes in and goes out.
pub(crate) fn described() -> Vec<Route> {
    table::routes::<program::Describing>()
}

/// What answers each route of [`table`], in its order.
pub(crate) fn handlers<Of: Program>() -> Vec<Handler> {
    table::routes::<Of>().into_iter().map(|route| route.handler).collect()
}
