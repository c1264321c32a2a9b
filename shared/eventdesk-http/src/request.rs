//! A request on its way in: what is read from headers, query and body, each in one place.

mod body;
mod command;
mod etag;
mod query;
#[cfg(test)]
mod tests;
mod trace;

use std::{borrow::Cow, net::IpAddr};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use eventdesk_app::{
    Commands, ConsistencyToken, Resource,
    access::{Caller, Permission},
    identity::Identity,
    operations::Operations,
    queries::{Queries, QueryContext},
};
use eventdesk_events::{EmployeeId, MessageId, TicketId, UserId};
use http::HeaderName;

use crate::{
    Kind, Problem, Services,
    caller::Principal,
    function::Asked,
    headers,
    routes::{PathParams, Route},
};

pub use body::MAX_BODY_BYTES;
pub(crate) use etag::{etag, not_modified};
pub(crate) use query::Query;
pub use trace::{trace_id, x_ray_trace_id};

/// One request to one route, by a caller who may use it.
#[expect(clippy::struct_field_names, reason = "a request id is what everybody calls it")]
pub(crate) struct Request<'r> {
    pub(crate) services: &'r Services,
    pub(crate) event: &'r ApiGatewayV2httpRequest,
    pub(crate) route: &'static Route,
    pub(crate) params: PathParams<'r>,
    /// The deployment prefix as it stood in the path.
    pub(crate) prefix: &'r str,
    /// The path without the prefix.
    pub(crate) path: &'r str,
    pub(crate) query: Query<'r>,
    /// Absent on public routes.
    pub(crate) principal: Option<Principal<'r>>,
    pub(crate) request_id: &'r str,
}

/// A part that its route needs and this function was built without.
#[derive(Debug, thiserror::Error)]
#[error("the function was built without {0}")]
struct Missing(&'static str);

fn missing(part: &'static str) -> Problem {
    Problem::internal().because(&Missing(part))
}

impl<'r> Request<'r> {
    /// Who asks.
    pub(crate) fn principal(&self) -> Result<&Principal<'r>, Problem> {
        self.principal.as_ref().ok_or_else(|| Problem::unauthorized(None))
    }

    /// Who asks.
    pub(crate) fn caller(&self) -> Result<&Caller, Problem> {
        self.principal().map(|principal| &principal.caller)
    }

    /// Whether the caller has a permission besides the route's own.
    pub(crate) async fn may(&self, permission: Permission) -> Result<bool, Problem> {
        let Self { services, event, route, params, path, .. } = *self;
        let asked = Asked { services, event, route, params, path };
        match &self.principal {
            Some(principal) => asked.permits(principal, permission).await,
            None => Ok(false),
        }
    }

    pub(crate) fn commands(&self) -> Result<&'r Commands, Problem> {
        self.services.commands.as_deref().ok_or_else(|| missing("commands"))
    }

    pub(crate) fn queries(&self) -> Result<&'r Queries, Problem> {
        self.services.queries.as_deref().ok_or_else(|| missing("queries"))
    }

    pub(crate) fn identity(&self) -> Result<&'r Identity, Problem> {
        self.services.identity.as_deref().ok_or_else(|| missing("identity"))
    }

    pub(crate) fn operations(&self) -> Result<&'r Operations, Problem> {
        self.services.operations.as_deref().ok_or_else(|| missing("operations"))
    }

    /// What a query must know: the caller, and what they have seen already.
    pub(crate) fn query_context(&self) -> Result<QueryContext, Problem> {
        let token = match self.header(&headers::CONSISTENCY_TOKEN)? {
            None => ConsistencyToken::default(),
            Some(text) => ConsistencyToken::parse(&text).ok_or_else(|| {
                Problem::new(Kind::BadConsistencyToken, "Consistency-Token is <stream>@<version>, parted by commas")
            })?,
        };
        Ok(QueryContext { caller: self.caller()?.clone(), token })
    }

    /// A header's text; several of one name are one list.
    pub(crate) fn header(&self, name: &HeaderName) -> Result<Option<Cow<'r, str>>, Problem> {
        let mut found: Option<Cow<'r, str>> = None;
        for value in self.event.headers.get_all(name) {
            let text = std::str::from_utf8(value.as_bytes())
                .map_err(|_| Problem::malformed(format!("the header {name} is not UTF-8")))?;
            found = Some(match found {
                None => Cow::Borrowed(text),
                Some(before) => Cow::Owned(format!("{before}, {text}")),
            });
        }
        Ok(found)
    }

    /// The client's address, as the gateway saw it.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.event.request_context.http.source_ip.as_deref()?.parse().ok()
    }

    /// A parameter of the path, decoded.
    pub(crate) fn param(&self, name: &str) -> Result<Cow<'r, str>, Problem> {
        self.params.get(name).ok_or_else(Problem::not_found)
    }

    /// The ticket in the path; what is no id is nobody's.
    pub(crate) fn ticket_id(&self) -> Result<TicketId, Problem> {
        TicketId::parse(&self.param("ticket_id")?).map_err(|_| Resource::Ticket.into())
    }

    /// The message in the path.
    pub(crate) fn message_id(&self) -> Result<MessageId, Problem> {
        MessageId::parse(&self.param("message_id")?).map_err(|_| Resource::Message.into())
    }

    /// The user in the path.
    pub(crate) fn user_id(&self) -> Result<UserId, Problem> {
        UserId::parse(&self.param("user_id")?).map_err(|_| Resource::User.into())
    }

    /// The employee in the path.
    pub(crate) fn employee_id(&self) -> Result<EmployeeId, Problem> {
        EmployeeId::parse(&self.param("employee_id")?).map_err(|_| Resource::Employee.into())
    }
}
