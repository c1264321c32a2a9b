//! What directory fields and passwords may hold: rules as configuration, with defaults that suit real people.
//!
//! The rules bind writes, never reads: a record accepted under older rules stays readable. Every check names all
//! faults at once.

mod birthday;
mod field;
mod password;
#[cfg(test)]
mod tests;

use eventdesk_events::{
    Timestamp,
    employee::EmployeeProfile,
    user::{Contacts, UserProfile},
};
use serde::Deserialize;

pub use field::{FieldRule, Pattern};
pub use password::PasswordPolicy;

use crate::text::Fault;
use field::{ADDRESS, CITY, Checker, EMAIL, Kind, NAME, NICK_NAME, PHONE, PLACE, USERNAME};

/// A field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The field, as in the request.
    pub field: &'static str,
    /// What is wrong.
    pub fault: Fault,
}

/// A rule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct RulesError {
    /// The key within these rules, such as `users.username.min`.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

impl RulesError {
    fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

/// All rules of the directory; what is left out of the configuration has its default.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DirectoryRules {
    /// Of users.
    pub users: UserRules,
    /// Of employees.
    pub employees: EmployeeRules,
    /// Of passwords.
    pub password: PasswordPolicy,
}

/// Rules for the fields of users.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserRules {
    /// 3–64 of `a`–`z`, `A`–`Z`, digits, `.`, `_`, `-`, `@`.
    pub username: FieldRule,
    /// 1–100 characters of names in any script.
    pub first_name: FieldRule,
    /// 1–100 characters of names in any script.
    pub last_name: FieldRule,
    /// `+` and 7–20 digits.
    pub phone: FieldRule,
    /// 6–254 characters, `name@host.tld`.
    pub email: FieldRule,
}

/// Rules for the fields of employees. A birthday has no rule to configure: a real date, not in the future.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmployeeRules {
    /// 1–100 characters of names in any script.
    pub first_name: FieldRule,
    /// 1–100 characters of names in any script.
    pub last_name: FieldRule,
    /// 1–64 characters of names, digits and `_`.
    pub nick_name: FieldRule,
    /// `+` and 7–20 digits.
    pub phone: FieldRule,
    /// 6–254 characters, `name@host.tld`.
    pub email: FieldRule,
    /// 2–100 characters of place names in any script.
    pub country: FieldRule,
    /// 1–100 characters of place names in any script.
    pub city: FieldRule,
    /// 1–500 printable characters.
    pub address: FieldRule,
}

/// A user's contacts as they came in.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawContacts<'a> {
    /// Given name.
    pub first_name: Option<&'a str>,
    /// Family name.
    pub last_name: Option<&'a str>,
    /// `+` and digits.
    pub phone: Option<&'a str>,
    /// `name@host.tld`.
    pub email: Option<&'a str>,
}

/// An employee's personal details as they came in.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawEmployee<'a> {
    /// Given name; required.
    pub first_name: Option<&'a str>,
    /// Family name; required.
    pub last_name: Option<&'a str>,
    /// What they are called.
    pub nick_name: Option<&'a str>,
    /// `+` and digits.
    pub phone: Option<&'a str>,
    /// `name@host.tld`; required.
    pub email: Option<&'a str>,
    /// ISO 8601 calendar date.
    pub birthday: Option<&'a str>,
    /// Country.
    pub country: Option<&'a str>,
    /// City.
    pub city: Option<&'a str>,
    /// Street address.
    pub address: Option<&'a str>,
}

