//! Changes of users, one route a field or group of fields.

use eventdesk_app::{
    access::Permission,
    commands::{ChangeUser, SetPassword, UserChange, UserContacts},
};
use eventdesk_events::{StreamId, user::Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, changed};
use crate::{represent::UserView, request::Request};

/// A user's whole record, the password apart.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WholeUser {
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
    /// They stay as they are if not given.
    roles: Option<Vec<Role>>,
    /// It stays as it is if not given.
    disabled: Option<bool>,
    /// It stays as it is if not given.
    login_denied: Option<bool>,
}

/// A user's name and contacts.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactsBody {
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
}

/// Another username.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsernameBody {
    /// Unique, compared without case.
    #[schemars(required, with = "String")]
    username: Option<String>,
}

/// Other roles.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolesBody {
    /// In any order; without a role they reach the authentication section alone.
    roles: Vec<Role>,
}

/// Whether a user is disabled.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisabledBody {
    /// Whether they reach nothing but the authentication section.
    disabled: bool,
}

/// Whether a user may log in.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginDeniedBody {
    /// Whether they get no token.
    login_denied: bool,
}

/// Another password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPasswordBody {
    /// By default 8 to 128 characters with upper, lower, digit and one of `!@#$%^&*`.
    #[schemars(required, with = "String", extend("writeOnly" = true, "format" = "password"))]
    new_password: Option<String>,
}

pub(crate) async fn replace(r: &Request<'_>) -> Answered {
    let body: WholeUser = r.json()?;
    let change = UserChange::Replace {
        username: body.username.clone(),
        contacts: UserContacts {
            first_name: body.first_name.clone(),
            last_name: body.last_name.clone(),
            phone: body.phone.clone(),
            email: body.email.clone(),
        },
        roles: body.roles.clone(),
        disabled: body.disabled,
        login_denied: body.login_denied,
    };
    change_user(r, change, &body).await
}

pub(crate) async fn set_contacts(r: &Request<'_>) -> Answered {
    let body: ContactsBody = r.json()?;
    let contacts = UserContacts {
        first_name: body.first_name.clone(),
        last_name: body.last_name.clone(),
        phone: body.phone.clone(),
        email: body.email.clone(),
    };
    change_user(r, UserChange::Contacts(contacts), &body).await
}

pub(crate) async fn rename(r: &Request<'_>) -> Answered {
    let body: UsernameBody = r.json()?;
    change_user(r, UserChange::Username(body.username.clone()), &body).await
}

pub(crate) async fn set_roles(r: &Request<'_>) -> Answered {
    let body: RolesBody = r.json()?;
    change_user(r, UserChange::Roles(body.roles.clone()), &body).await
}

pub(crate) async fn set_disabled(r: &Request<'_>) -> Answered {
    let body: DisabledBody = r.json()?;
    change_user(r, UserChange::Disabled(body.disabled), &body).await
}

pub(crate) async fn set_login_denied(r: &Request<'_>) -> Answered {
    let body: LoginDeniedBody = r.json()?;
    change_user(r, UserChange::LoginDenied(body.login_denied), &body).await
}

async fn change_user<B: Serialize>(r: &Request<'_>, change: UserChange, body: &B) -> Answered {
    let id = r.user_id()?;
    let command = ChangeUser { id, change, may_administer: r.may(Permission::UsersAdminister).await? };
    let done = r.change(command, StreamId::User(id), body).await?;
    changed(&done, done.record.version, &UserView::new(&done.record))
}

pub(crate) async fn set_password(r: &Request<'_>) -> Answered {
    let id = r.user_id()?;
    let body: NewPasswordBody = r.json()?;
    let command = SetPassword { id, password: body.new_password, kept_session: None };
    let done = r.change_secret(command, StreamId::User(id)).await?;
    changed(&done, done.record.version, &UserView::new(&done.record))
}
