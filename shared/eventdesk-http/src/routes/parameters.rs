//! Query parameters.

/// What the value of a query parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Any text.
    Text,
    /// A whole number within bounds.
    Integer(u64, u64),
    /// `true` or `false`.
    Boolean,
    /// An RFC 3339 date-time.
    Time,
    /// A UUID.
    Id,
    /// A UUID or one of these words.
    IdOr(&'static [&'static str]),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words: repeated, or parted by commas.
    SomeOf(&'static [&'static str]),
}

/// A query parameter that a route understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub kind: ParameterKind,
    /// One line for people.
    pub description: &'static str,
}

const fn parameter(name: &'static str, kind: ParameterKind, description: &'static str) -> Parameter {
    Parameter { name, kind, description }
}

use ParameterKind as K;

const STATUSES: &[&str] = &["new", "open", "pending", "on_hold", "solved", "closed"];
const PRIORITIES: &[&str] = &["low", "normal", "high", "urgent"];
const ROLES: &[&str] = &["admin", "manager", "support", "employee"];
const VISIBILITIES: &[&str] = &["public", "internal"];
pub(crate) const TICKET_SORTS: &[&str] = &[
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "priority",
    "-priority",
    "due_at",
    "-due_at",
    "number",
    "-number",
];

const LIMIT: Parameter = parameter("limit", K::Integer(1, 100), "Most rows on the page; 50 if not given.");
const CURSOR: Parameter =
    parameter("cursor", K::Text, "Where the page before ended: its `next_cursor`, with the same filter and sort.");
const INCLUDE: Parameter = parameter("include", K::OneOf(&["total"]), "`total` counts all that match.");

pub(super) const TICKET: &[Parameter] = &[parameter(
    "at_version",
    K::Integer(1, u64::MAX),
    "The state as it was at this version, folded from the history.",
)];

pub(super) const TICKETS: &[Parameter] = &[
    parameter("status", K::SomeOf(STATUSES), "Any of these."),
    parameter("priority", K::SomeOf(PRIORITIES), "Any of these."),
    parameter("assignee", K::IdOr(&["me", "none"]), "Assigned to this user, to the caller, or to nobody."),
    parameter("requester", K::Id, "About this employee."),
    parameter("opened_by", K::IdOr(&["me"]), "Opened by this user or by the caller."),
    parameter("tag", K::Text, "With this tag."),
    parameter("created_after", K::Time, "Opened later than this."),
    parameter("created_before", K::Time, "Opened earlier than this."),
    parameter("updated_after", K::Time, "Changed later than this."),
    parameter("overdue", K::Boolean, "Due and neither solved nor closed."),
    parameter("sort", K::OneOf(TICKET_SORTS), "The order; `-` puts the largest first. `-updated_at` if not given."),
    LIMIT,
    CURSOR,
    INCLUDE,
];

pub(super) const HISTORY: &[Parameter] = &[LIMIT, CURSOR, INCLUDE];

pub(super) const USER_HISTORY: &[Parameter] = &[LIMIT, CURSOR];

pub(super) const TICKET_MESSAGES: &[Parameter] =
    &[parameter("visibility", K::OneOf(VISIBILITIES), "With this visibility."), LIMIT, CURSOR, INCLUDE];

pub(super) const MESSAGES: &[Parameter] = &[
    parameter("author", K::IdOr(&["me"]), "Written by this user or by the caller."),
    parameter("ticket", K::Id, "Of this ticket."),
    parameter("visibility", K::OneOf(VISIBILITIES), "With this visibility."),
    parameter("after", K::Time, "Posted later than this."),
    Parameter {
        description: "Most rows on the page; 50 if not given. Messages of deleted tickets are left out, so a page may have \
                      fewer rows though others follow.",
        ..LIMIT
    },
    CURSOR,
    Parameter {
        description: "`total` counts all that match: without `ticket` and for staff also those of deleted tickets, which \
                      no page shows.",
        ..INCLUDE
    },
];

pub(super) const USERS: &[Parameter] = &[
    parameter("username", K::Text, "With this username, compared without case."),
    parameter("email", K::Text, "With this e-mail address, compared without case."),
    parameter("phone", K::Text, "With this phone number."),
    parameter("role", K::OneOf(ROLES), "With this role."),
    parameter("disabled", K::Boolean, "Disabled or not."),
    parameter("q", K::Text, "With this text in name, username, e-mail or phone."),
    LIMIT,
    CURSOR,
    INCLUDE,
];

pub(super) const EMPLOYEES: &[Parameter] = &[
    parameter("email", K::Text, "With this e-mail address, compared without case."),
    parameter("phone", K::Text, "With this phone number."),
    parameter("country", K::Text, "In this country, compared without case."),
    parameter("city", K::Text, "In this city, compared without case."),
    parameter("q", K::Text, "With this text in name, nick name, e-mail or phone."),
    LIMIT,
    CURSOR,
    INCLUDE,
];

/// What an authorization server appends to the redirect (RFC 6749, section 4.1.2; RFC 9207).
pub(super) const REDIRECT: &[Parameter] = &[
    parameter("code", K::Text, "The authorization code."),
    parameter("state", K::Text, "As it was sent."),
    parameter("error", K::Text, "Why there is no code."),
    parameter("error_description", K::Text, "The same in words."),
    parameter("error_uri", K::Text, "More about it."),
    parameter("iss", K::Text, "The issuer."),
    parameter("session_state", K::Text, "The issuer's session."),
];

pub(crate) const DEAD_LETTERS: &[Parameter] = &[
    parameter("consumer", K::Text, "Those of one consumer, such as `projector-ticket`."),
    parameter("stream", K::Text, "Those of one stream, such as `ticket-0192f3a8-…`."),
];
