//! Scopes: what a token opens at the gateway, never more than its user's roles allow.

use eventdesk_events::user::Role;

use crate::access::{AccessMatrix, Permission};

/// Longest `scope` parameter that is looked at, in bytes.
const LONGEST: usize = 1_024;

/// One scope; a route asks for any one of some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read tickets.
    TicketsRead,
    /// Open, change, move and delete tickets.
    TicketsWrite,
    /// Read messages.
    MessagesRead,
    /// Post, edit and retract messages.
    MessagesWrite,
    /// Read users and employees.
    DirectoryRead,
    /// Create, change and delete users and employees.
    DirectoryWrite,
    /// Read the event feed, manage webhooks.
    EventsRead,
    /// Operate the desk.
    Admin,
}

impl Scope {
    /// All scopes, in the order in which tokens name them.
    pub const ALL: [Self; 8] = [
        Self::TicketsRead,
        Self::TicketsWrite,
        Self::MessagesRead,
        Self::MessagesWrite,
        Self::DirectoryRead,
        Self::DirectoryWrite,
        Self::EventsRead,
        Self::Admin,
    ];

    /// The name in tokens and requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TicketsRead => "tickets:read",
            Self::TicketsWrite => "tickets:write",
            Self::MessagesRead => "messages:read",
            Self::MessagesWrite => "messages:write",
            Self::DirectoryRead => "directory:read",
            Self::DirectoryWrite => "directory:write",
            Self::EventsRead => "events:read",
            Self::Admin => "admin",
        }
    }

    /// Whether a user with these roles can have the scope: some route behind it is open to one of them.
    pub fn allowed(self, access: &AccessMatrix, roles: &[Role]) -> bool {
        use Permission as P;
        let any: &[Permission] = match self {
            Self::TicketsRead => &[P::TicketsRead, P::TicketsHistory, P::TicketsHistoryDeleted],
            Self::TicketsWrite => &[P::TicketsOpen, P::TicketsWrite, P::TicketsMove, P::TicketsDelete],
            Self::MessagesRead => &[P::Messages, P::MessagesInternal],
            Self::MessagesWrite => &[P::Messages, P::MessagesInternal, P::MessagesRetractAny],
            Self::DirectoryRead => &[P::UsersRead, P::EmployeesRead],
            Self::DirectoryWrite => &[P::UsersAdminister, P::UsersModerate, P::EmployeesWrite],
            // No permission names it: whoever administers the desk or moderates its users.
            Self::EventsRead => &[P::Administer, P::UsersModerate],
            Self::Admin => &[P::Administer],
        };
        any.iter().any(|permission| access.allows(roles, *permission))
    }
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Whatever the roles allow.
    Everything,
    /// These; scopes nobody knows are left out.
    These(Vec<Scope>),
}

/// Reads the `scope` parameter; `None` if it is not scope tokens parted by spaces (RFC 6749, section 3.3).
pub(super) fn asked(scope: Option<&str>) -> Option<Asked> {
    let text = scope.unwrap_or_default();
    let allowed = |byte: u8| matches!(byte, b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if text.len() > LONGEST || !text.bytes().all(allowed) {
        return None;
    }
    let mut names = text.split(' ').filter(|name| !name.is_empty()).peekable();
    // A parameter without a value counts as left out (RFC 6749, section 3.2).
    if names.peek().is_none() {
        return Some(Asked::Everything);
    }
    let names: Vec<&str> = names.collect();
    Some(Asked::These(Scope::ALL.into_iter().filter(|scope| names.contains(&scope.as_str())).collect()))
}

/// Scopes as they stand in tokens.
pub(super) fn text(scopes: impl IntoIterator<Item = Scope>) -> String {
    scopes.into_iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

impl Asked {
    /// The same, but nothing beyond what was granted before.
    pub(super) fn within(&self, granted: &str) -> Self {
        let granted = |scope: &Scope| granted.split(' ').any(|name| name == scope.as_str());
        let asked = match self {
            Self::Everything => &Scope::ALL[..],
            Self::These(scopes) => scopes,
        };
        Self::These(asked.iter().copied().filter(granted).collect())
    }

    /// What of it the roles allow, in the order of [`Scope::ALL`].
    pub(super) fn granted(&self, access: &AccessMatrix, roles: &[Role]) -> Vec<Scope> {
        let asked = match self {
            Self::Everything => &Scope::ALL[..],
            Self::These(scopes) => scopes,
        };
        asked.iter().copied().filter(|scope| scope.allowed(access, roles)).collect()
    }
}
