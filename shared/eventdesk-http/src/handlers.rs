//! What each route does: parse, execute, answer.

pub(crate) mod clients;
pub(crate) mod documents;
pub(crate) mod employees;
pub(crate) mod messages;
pub(crate) mod operations;
pub(crate) mod operators;
pub(crate) mod projections;
pub(crate) mod session;
pub(crate) mod ticket_changes;
pub(crate) mod ticket_patch;
pub(crate) mod tickets;
pub(crate) mod token;
pub(crate) mod user_changes;
pub(crate) mod users;

use eventdesk_app::Done;
use eventdesk_events::Version;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{
    Problem,
    function::base,
    headers,
    reply::Reply,
    request::{Request, etag, not_modified},
};

type Answered = Result<Reply, Problem>;

/// Adds what every command's answer says about itself.
fn command_headers<R>(reply: &mut Reply, done: &Done<R>) {
    reply.set_text(headers::CONSISTENCY_TOKEN, &done.token.to_string());
    if done.replayed {
        reply.set(headers::IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
}

/// 201 with the place of what was made.
fn created<R, V: Serialize>(r: &Request<'_>, done: &Done<R>, version: Version, place: &str, view: &V) -> Answered {
    let mut reply = Reply::json(StatusCode::CREATED, view)?;
    reply.set(header::ETAG, etag(version, 0));
    reply.set_text(header::LOCATION, &format!("{}{place}", base(r.prefix)));
    command_headers(&mut reply, done);
    Ok(reply)
}

/// 200 with the new representation.
fn changed<R, V: Serialize>(done: &Done<R>, version: Version, view: &V) -> Answered {
    let mut reply = Reply::json(StatusCode::OK, view)?;
    reply.set(header::ETAG, etag(version, 0));
    command_headers(&mut reply, done);
    Ok(reply)
}

/// 204; what remains of the thing has this version.
fn gone<R>(done: &Done<R>, version: Option<Version>) -> Reply {
    let mut reply = Reply::empty(StatusCode::NO_CONTENT);
    reply.keep_private();
    if let Some(version) = version {
        reply.set(header::ETAG, etag(version, 0));
    }
    command_headers(&mut reply, done);
    reply
}

/// 200 with a representation and its tag, or 304 if the caller has it.
fn shown<V: Serialize>(r: &Request<'_>, tag: HeaderValue, view: impl FnOnce() -> V) -> Answered {
    let unchanged = not_modified(r.header(&header::IF_NONE_MATCH)?.as_deref(), &tag);
    let mut reply = if unchanged {
        let mut reply = Reply::empty(StatusCode::NOT_MODIFIED);
        reply.keep_private();
        reply
    } else {
        Reply::json(StatusCode::OK, &view())?
    };
    reply.set(header::ETAG, tag);
    Ok(reply)
}
