//! Users and employees.

use eventdesk_app::{EmployeeRecord, UserRecord};
use eventdesk_events::{
    EmployeeId, Timestamp, UserId, Version,
    employee::EmployeeProfile,
    user::{Role, UserProfile},
};
use schemars::JsonSchema;
use serde::Serialize;

/// A user: staff, or an employee's login. Names and contacts are absent once erased, and where the issuer elsewhere at
/// which they log in has not told them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub(crate) struct UserView<'a> {
    /// Their id, the subject of their tokens.
    id: UserId,
    /// Unique, compared without case.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    /// Unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    /// Unique, compared without case.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    /// What they are to the desk.
    roles: &'a [Role],
    /// Whether they reach nothing but the authentication section.
    disabled: bool,
    /// Whether they get no token.
    login_denied: bool,
    /// Grows with each change.
    version: Version,
    /// When they were registered.
    created_at: Timestamp,
    /// When they last changed.
    updated_at: Timestamp,
}

impl<'a> UserView<'a> {
    /// The user; a password is nowhere near.
    pub(crate) fn new(record: &'a UserRecord) -> Self {
        let (facts, profile) = (&record.facts, record.profile.as_ref());
        // An issuer elsewhere may not have told all of them.
        let known = |field: fn(&UserProfile) -> &String| {
            profile.map(|profile| field(profile).as_str()).filter(|text| !text.is_empty())
        };
        Self {
            id: record.id,
            username: known(|p| &p.username),
            first_name: known(|p| &p.contacts.first_name),
            last_name: known(|p| &p.contacts.last_name),
            phone: known(|p| &p.contacts.phone),
            email: known(|p| &p.contacts.email),
            roles: &facts.roles,
            disabled: facts.disabled,
            login_denied: facts.login_denied,
            version: record.version,
            created_at: facts.created_at,
            updated_at: facts.updated_at,
        }
    }
}

/// An employee: a person who is supported. Personal details are absent once erased.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Employee")]
pub(crate) struct EmployeeView<'a> {
    /// Their id.
    id: EmployeeId,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    /// What they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    nick_name: Option<&'a str>,
    /// Unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    /// Unique, compared without case.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    /// ISO 8601 calendar date.
    #[serde(skip_serializing_if = "Option::is_none")]
    birthday: Option<&'a str>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<&'a str>,
    /// Street address.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    /// The user as whom they log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    /// Tickets about them that are neither solved nor closed; absent in a command's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_tickets: Option<u64>,
    /// Grows with each change.
    version: Version,
    /// When they were registered.
    created_at: Timestamp,
    /// When they last changed.
    updated_at: Timestamp,
}

impl<'a> EmployeeView<'a> {
    /// The employee; whether the caller may see them was decided before.
    pub(crate) fn new(record: &'a EmployeeRecord) -> Self {
        let profile = record.profile.as_ref();
        let optional = |field: fn(&EmployeeProfile) -> Option<&str>| profile.and_then(field);
        Self {
            id: record.id,
            first_name: profile.map(|p| p.first_name.as_str()),
            last_name: profile.map(|p| p.last_name.as_str()),
            nick_name: optional(|p| p.nick_name.as_deref()),
            phone: optional(|p| p.phone.as_deref()),
            email: profile.map(|p| p.email.as_str()),
            birthday: optional(|p| p.birthday.as_deref()),
            country: optional(|p| p.country.as_deref()),
            city: optional(|p| p.city.as_deref()),
            address: optional(|p| p.address.as_deref()),
            user_id: record.facts.user_id,
            open_tickets: record.open_tickets,
            version: record.version,
            created_at: record.facts.created_at,
            updated_at: record.facts.updated_at,
        }
    }
}
