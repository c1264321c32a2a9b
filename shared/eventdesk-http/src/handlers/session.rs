//! The caller as the desk sees them.

use std::collections::BTreeMap;

use eventdesk_app::{commands::SetPassword, identity::GrantError};
use eventdesk_events::{ActorKind, StreamId, Timestamp, UserId, user::Role};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, changed};
use crate::{Problem, caller::seconds, reply::Reply, represent::UserView, request::Request};

/// The caller: what the token says, and what the directory knows.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Me")]
pub(crate) struct MeView<'a> {
    /// Who the caller's changes are attributed to.
    id: UserId,
    /// A person or a service account.
    kind: ActorKind,
    /// As they count now.
    roles: &'a [Role],
    /// The token's scopes.
    scopes: Vec<&'a str>,
    /// The verified claims, as text.
    claims: BTreeMap<&'a str, &'a str>,
    /// The directory's record, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserView<'a>>,
}

pub(crate) async fn me(r: &Request<'_>) -> Answered {
    let principal = r.principal()?;
    let record = if principal.in_directory { r.identity()?.record(principal.caller.id).await? } else { None };
    let scopes = principal.claims.get("scope").map(String::as_str).unwrap_or_default();
    let view = MeView {
        id: principal.caller.id,
        kind: principal.caller.kind,
        roles: &principal.caller.roles,
        scopes: scopes.trim_matches(['[', ']']).split_whitespace().collect(),
        claims: principal.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        user: record.as_ref().map(UserView::new),
    };
    Reply::json(StatusCode::OK, &view)
}

/// The claims exactly as the authorizer handed them over.
pub(crate) async fn whoami(r: &Request<'_>) -> Answered {
    let claims: BTreeMap<_, _> = r.principal()?.claims.iter().collect();
    Reply::json(StatusCode::OK, &claims)
}

/// How the caller stands.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// Nothing keeps them out.
    Active,
    /// They reach nothing but the authentication section.
    Disabled,
    /// They get no further token.
    LoginDenied,
}

/// How the caller and their token stand.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CallerStatus")]
pub(crate) struct StatusView {
    /// How the caller stands.
    status: Standing,
    /// When the token ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires_at: Option<Timestamp>,
}

pub(crate) async fn status(r: &Request<'_>) -> Answered {
    let principal = r.principal()?;
    let status = match (principal.disabled, principal.login_denied) {
        // Who logs in elsewhere is kept out by this, too.
        (_, true) => Standing::LoginDenied,
        (true, false) => Standing::Disabled,
        (false, false) => Standing::Active,
    };
    let token_expires_at = principal.claims.get("exp").and_then(|text| seconds(text));
    Reply::json(StatusCode::OK, &StatusView { status, token_expires_at })
}

/// Another password for oneself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnPasswordBody {
    /// The one that counts until now.
    #[schemars(required, with = "String", extend("writeOnly" = true, "format" = "password"))]
    current_password: Option<String>,
    /// By default 8 to 128 characters with upper, lower, digit and one of `!@#$%^&*`.
    #[schemars(required, with = "String", extend("writeOnly" = true, "format" = "password"))]
    new_password: Option<String>,
}

pub(crate) async fn set_password(r: &Request<'_>) -> Answered {
    let principal = r.principal()?;
    if !principal.in_directory {
        return Err(Problem::new(crate::Kind::Forbidden, "the caller has no password here"));
    }
    let body: OwnPasswordBody = r.json()?;
    let id = principal.caller.id;
    let field = |code, detail: &'static str| Problem::invalid_field("/current_password".to_owned(), code, detail);
    let Some(current) = body.current_password else { return Err(field("required", "must be given")) };
    match r.identity()?.confirm_password(id, &current, r.address()).await {
        Ok(()) => {}
        Err(GrantError::InvalidGrant) => return Err(field("incorrect", "is not the caller's password")),
        Err(error) => return Err(super::token::problem(&error)),
    }
    let kept_session = principal.claims.get("sid").and_then(|sid| sid.parse().ok());
    let command = SetPassword { id, password: body.new_password, kept_session };
    let done = r.change_secret(command, StreamId::User(id)).await?;
    changed(&done, done.record.version, &UserView::new(&done.record))
}
