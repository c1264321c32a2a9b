//! Questions to ask.

use std::{borrow::Cow, collections::BTreeMap};

use eventdesk_app::ports::{PolicyInput, PolicyPrincipal, PolicyResource, PolicyToken};
use eventdesk_events::{UserId, user::Role};

/// An admin who reads a ticket.
pub(crate) fn question() -> PolicyInput<'static> {
    PolicyInput {
        method: "GET",
        path: Cow::Borrowed("/api/v1/tickets/17"),
        route: Cow::Borrowed("/api/v1/tickets/{ticket_id}"),
        principal: PolicyPrincipal {
            id: UserId::from_uuid(uuid::Uuid::from_u128(7)),
            roles: &[Role::Admin],
            groups: Vec::new(),
            scopes: vec!["tickets:read"],
        },
        resource: PolicyResource {
            permission: "tickets.read",
            parameters: BTreeMap::from([("ticket_id", Cow::Borrowed("17"))]),
        },
        jwt: None,
    }
}

/// The question of the reference policy: who asks is known by their token alone.
pub(crate) fn with_token<'q>(method: &'q str, path: &'q str, token: Option<&'q str>) -> PolicyInput<'q> {
    PolicyInput {
        method,
        path: Cow::Borrowed(path),
        jwt: token.map(|token_value| PolicyToken { token_value }),
        ..question()
    }
}
