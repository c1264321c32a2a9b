//! The employee document.

use eventdesk_domain::{Decider, employee::Employee, rules::normalise_unique};
use eventdesk_events::{
    Event,
    employee::{EmployeeEvent, EmployeeProfile},
};
use serde::{Deserialize, Serialize};

use super::search_text;
use crate::{
    ports::{Field, FieldKind, Index, Value, ViewSpec},
    projections::{
        Applied, Folded,
        tickets::{field, index},
    },
};

/// Employees, by every filter of the list.
pub static EMPLOYEES: ViewSpec = ViewSpec {
    name: "employees",
    shape: 1,
    fields: &[
        field!("by_name", Text),
        field!("email", Text),
        field!("phone", Text),
        field!("country", Text),
        field!("city", Text),
        field!("search", Text),
        field!("user", Text),
    ],
    indexes: &[
        index!("by_name"),
        index!("email"),
        index!("phone"),
        index!("country", "by_name"),
        index!("city", "by_name"),
        index!("user", "by_name"),
    ],
};

/// An employee as the read model has them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EmployeeDocument {
    /// The fold of their stream.
    pub employee: Employee,
    /// Personal details, unless deleted or erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profile: Option<EmployeeProfile>,
    /// First and last name; kept after deletion for the tickets that show it, gone after erasure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The version that last changed the name, 0 if none did: what shows the name has changed when this has.
    #[serde(default)]
    pub name_version: u64,
}

impl Folded for EmployeeDocument {
    const VIEW: &'static ViewSpec = &EMPLOYEES;

    fn fold(&mut self, commit: &Applied) {
        let name = self.name.clone();
        for applied in &commit.events {
            let Event::Employee(event) = &applied.event else { continue };
            match event {
                EmployeeEvent::Registered(registered) => self.profile.clone_from(&registered.private),
                // A change of the login alone has no private part, and leaves the details as they are.
                EmployeeEvent::Changed(changed) if changed.changed.iter().all(|field| field == "user_id") => {}
                EmployeeEvent::Changed(changed) => {
                    self.profile = changed.private.as_ref().map(|private| private.current.clone());
                }
                EmployeeEvent::Deleted(_) | EmployeeEvent::Erased(_) => self.profile = None,
            }
            if !matches!(event, EmployeeEvent::Deleted(_)) {
                self.name = self.profile.as_ref().map(|p| format!("{} {}", p.first_name, p.last_name));
            }
            self.employee = std::mem::take(&mut self.employee).evolve(event, commit.place);
        }
        if self.name != name {
            self.name_version = commit.place.version.get();
        }
    }

    fn is_deleted(&self) -> bool {
        !matches!(self.employee, Employee::Active(_))
    }

    fn fields(&self) -> Vec<Value> {
        let profile = self.profile.as_ref();
        let folded = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(normalise_unique(text)));
        let by_name = profile.map(|p| format!("{} {}", p.last_name, p.first_name).to_lowercase());
        let search = profile.map(|p| {
            let name = format!("{} {}", p.first_name, p.last_name);
            let optional = [p.nick_name.as_deref(), p.phone.as_deref()].into_iter().flatten();
            search_text([&*name, &p.email].into_iter().chain(optional))
        });
        let login = self.employee.facts().and_then(|facts| facts.user_id);
        vec![
            Value::Text(by_name.unwrap_or_default()),
            folded(profile.map(|p| p.email.as_str())),
            folded(profile.and_then(|p| p.phone.as_deref())),
            folded(profile.and_then(|p| p.country.as_deref())),
            folded(profile.and_then(|p| p.city.as_deref())),
            Value::Text(search.unwrap_or_default()),
            login.map_or(Value::Null, |id| Value::Text(id.to_string())),
        ]
    }
}
