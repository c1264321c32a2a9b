//! Users and employees.

use eventdesk_domain::{employee::Employee, rules::normalise_unique, user::User};
use eventdesk_events::{EmployeeId, UserId, Version, ticket::Status, user::Role};

use super::{Page, PageRequest, Queries, QueryContext, consistency::Model, content, cursor::List};
use crate::{
    EmployeeRecord, QueryError, Resource, UserRecord,
    ports::{Filter, Sort, Value},
    projections::{EMPLOYEES, EmployeeDocument, TICKETS, USERS, UserDocument},
};

/// Which users; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserFilter {
    /// With this username, compared without case.
    pub username: Option<String>,
    /// With this e-mail address, compared without case.
    pub email: Option<String>,
    /// With this phone number.
    pub phone: Option<String>,
    /// With this role.
    pub role: Option<Role>,
    /// Disabled or not.
    pub disabled: Option<bool>,
    /// With this text in name, username, e-mail or phone, compared without case.
    pub q: Option<String>,
}

/// Which employees; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmployeeFilter {
    /// With this e-mail address, compared without case.
    pub email: Option<String>,
    /// With this phone number.
    pub phone: Option<String>,
    /// In this country, compared without case.
    pub country: Option<String>,
    /// In this city, compared without case.
    pub city: Option<String>,
    /// With this text in name, nick name, e-mail or phone, compared without case.
    pub q: Option<String>,
}

impl Queries {
    /// One user.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn user(&self, context: &QueryContext, id: UserId) -> Result<UserRecord, QueryError> {
        self.wait_for(Model::Directory, &context.token).await?;
        let document = self.views.glance(&USERS, &[&id.to_string()]).await?.pop().flatten();
        match document {
            Some(document) if !document.deleted => user(&document.id, document.version, &document.body),
            _ => Err(QueryError::NotFound(Resource::User)),
        }
    }

    /// One page of users, by username.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn users(
        &self,
        context: &QueryContext,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<UserRecord>, QueryError> {
        self.wait_for(Model::Directory, &context.token).await?;
        let list = List {
            view: &USERS,
            filters: filter.conditions(),
            sort: Sort { field: "username", descending: false },
            bound: format!("{filter:?}"),
        };
        self.page(list, page).await?.try_map(|hit| user(&hit.id, hit.version, &hit.body))
    }

    /// One employee; who is not staff sees their own record.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn employee(&self, context: &QueryContext, id: EmployeeId) -> Result<EmployeeRecord, QueryError> {
        let unknown = QueryError::NotFound(Resource::Employee);
        self.wait_for(Model::Directory, &context.token).await?;
        if !context.caller.is_staff() && self.employee_of(&context.caller).await? != Some(id) {
            return Err(unknown);
        }
        match self.views.glance(&EMPLOYEES, &[&id.to_string()]).await?.pop().flatten() {
            Some(document) if !document.deleted => {
                self.with_open_tickets(vec![(document.id, document.version, document.body)]).await?.pop().ok_or(unknown)
            }
            _ => Err(unknown),
        }
    }

    /// One page of employees, by last name, first name; who is not staff sees their own record.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn employees(
        &self,
        context: &QueryContext,
        filter: &EmployeeFilter,
        page: &PageRequest,
    ) -> Result<Page<EmployeeRecord>, QueryError> {
        self.wait_for(Model::Directory, &context.token).await?;
        let mut filters = filter.conditions();
        if !context.caller.is_staff() {
            filters.push(Filter::Equal("user", Value::Text(context.caller.id.to_string())));
        }
        let list = List {
            view: &EMPLOYEES,
            filters,
            sort: Sort { field: "by_name", descending: false },
            bound: format!("{filter:?}\n{} {}", context.caller.is_staff(), context.caller.id),
        };
        let Page { items, next_cursor, total } = self.page(list, page).await?;
        let items = items.into_iter().map(|hit| (hit.id, hit.version, hit.body)).collect();
        Ok(Page { items: self.with_open_tickets(items).await?, next_cursor, total })
    }

    async fn with_open_tickets(
        &self,
        documents: Vec<(String, u64, String)>,
    ) -> Result<Vec<EmployeeRecord>, QueryError> {
        let ids: Vec<String> = documents.iter().map(|(id, ..)| id.clone()).collect();
        let open = Status::ALL.into_iter().filter(|status| !status.is_done());
        let open = Filter::OneOf("status", open.map(|status| Value::Text(status.as_str().to_owned())).collect());
        let counts = self.views.count_each(&TICKETS, "requester", &ids, &[open]).await?;
        documents.iter().zip(counts).map(|((id, version, body), open)| employee(id, *version, body, open)).collect()
    }
}

fn user(id: &str, version: u64, body: &str) -> Result<UserRecord, QueryError> {
    let id = UserId::parse(id).map_err(|error| QueryError::Internal(error.into()))?;
    let content: UserDocument = content(body)?;
    let (User::Active(facts) | User::Deleted(facts)) = content.user else {
        return Err(QueryError::NotFound(Resource::User));
    };
    Ok(UserRecord { id, version: Version::new(version), facts, profile: content.profile })
}

fn employee(id: &str, version: u64, body: &str, open_tickets: u64) -> Result<EmployeeRecord, QueryError> {
    let id = EmployeeId::parse(id).map_err(|error| QueryError::Internal(error.into()))?;
    let content: EmployeeDocument = content(body)?;
    let (Employee::Active(facts) | Employee::Deleted(facts)) = content.employee else {
        return Err(QueryError::NotFound(Resource::Employee));
    };
    let version = Version::new(version);
    Ok(EmployeeRecord { id, version, facts, profile: content.profile, open_tickets: Some(open_tickets) })
}

/// A filter for a field that is stored folded to lower case.
fn folded(field: &'static str, value: Option<&String>) -> Option<Filter> {
    value.map(|value| Filter::Equal(field, Value::Text(normalise_unique(value))))
}

fn search(q: Option<&String>) -> Option<Filter> {
    q.map(|q| Filter::Contains("search", normalise_unique(q)))
}

impl UserFilter {
    fn conditions(&self) -> Vec<Filter> {
        [
            folded("username", self.username.as_ref()),
            folded("email", self.email.as_ref()),
            folded("phone", self.phone.as_ref()),
            self.role.map(|role| Filter::Holds("roles", role.as_str().to_owned())),
            self.disabled.map(|disabled| Filter::Equal("disabled", Value::Int(i64::from(disabled)))),
            search(self.q.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl EmployeeFilter {
    fn conditions(&self) -> Vec<Filter> {
        [
            folded("email", self.email.as_ref()),
            folded("phone", self.phone.as_ref()),
            folded("country", self.country.as_ref()),
            folded("city", self.city.as_ref()),
            search(self.q.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
