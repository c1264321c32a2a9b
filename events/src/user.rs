//! Events of a user: staff, or an employee's login.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    payload::{events, private},
    text_form::read_from_text,
};

/// What a user is to the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything.
    Admin,
    /// Leads the desk.
    Manager,
    /// Works on tickets.
    Support,
    /// Is supported.
    Employee,
}

impl Role {
    /// All roles, the widest first.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Manager, Self::Support, Self::Employee];

    /// The text form, as in JSON and in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Support => "support",
            Self::Employee => "employee",
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether this role works on tickets.
    pub const fn is_staff(self) -> bool {
        !matches!(self, Self::Employee)
    }
}

read_from_text!(Role);

/// A user was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Registered {
    /// Without repeats, the widest first: `admin`, `manager`, `support`, `employee`.
    pub roles: Vec<Role>,
    /// Whether they reach nothing but the authentication section.
    pub disabled: bool,
    /// Whether they get no token.
    pub login_denied: bool,
    /// Where they log in, if not here; their roles come from the tokens of that issuer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub external: Option<ExternalIssuer>,
    /// Name and contacts.
    #[serde(skip)]
    pub private: Option<UserProfile>,
}

/// An issuer elsewhere. The user's id is the `UUIDv5` of it and of the subject there, which stands nowhere: with some
/// issuers it is an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExternalIssuer {
    /// The `iss` of the tokens.
    pub issuer: String,
}

/// A user's names and contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserProfile {
    /// Unique, compared without case.
    pub username: String,
    /// Name and contacts.
    #[serde(flatten)]
    pub contacts: Contacts,
}

/// How to name and reach a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contacts {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// `+` and digits; unique.
    pub phone: String,
    /// Unique, compared without case.
    pub email: String,
}

/// A user's name or contacts were set to new values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContactsChanged {
    /// Names of the fields that changed.
    pub changed: Vec<String>,
    /// Before and after, all four fields.
    #[serde(skip)]
    pub private: Option<ContactsChange>,
}

/// A user's contacts before and after a change, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactsChange {
    /// Before, unless it was erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<Contacts>,
    /// After.
    pub current: Contacts,
}

/// A user got another username.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Renamed {
    /// The names.
    #[serde(skip)]
    pub private: Option<UsernameChange>,
}

/// A username before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsernameChange {
    /// Before, unless it was erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<String>,
    /// After.
    pub current: String,
}

/// A user's roles were set to new ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolesChanged {
    /// The roles before.
    pub previous: Vec<Role>,
    /// The roles after.
    pub current: Vec<Role>,
}

macro_rules! bare {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {}
    )+};
}

/// A deleted user's names and contacts were removed for good, and so were the texts that they wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Erased {
    /// How many events about them lost their private parts.
    pub own_parts: u64,
    /// How many events of tickets and messages lost texts that they wrote.
    pub written_parts: u64,
}

bare! {
    /// A user reaches nothing but the authentication section from now on.
    Disabled;
    /// A disabled user is back.
    Enabled;
    /// A user gets no token from now on.
    LoginDenied;
    /// A user gets tokens again.
    LoginAllowed;
    /// A user has a new password; it stands nowhere in the history.
    PasswordChanged;
    /// A user was deleted; their name on tickets stays.
    Deleted;
}

private!(Registered => UserProfile);
private!(ContactsChanged => ContactsChange);
private!(Renamed => UsernameChange);
private!(RolesChanged, Disabled, Enabled, LoginDenied, LoginAllowed, PasswordChanged, Deleted, Erased);

events! {
    /// What can happen to a user.
    pub enum UserEvent {
        /// They were registered.
        Registered(Registered) = "user.registered", schema 1;
        /// Name or contacts changed.
        ContactsChanged(ContactsChanged) = "user.contacts_changed", schema 1;
        /// They got another username.
        Renamed(Renamed) = "user.renamed", schema 1;
        /// They got other roles.
        RolesChanged(RolesChanged) = "user.roles_changed", schema 1;
        /// They were disabled.
        Disabled(Disabled) = "user.disabled", schema 1;
        /// They were enabled.
        Enabled(Enabled) = "user.enabled", schema 1;
        /// They get no token.
        LoginDenied(LoginDenied) = "user.login_denied", schema 1;
        /// They get tokens again.
        LoginAllowed(LoginAllowed) = "user.login_allowed", schema 1;
        /// They have a new password.
        PasswordChanged(PasswordChanged) = "user.password_changed", schema 1;
        /// They were deleted.
        Deleted(Deleted) = "user.deleted", schema 1;
        /// Their private parts were removed for good.
        Erased(Erased) = "user.erased", schema 1;
    }
}
