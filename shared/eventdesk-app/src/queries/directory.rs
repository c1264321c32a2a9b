//! Users and employees.

use eventdesk_events::{EmployeeId, UserId, user::Role};

use super::{Page, PageRequest, Queries, QueryContext};
use crate::{EmployeeRecord, QueryError, UserRecord};

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
        let _ = (context, id);
        Err(QueryError::Forbidden)
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
        let _ = (context, filter, page);
        Err(QueryError::Forbidden)
    }

    /// One employee; who is not staff sees their own record.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn employee(&self, context: &QueryContext, id: EmployeeId) -> Result<EmployeeRecord, QueryError> {
        let _ = (context, id);
        Err(QueryError::Forbidden)
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
        let _ = (context, filter, page);
        Err(QueryError::Forbidden)
    }
}
