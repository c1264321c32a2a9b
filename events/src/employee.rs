//! Events of an employee: a person who is supported.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    UserId,
    payload::{events, private},
};

/// An employee was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Registered {
    /// The user as whom they log in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_id: Option<UserId>,
    /// Name and contacts.
    #[serde(skip)]
    pub private: Option<EmployeeProfile>,
}

/// An employee's personal details.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EmployeeProfile {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// What they are called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nick_name: Option<String>,
    /// `+` and digits; unique.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<String>,
    /// Unique, compared without case.
    pub email: String,
    /// ISO 8601 calendar date, `1998-06-01`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub birthday: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub country: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub city: Option<String>,
    /// Street address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
}

/// An employee's record was set to new values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// Names of the fields that changed.
    pub changed: Vec<String>,
    /// The login before; only if `changed` names `user_id`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous_user_id: Option<UserId>,
    /// The login after, also when it did not change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_id: Option<UserId>,
    /// The personal details before and after, whole.
    #[serde(skip)]
    pub private: Option<ProfileChange>,
}

/// An employee's personal details before and after a change, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileChange {
    /// Before, unless it was erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<EmployeeProfile>,
    /// After.
    pub current: EmployeeProfile,
}

/// An employee was deleted; their name on tickets stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {}

/// A deleted employee's personal details were removed for good, and so were the texts that they wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Erased {
    /// How many events about them lost their private parts.
    pub own_parts: u64,
    /// How many events of tickets and messages lost texts that they wrote.
    pub written_parts: u64,
}

private!(Registered => EmployeeProfile);
private!(Changed => ProfileChange);
private!(Deleted, Erased);

events! {
    /// What can happen to an employee.
    pub enum EmployeeEvent {
        /// They were registered.
        Registered(Registered) = "employee.registered", schema 1;
        /// Their record changed.
        Changed(Changed) = "employee.changed", schema 1;
        /// They were deleted.
        Deleted(Deleted) = "employee.deleted", schema 1;
        /// Their private parts were removed for good.
        Erased(Erased) = "employee.erased", schema 1;
    }
}
