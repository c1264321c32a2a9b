//! Health, readiness, and the list of routes.

use std::{collections::BTreeMap, time::Duration};

use eventdesk_events::{StreamId, user::Role};
use futures_util::future::join_all;
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::Answered;
use crate::{
    function::roles_of,
    headers,
    reply::Reply,
    request::Request,
    routes::{Access, table},
};

/// How long a part may take to say that it is ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the process answers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub(crate) struct HealthView {
    /// Always `ok`.
    status: &'static str,
}

pub(crate) async fn health(_: &Request<'_>) -> Answered {
    unstored(StatusCode::OK, &HealthView { status: "ok" })
}

/// Whether each part can do its work.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Readiness")]
pub(crate) struct ReadyView {
    /// `ready` or `not_ready`.
    status: &'static str,
    /// `ready` or `not_ready` for each part.
    parts: BTreeMap<&'static str, &'static str>,
}

pub(crate) async fn ready(r: &Request<'_>) -> Answered {
    let word = |ready: bool| if ready { "ready" } else { "not_ready" };
    let head = tokio::time::timeout(PATIENCE, r.services.callers.store.head(StreamId::AdminRoster));
    let asked = join_all(
        r.services
            .probes
            .iter()
            .map(async |probe| (probe.name, tokio::time::timeout(PATIENCE, (probe.check)()).await.unwrap_or(false))),
    );
    let (head, asked) = tokio::join!(head, asked);
    let store = ("event_store", matches!(head, Ok(Ok(_))));
    let parts: BTreeMap<_, _> = asked.into_iter().chain([store]).collect();
    let all = parts.values().all(|ready| *ready);
    let view =
        ReadyView { status: word(all), parts: parts.into_iter().map(|(name, ready)| (name, word(ready))).collect() };
    let mut reply = unstored(if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &view)?;
    if !all {
        reply.set(header::RETRY_AFTER, 1.into());
    }
    Ok(reply)
}

fn unstored<T: Serialize>(status: StatusCode, body: &T) -> Answered {
    let mut reply = Reply::json(status, body)?;
    reply.set(header::CACHE_CONTROL, headers::NO_STORE);
    Ok(reply)
}

/// One route.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Route")]
struct RouteView<'a> {
    /// The method.
    method: &'a str,
    /// The path.
    path: &'a str,
    /// The function that owns it.
    function: &'a str,
    /// `public`, `authenticated`, or the permission it needs.
    access: &'a str,
    /// The roles that the policy lets use it, on the role alone; empty where none is needed.
    roles: Vec<Role>,
    /// Scopes, any one of which the token must have.
    scopes: &'a [&'a str],
    /// What it does.
    summary: &'a str,
}

/// All routes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Routes")]
pub(crate) struct RoutesView<'a> {
    /// In the order of the table.
    data: Vec<RouteView<'a>>,
}

pub(crate) async fn routes(r: &Request<'_>) -> Answered {
    let mut data = Vec::with_capacity(table().len());
    for route in table() {
        let (access, roles) = match route.access {
            Access::Public => ("public", Vec::new()),
            Access::Authenticated => ("authenticated", Vec::new()),
            Access::Needs(permission) => (permission.as_str(), roles_of(r.services, route, permission).await?),
        };
        let (method, path) = (route.method.as_str(), route.path);
        let (function, scopes, summary) = (route.function.as_str(), route.scopes, route.summary);
        data.push(RouteView { method, path, function, access, roles, scopes, summary });
    }
    Reply::json(StatusCode::OK, &RoutesView { data })
}
