//! Who asks, and what their roles let them do.

use std::collections::BTreeMap;

use eventdesk_events::{Actor, ActorKind, UserId, user::Role};

/// The verified principal behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user; subjects are ids, never names, so that a freed name inherits nothing.
    pub id: UserId,
    /// A person or a service account.
    pub kind: ActorKind,
    /// As the directory has them now, or as the token's groups map to them.
    pub roles: Vec<Role>,
}

impl Caller {
    /// Whether any role works on tickets; all others see and do only what is theirs.
    pub fn is_staff(&self) -> bool {
        self.roles.iter().any(|role| role.is_staff())
    }

    /// Whether the caller has this role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The caller as the author of a change.
    pub fn actor(&self) -> Actor {
        Actor { id: self.id.to_string(), kind: self.kind }
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// What a route asks for; the matrix says which roles have it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $variant,)+ }

        impl Permission {
            /// All permissions.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The key in `access.toml`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

permissions! {
    /// Create, replace and delete users; set passwords, usernames and roles.
    UsersAdminister = "users.administer",
    /// Read users.
    UsersRead = "users.read",
    /// Change contacts, `disabled` and `login_denied`.
    UsersModerate = "users.moderate",
    /// Create, replace and delete employees.
    EmployeesWrite = "employees.write",
    /// Read employees; who is not staff reads their own record.
    EmployeesRead = "employees.read",
    /// Open tickets; who is not staff opens them for themselves.
    TicketsOpen = "tickets.open",
    /// Read tickets; who is not staff reads their own.
    TicketsRead = "tickets.read",
    /// Change, assign and tag tickets.
    TicketsWrite = "tickets.write",
    /// Move tickets; who is not staff reopens or closes their own.
    TicketsMove = "tickets.move",
    /// Delete tickets.
    TicketsDelete = "tickets.delete",
    /// Read who did what on a ticket.
    TicketsHistory = "tickets.history",
    /// Read the history of deleted tickets.
    TicketsHistoryDeleted = "tickets.history_deleted",
    /// Read and post messages, edit and retract one's own; who is not staff on their own tickets, public ones.
    Messages = "messages",
    /// Read and post internal notes.
    MessagesInternal = "messages.internal",
    /// Retract anybody's messages.
    MessagesRetractAny = "messages.retract_any",
    /// List routes and other facts about the running desk.
    Administer = "administer",
}

/// Which roles have which permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessMatrix(BTreeMap<Permission, Vec<Role>>);

/// Why an access file is refused.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// It is not TOML of the expected shape.
    #[error("not a table of permissions: {0}")]
    Malformed(#[from] toml::de::Error),
    /// It names a permission that does not exist.
    #[error("unknown permission {0}")]
    UnknownPermission(String),
    /// It leaves out a permission.
    #[error("permission {0} is missing; give it an empty list to deny it to all")]
    Missing(&'static str),
}

/// The default matrix, as a file to copy and change.
pub const DEFAULT_ACCESS: &str = include_str!("access.toml");

impl AccessMatrix {
    /// Reads an access file.
    ///
    /// # Errors
    /// See [`AccessError`].
    pub fn from_toml(text: &str) -> Result<Self, AccessError> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            permissions: BTreeMap<String, Vec<Role>>,
        }
        let mut named = toml::from_str::<File>(text)?.permissions;
        let mut matrix = BTreeMap::new();
        for permission in Permission::ALL {
            let roles = named.remove(permission.as_str()).ok_or(AccessError::Missing(permission.as_str()))?;
            matrix.insert(*permission, roles);
        }
        match named.into_keys().next() {
            Some(unknown) => Err(AccessError::UnknownPermission(unknown)),
            None => Ok(Self(matrix)),
        }
    }

    /// Whether any of the roles has the permission.
    pub fn allows(&self, roles: &[Role], permission: Permission) -> bool {
        self.roles(permission).iter().any(|role| roles.contains(role))
    }

    /// The roles that have the permission.
    pub fn roles(&self, permission: Permission) -> &[Role] {
        self.0.get(&permission).map_or(&[], Vec::as_slice)
    }
}

impl Default for AccessMatrix {
    fn default() -> Self {
        Self::from_toml(DEFAULT_ACCESS).expect("the default matrix is complete, as its test shows")
    }
}
