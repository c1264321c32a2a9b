//! Service accounts.

use eventdesk_app::{
    identity::{ClientError, ClientSecret, NewClient},
    ports::{Client, ClientChange, ClientEntry},
    queries::Page,
};
use eventdesk_events::{ActorKind, Timestamp, UserId, user::Role};
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Answered;
use crate::{
    Kind, Problem, function::base, headers, problem::FieldProblem, reply::Reply, represent::page, request::Request,
};

/// A new service account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewClient")]
pub(crate) struct NewClientBody {
    /// For people; 1 to 100 characters.
    #[schemars(required, with = "String", length(min = 1, max = 100))]
    name: Option<String>,
    /// What its tokens may do.
    roles: Vec<Role>,
    /// The most that its tokens have; all that the roles allow if not given.
    scopes: Option<Vec<String>>,
}

/// A service account.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub(crate) struct ClientView<'a> {
    /// Its `client_id`.
    id: Uuid,
    /// For people.
    name: &'a str,
    /// What its tokens may do.
    roles: &'a [Role],
    /// The most that its tokens have.
    scopes: Vec<&'a str>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// The secret, in the answer that made it and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
}

/// Something that happened to a service account.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ClientHistoryEntry")]
pub(crate) struct ClientEntryView<'a> {
    /// What.
    #[serde(rename = "type")]
    what: &'static str,
    /// When.
    occurred_at: Timestamp,
    /// Who did it.
    actor: ClientActorView<'a>,
}

/// Who changed a service account.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ClientHistoryActor")]
struct ClientActorView<'a> {
    /// A user's id, a service account's, or a tool's name.
    id: &'a str,
    /// What it is.
    kind: ActorKind,
}

impl<'a> ClientView<'a> {
    fn new(client: &'a Client, secret: Option<&'a ClientSecret>) -> Self {
        Self {
            id: client.id,
            name: &client.name,
            roles: &client.roles,
            scopes: client.scopes.split_whitespace().collect(),
            created_at: client.created_at(),
            updated_at: client.updated_at(),
            client_secret: secret.map(ClientSecret::reveal),
        }
    }
}

impl<'a> ClientEntryView<'a> {
    fn new(entry: &'a ClientEntry) -> Self {
        let what = match entry.what {
            ClientChange::Created => "client.created",
            ClientChange::SecretRotated => "client.secret_rotated",
            ClientChange::Deleted => "client.deleted",
        };
        Self { what, occurred_at: entry.at, actor: ClientActorView { id: &entry.actor.id, kind: entry.actor.kind } }
    }
}

/// An answer with a secret in it is for nobody's cache.
fn secretive(status: StatusCode, view: &ClientView<'_>) -> Answered {
    let mut reply = Reply::json(status, view)?;
    reply.set(header::CACHE_CONTROL, headers::NO_STORE);
    Ok(reply)
}

fn problem(error: ClientError) -> Problem {
    match error {
        ClientError::NotFound => Problem::new(Kind::ClientNotFound, "no service account has this id"),
        ClientError::Invalid(fields) => Problem::invalid_fields(
            fields
                .into_iter()
                .map(|f| FieldProblem { pointer: f.pointer, code: f.fault.code, detail: f.fault.detail.into() })
                .collect(),
        ),
        ClientError::BadCursor => {
            Problem::new(Kind::BadCursor, "the cursor was not made for this list").with("parameter", "cursor")
        }
        ClientError::TooMany => Problem::new(Kind::TooManyClients, error.to_string()),
        ClientError::ConcurrentChange => {
            Problem::new(Kind::ConcurrentChange, "others changed it again and again; nothing was done")
        }
        ClientError::Unavailable(_) => Problem::unavailable().because(&error),
    }
}

fn id(r: &Request<'_>) -> Result<Uuid, Problem> {
    UserId::parse(&r.param("client_id")?).map(UserId::uuid).map_err(|_| problem(ClientError::NotFound))
}

pub(crate) async fn create(r: &Request<'_>) -> Answered {
    let body: NewClientBody = r.json()?;
    let new = NewClient { name: body.name, roles: body.roles, scopes: body.scopes };
    let (client, secret) = r.identity()?.create_client(r.caller()?.actor(), &new).await.map_err(problem)?;
    let mut reply = secretive(StatusCode::CREATED, &ClientView::new(&client, Some(&secret)))?;
    reply.set_text(header::LOCATION, &format!("{}/clients/{}", base(r.prefix), client.id));
    Ok(reply)
}

pub(crate) async fn list(r: &Request<'_>) -> Answered {
    let found = r.identity()?.client_page(&r.query.page()?).await.map_err(problem)?;
    page(r, &found, |client| ClientView::new(client, None))
}

pub(crate) async fn get(r: &Request<'_>) -> Answered {
    let client = r.identity()?.client(id(r)?).await.map_err(problem)?;
    Reply::json(StatusCode::OK, &ClientView::new(&client, None))
}

pub(crate) async fn rotate_secret(r: &Request<'_>) -> Answered {
    let id = id(r)?;
    r.no_body()?;
    let (client, secret) = r.identity()?.rotate_client_secret(r.caller()?.actor(), id).await.map_err(problem)?;
    secretive(StatusCode::OK, &ClientView::new(&client, Some(&secret)))
}

pub(crate) async fn delete(r: &Request<'_>) -> Answered {
    let id = id(r)?;
    r.no_body()?;
    r.identity()?.delete_client(r.caller()?.actor(), id).await.map_err(problem)?;
    let mut reply = Reply::empty(StatusCode::NO_CONTENT);
    reply.keep_private();
    Ok(reply)
}

pub(crate) async fn history(r: &Request<'_>) -> Answered {
    let items = r.identity()?.client_history(id(r)?).await.map_err(problem)?;
    page(r, &Page { items, next_cursor: None, total: None }, ClientEntryView::new)
}
