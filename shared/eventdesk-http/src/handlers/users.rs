//! Users.

use eventdesk_app::{
    commands::{DeleteUser, RegisterUser},
    queries::UserFilter,
};
use eventdesk_events::{StreamId, user::Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, created, gone, shown};
use crate::{
    represent::{EntryView, UserView, page},
    request::{Request, etag},
};

/// A new user.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// Unique, compared without case.
    #[schemars(required, with = "String")]
    username: Option<String>,
    /// Given name.
    #[schemars(required, with = "String")]
    first_name: Option<String>,
    /// Family name.
    #[schemars(required, with = "String")]
    last_name: Option<String>,
    /// `+` and digits; unique.
    #[schemars(required, with = "String")]
    phone: Option<String>,
    /// Unique, compared without case.
    #[schemars(required, with = "String")]
    email: Option<String>,
    /// Write-only; by default 8 to 128 characters with upper, lower, digit and one of `!@#$%^&*`.
    #[serde(skip_serializing)]
    #[schemars(required, with = "String", extend("writeOnly" = true, "format" = "password"))]
    password: Option<String>,
    /// What they are to the desk; without a role they reach the authentication section alone.
    roles: Option<Vec<Role>>,
    /// Whether they reach nothing but the authentication section; `false` if not given.
    disabled: Option<bool>,
    /// Whether they get no token; `false` if not given.
    login_denied: Option<bool>,
}

pub(crate) async fn register(r: &Request<'_>) -> Answered {
    let body: NewUser = r.json()?;
    let command = RegisterUser {
        username: body.username.clone(),
        first_name: body.first_name.clone(),
        last_name: body.last_name.clone(),
        phone: body.phone.clone(),
        email: body.email.clone(),
        password: body.password.clone(),
        roles: body.roles.clone().unwrap_or_default(),
        disabled: body.disabled.unwrap_or_default(),
        login_denied: body.login_denied.unwrap_or_default(),
    };
    let done = r.create(command, &body).await?;
    created(r, &done, done.record.version, &format!("/users/{}", done.record.id), &UserView::new(&done.record))
}

pub(crate) async fn delete(r: &Request<'_>) -> Answered {
    let id = r.user_id()?;
    let done = r.change(DeleteUser { id }, StreamId::User(id), &r.no_body()?).await?;
    Ok(gone(&done, None))
}

pub(crate) async fn get(r: &Request<'_>) -> Answered {
    let record = r.queries()?.user(&r.query_context()?, r.user_id()?).await?;
    shown(r, etag(record.version, 0), || UserView::new(&record))
}

pub(crate) async fn history(r: &Request<'_>) -> Answered {
    let found = r.queries()?.user_history(r.user_id()?, &r.query.page()?).await?;
    page(r, &found, EntryView::new)
}

pub(crate) async fn list(r: &Request<'_>) -> Answered {
    let query = &r.query;
    let filter = UserFilter {
        username: query.text("username"),
        email: query.text("email"),
        phone: query.text("phone"),
        role: query.read("role", "admin, manager, support or employee", Role::parse)?,
        disabled: query.boolean("disabled")?,
        q: query.text("q"),
    };
    let found = r.queries()?.users(&r.query_context()?, &filter, &query.page()?).await?;
    page(r, &found, UserView::new)
}
