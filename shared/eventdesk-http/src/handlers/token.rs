//! The token endpoints of the built-in issuer (RFC 6749, RFC 7009, RFC 7662).

mod form;

use eventdesk_app::{
    identity::{ActiveToken, GrantError, Granted},
    ports::Client,
};
use eventdesk_events::UserId;
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::Answered;
use crate::{Problem, headers, reply::Reply, request::Request, routes::Media};

pub(crate) use form::{TokenForm, TokenNameForm};

use form::Form;

/// A token.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(crate) struct TokenView<'a> {
    /// To be sent as `Authorization: Bearer …`.
    access_token: &'a str,
    /// Always `bearer`.
    token_type: &'static str,
    /// Seconds until it ends.
    expires_in: u64,
    /// The scopes it has.
    scope: &'a str,
    /// To be sent once as `refresh_token`, for the next token.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

/// What a token is worth (RFC 7662, section 2.2); of one that is worth nothing `active` alone.
#[derive(Serialize, JsonSchema, Default)]
#[schemars(rename = "Introspection")]
pub(crate) struct IntrospectionView {
    /// Whether it counts now.
    active: bool,
    /// Its scopes, parted by single spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The service account that it was given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<UserId>,
    /// `access_token` or `refresh_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// When it ends, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// Since when it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<UserId>,
    /// For whom it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// Its own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// The roles that stand in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenError")]
pub(crate) struct TokenErrorView {
    /// The error's code.
    error: &'static str,
    /// For people.
    error_description: &'static str,
}

fn refused(error: &'static str, error_description: &'static str) -> Answered {
    answer(StatusCode::BAD_REQUEST, &TokenErrorView { error, error_description })
}

fn no_client() -> Answered {
    let view = TokenErrorView { error: "invalid_client", error_description: "unknown client or wrong secret" };
    let mut reply = answer(StatusCode::UNAUTHORIZED, &view)?;
    reply.set(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"eventdesk\""));
    Ok(reply)
}