impl DirectoryRules {
    /// Checks the rules themselves; meant for the start of a process.
    ///
    /// # Errors
    /// [`RulesError`] for the first rule that no text could meet, that is out of hand, or whose pattern is broken.
    pub fn validate(&self) -> Result<(), RulesError> {
        let (u, e) = (&self.users, &self.employees);
        let fields: [(&str, &FieldRule, &Kind); 13] = [
            ("users.username", &u.username, &USERNAME),
            ("users.first_name", &u.first_name, &NAME),
            ("users.last_name", &u.last_name, &NAME),
            ("users.phone", &u.phone, &PHONE),
            ("users.email", &u.email, &EMAIL),
            ("employees.first_name", &e.first_name, &NAME),
            ("employees.last_name", &e.last_name, &NAME),
            ("employees.nick_name", &e.nick_name, &NICK_NAME),
            ("employees.phone", &e.phone, &PHONE),
            ("employees.email", &e.email, &EMAIL),
            ("employees.country", &e.country, &PLACE),
            ("employees.city", &e.city, &CITY),
            ("employees.address", &e.address, &ADDRESS),
        ];
        fields.into_iter().try_for_each(|(key, rule, kind)| rule.validate(key, kind))?;
        self.password.validate("password")
    }

    /// A checked username, trimmed.
    ///
    /// # Errors
    /// All faults.
    pub fn username(&self, raw: Option<&str>) -> Result<String, Vec<FieldFault>> {
        let mut check = Checker::default();
        let username = check.required("username", raw, &self.users.username, &USERNAME);
        check.finish(username)
    }

    /// Checked contacts of a user, trimmed.
    ///
    /// # Errors
    /// All faults of all fields.
    pub fn contacts(&self, raw: RawContacts<'_>) -> Result<Contacts, Vec<FieldFault>> {
        let mut check = Checker::default();
        let contacts = self.check_contacts(&mut check, raw);
        check.finish(contacts)
    }

    /// Checked username and contacts of a user, trimmed.
    ///
    /// # Errors
    /// All faults of all fields.
    pub fn user_profile(
        &self,
        username: Option<&str>,
        contacts: RawContacts<'_>,
    ) -> Result<UserProfile, Vec<FieldFault>> {
        let mut check = Checker::default();
        let username = check.required("username", username, &self.users.username, &USERNAME);
        let contacts = self.check_contacts(&mut check, contacts);
        check.finish(UserProfile { username, contacts })
    }

    /// Checked personal details of an employee, trimmed; `today` bounds the birthday (by the UTC date).
    ///
    /// # Errors
    /// All faults of all fields.
    pub fn employee_profile(&self, raw: RawEmployee<'_>, today: Timestamp) -> Result<EmployeeProfile, Vec<FieldFault>> {
        let rules = &self.employees;
        let mut check = Checker::default();
        let profile = EmployeeProfile {
            first_name: check.required("first_name", raw.first_name, &rules.first_name, &NAME),
            last_name: check.required("last_name", raw.last_name, &rules.last_name, &NAME),
            nick_name: check.optional("nick_name", raw.nick_name, &rules.nick_name, &NICK_NAME),
            phone: check.optional("phone", raw.phone, &rules.phone, &PHONE),
            email: check.required("email", raw.email, &rules.email, &EMAIL),
            birthday: check.taken("birthday", raw.birthday.map(|text| birthday::check(text, today))),
            country: check.optional("country", raw.country, &rules.country, &PLACE),
            city: check.optional("city", raw.city, &rules.city, &CITY),
            address: check.optional("address", raw.address, &rules.address, &ADDRESS),
        };
        check.finish(profile)
    }

    /// Checks a new password, which stands in `field` of the request.
    ///
    /// # Errors
    /// All faults.
    pub fn password(&self, field: &'static str, raw: Option<&str>) -> Result<(), Vec<FieldFault>> {
        let faults = raw.map_or_else(|| vec![Fault::required()], |password| self.password.faults(password));
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.into_iter().map(|fault| FieldFault { field, fault }).collect())
        }
    }

    fn check_contacts(&self, check: &mut Checker, raw: RawContacts<'_>) -> Contacts {
        let rules = &self.users;
        Contacts {
            first_name: check.required("first_name", raw.first_name, &rules.first_name, &NAME),
            last_name: check.required("last_name", raw.last_name, &rules.last_name, &NAME),
            phone: check.required("phone", raw.phone, &rules.phone, &PHONE),
            email: check.required("email", raw.email, &rules.email, &EMAIL),
        }
    }
}

/// The form in which usernames, e-mail addresses and phone numbers are compared: trimmed, lower case.
pub fn normalise_unique(text: &str) -> String {
    text.trim().to_lowercase()
}
