//! Employees.

use eventdesk_app::{
    commands::{DeleteEmployee, EmployeeInput, RegisterEmployee, ReplaceEmployee},
    queries::EmployeeFilter,
};
use eventdesk_events::{StreamId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, changed, created, gone, shown};
use crate::{
    represent::{EmployeeView, page},
    request::{Request, etag},
};

/// An employee's whole record; what is left out is taken away.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmployeeBody {
    /// Given name.
    #[schemars(required, with = "String")]
    first_name: Option<String>,
    /// Family name.
    #[schemars(required, with = "String")]
    last_name: Option<String>,
    /// What they are called.
    nick_name: Option<String>,
    /// `+` and digits; unique.
    phone: Option<String>,
    /// Unique, compared without case.
    #[schemars(required, with = "String")]
    email: Option<String>,
    /// ISO 8601 calendar date, not in the future.
    birthday: Option<String>,
    /// Country.
    country: Option<String>,
    /// City.
    city: Option<String>,
    /// Street address.
    address: Option<String>,
    /// The user as whom they log in; unique.
    user_id: Option<UserId>,
}

impl EmployeeBody {
    fn input(&self) -> EmployeeInput {
        EmployeeInput {
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            nick_name: self.nick_name.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            birthday: self.birthday.clone(),
            country: self.country.clone(),
            city: self.city.clone(),
            address: self.address.clone(),
            user_id: self.user_id,
        }
    }
}

pub(crate) async fn register(r: &Request<'_>) -> Answered {
    let body: EmployeeBody = r.json()?;
    let done = r.create(RegisterEmployee { input: body.input() }, &body).await?;
    let place = format!("/employees/{}", done.record.id);
    created(r, &done, done.record.version, &place, &EmployeeView::new(&done.record))
}

pub(crate) async fn replace(r: &Request<'_>) -> Answered {
    let id = r.employee_id()?;
    let body: EmployeeBody = r.json()?;
    let command = ReplaceEmployee { id, input: body.input() };
    let done = r.change(command, StreamId::Employee(id), &body).await?;
    changed(&done, done.record.version, &EmployeeView::new(&done.record))
}

pub(crate) async fn delete(r: &Request<'_>) -> Answered {
    let id = r.employee_id()?;
    let done = r.change(DeleteEmployee { id }, StreamId::Employee(id), &r.no_body()?).await?;
    Ok(gone(&done, None))
}

pub(crate) async fn get(r: &Request<'_>) -> Answered {
    let record = r.queries()?.employee(&r.query_context()?, r.employee_id()?).await?;
    // The number of open tickets is all that other streams change about an employee.
    let tag = etag(record.version, record.open_tickets.unwrap_or_default());
    shown(r, tag, || EmployeeView::new(&record))
}

pub(crate) async fn list(r: &Request<'_>) -> Answered {
    let query = &r.query;
    let filter = EmployeeFilter {
        email: query.text("email"),
        phone: query.text("phone"),
        country: query.text("country"),
        city: query.text("city"),
        q: query.text("q"),
    };
    let found = r.queries()?.employees(&r.query_context()?, &filter, &query.page()?).await?;
    page(r, &found, EmployeeView::new)
}