fn answer<T: Serialize>(status: StatusCode, body: &T) -> Answered {
    let mut reply = Reply::json(status, body)?;
    reply.set(header::CACHE_CONTROL, headers::NO_STORE);
    reply.set(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(reply)
}

/// The service account that a request proves to come from, if it says anything of one.
async fn client(r: &Request<'_>, form: &Form) -> Result<Option<Client>, Answered> {
    let authorization = r.header(&header::AUTHORIZATION).map_err(Err)?;
    let credentials = form.client(authorization.as_deref()).map_err(|why| refused("invalid_request", why))?;
    let Some((id, secret)) = credentials else { return Ok(None) };
    match r.identity().map_err(Err)?.authenticate_client(&id, &secret).await {
        Ok(client) => Ok(Some(client)),
        Err(error) => Err(failure(&error)),
    }
}

pub(crate) async fn issue(r: &Request<'_>) -> Answered {
    let form = match Form::parse(&r.body(Media::Form)?) {
        Ok(form) => form,
        Err(description) => return refused("invalid_request", description),
    };
    let client = match client(r, &form).await {
        Ok(client) => client,
        Err(answered) => return answered,
    };
    let (identity, scope) = (r.identity()?, form.get("scope"));
    let granted = match (form.get("grant_type"), client) {
        (None, _) => return refused("invalid_request", "grant_type must be given"),
        (Some("client_credentials"), Some(client)) => identity.client_grant(&client, scope).await,
        (Some("client_credentials"), None) => return no_client(),
        // Users' tokens are nobody's but theirs.
        (Some("password" | "refresh_token"), Some(_)) => {
            return refused("unauthorized_client", "a service account takes the grant client_credentials");
        }
        (Some("password"), None) => match (form.get("username"), form.get("password")) {
            (Some(username), Some(password)) => identity.password_grant(username, password, scope, r.address()).await,
            _ => return refused("invalid_request", "username and password must be given"),
        },
        (Some("refresh_token"), None) => match form.get("refresh_token") {
            Some(token) => identity.refresh_grant(token, scope).await,
            None => return refused("invalid_request", "refresh_token must be given"),
        },
        (Some(_), _) => {
            return refused(
                "unsupported_grant_type",
                "the grants password, refresh_token and client_credentials are supported",
            );
        }
    };
    match granted {
        Ok(granted) => answer(StatusCode::OK, &TokenView::new(&granted)),
        Err(error) => failure(&error),
    }
}

impl<'a> TokenView<'a> {
    fn new(granted: &'a Granted) -> Self {
        Self {
            access_token: &granted.access_token,
            token_type: "bearer",
            expires_in: granted.expires_in_s,
            scope: &granted.scope,
            refresh_token: granted.refresh_token.as_deref(),
        }
    }
}

pub(crate) async fn revoke(r: &Request<'_>) -> Answered {
    let form = match Form::parse(&r.body(Media::Form)?) {
        Ok(form) => form,
        Err(description) => return refused("invalid_request", description),
    };
    let client = match client(r, &form).await {
        Ok(client) => client,
        Err(answered) => return answered,
    };
    let Some(token) = form.get("token") else { return refused("invalid_request", "token must be given") };
    match r.identity()?.revoke_token(token, client.as_ref()).await {
        Ok(()) => {
            let mut reply = Reply::empty(StatusCode::OK);
            reply.set(header::CACHE_CONTROL, headers::NO_STORE);
            Ok(reply)
        }
        Err(GrantError::InvalidGrant) => refused("invalid_grant", "the token was given to another client"),
        Err(error) => failure(&error),
    }
}

pub(crate) async fn introspect(r: &Request<'_>) -> Answered {
    let form = match Form::parse(&r.body(Media::Form)?) {
        Ok(form) => form,
        Err(description) => return refused("invalid_request", description),
    };
    match client(r, &form).await {
        Ok(Some(_)) => {}
        Ok(None) => return no_client(),
        Err(answered) => return answered,
    }
    let Some(token) = form.get("token") else { return refused("invalid_request", "token must be given") };
    match r.identity()?.inspect_token(token).await {
        Ok(found) => answer(StatusCode::OK, &IntrospectionView::new(found)),
        Err(error) => failure(&error),
    }
}

impl IntrospectionView {
    fn new(found: Option<ActiveToken>) -> Self {
        match found {
            None => Self::default(),
            Some(ActiveToken::Refresh(token)) => Self {
                active: true,
                scope: Some(token.session.scope),
                token_type: Some("refresh_token"),
                exp: Some(token.session.expires_at.millis().div_euclid(1_000)),
                sub: Some(token.session.user),
                ..Self::default()
            },
            Some(ActiveToken::Access(claims)) => Self {
                active: true,
                scope: Some(claims.scope),
                client_id: claims.client_id,
                token_type: Some("access_token"),
                exp: Some(claims.exp),
                iat: Some(claims.iat),
                nbf: Some(claims.nbf),
                sub: Some(claims.sub),
                aud: Some(claims.aud),
                iss: Some(claims.iss),
                jti: Some(claims.jti.to_string()),
                groups: Some(claims.groups),
            },
        }
    }
}

/// What a refused or failed grant answers.
fn failure(error: &GrantError) -> Answered {
    match error {
        GrantError::InvalidClient => no_client(),
        GrantError::InvalidGrant => refused("invalid_grant", "invalid username, password or refresh token"),
        GrantError::InvalidScope => refused("invalid_scope", "the scope asked for cannot be granted"),
        other => Err(problem(other)),
    }
}

/// What is no fault of the request, and throttling.
pub(super) fn problem(error: &GrantError) -> Problem {
    match error {
        GrantError::TooManyAttempts { retry_after_s } => Problem::too_many_requests(*retry_after_s),
        GrantError::Unavailable(_) => Problem::unavailable().because(error),
        GrantError::InvalidGrant | GrantError::InvalidClient | GrantError::InvalidScope | GrantError::Internal(_) => {
            Problem::internal().because(error)
        }
    }
}
