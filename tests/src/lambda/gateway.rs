//! The service's HTTP API in front of functions, with the routes of the deployed template, in both modes of who
//! looks at tokens: the desk's own authorizer, or the service's for one external issuer.
//!
//! It stands beside the project's local gateway and shares no code with it: what functions are handed here is what the
//! service documents (payload format 2.0). Deliberately absent: throttling, CORS, access logs, and the authorizer's
//! cache, which the template leaves off.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::jwt::{Issuer, as_texts, has_any_scope};
use super::{Functions, report};
use crate::cloud::Cloud;
use crate::events::http_event;

/// The service's own limit.
const MOST_BYTES: usize = 10 * 1024 * 1024;

#[derive(Clone)]
struct Gateway {
    routes: Arc<Vec<Route>>,
    functions: Arc<Functions>,
    /// Whose tokens the service checks itself; none if the desk's own authorizer does.
    issuer: Option<Issuer>,
}

struct Route {
    /// As the template writes it.
    key: String,
    method: String,
    /// None for `$default`, which takes what nothing else takes.
    segments: Option<Vec<String>>,
    function: String,
    guarded: bool,
    scopes: Vec<String>,
}

/// Takes a free port; functions are told of the address before it is served.
pub(super) async fn bind() -> (TcpListener, String) {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("a bound socket has an address");
    (socket, format!("http://{address}"))
}

/// Serves the stack's routes.
pub(super) fn serve(
    socket: TcpListener,
    cloud: &Cloud,
    functions: Arc<Functions>,
    issuer: Option<Issuer>,
) -> impl Future<Output = ()> + Send + use<> {
    let routes = cloud.routes().iter().map(|(key, route)| {
        let (method, path) = key.split_once(' ').unwrap_or((key, ""));
        Route {
            key: key.clone(),
            method: method.to_owned(),
            segments: (!path.is_empty()).then(|| path.split('/').map(str::to_owned).collect()),
            function: route.function.clone(),
            guarded: route.guarded,
            scopes: route.scopes.clone(),
        }
    });
    let gateway = Gateway { routes: Arc::new(routes.collect()), functions, issuer };
    let service = Router::new().fallback(answer).with_state(gateway);
    async move {
        axum::serve(socket, service).await.expect("a bound socket can be served");
    }
}

async fn answer(State(gateway): State<Gateway>, request: Request) -> Response<Body> {
    // An invocation goes on when its caller has gone away, as it does on Lambda.
    let answered = tokio::spawn(async move { gateway.pass(request).await.unwrap_or_else(Own::into_response) }).await;
    answered.unwrap_or_else(|_| Own::Broken.into_response())
}

/// What the service answers itself.
enum Own {
    Unauthorized,
    Forbidden,
    TooLarge,
    Broken,
}

impl Gateway {
    async fn pass(&self, request: Request) -> Result<Response<Body>, Own> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MOST_BYTES).await.map_err(|_| Own::TooLarge)?;
        let path = parts.uri.path();
        let route = self.route(parts.method.as_str(), path);
        let mut event = http_event(&parts, &body, &route.key, &route.parameters(path));
        if route.guarded {
            // Nothing to look at: the service answers by itself and asks nobody.
            let given = parts.headers.get(header::AUTHORIZATION).filter(|given| !given.is_empty());
            let given = String::from_utf8_lossy(given.ok_or(Own::Unauthorized)?.as_bytes()).into_owned();
            event["requestContext"]["authorizer"] = self.authorized(route, &event, &given).await?;
        }
        let answer = self.invoke(&route.function, event).await?;
        response(&answer).ok_or(Own::Broken)
    }

    /// What the authorizer tells the function.
    async fn authorized(&self, route: &Route, event: &Value, given: &str) -> Result<Value, Own> {
        if let Some(issuer) = &self.issuer {
            let claims = issuer.verified(given).ok_or(Own::Unauthorized)?;
            let opened = has_any_scope(&claims, &route.scopes);
            let handed_over = json!({ "jwt": { "claims": as_texts(&claims), "scopes": route.scopes } });
            return if opened { Ok(handed_over) } else { Err(Own::Forbidden) };
        }
        let verdict = self.invoke("authorizer", authorizer_event(event, given)).await?;
        if verdict["isAuthorized"] == true { Ok(json!({ "lambda": verdict["context"] })) } else { Err(Own::Forbidden) }
    }

    async fn invoke(&self, handler: &str, event: Value) -> Result<Value, Own> {
        self.functions[handler].invoke(event).await.map_err(|error| {
            report(&error);
            Own::Broken
        })
    }

    /// The most specific route: letters before variables, from left to right.
    fn route(&self, method: &str, path: &str) -> &Route {
        let fitting = self.routes.iter().filter(|route| route.method == method && route.fits(path));
        let best = fitting.min_by_key(|route| route.variables());
        let default = || self.routes.iter().find(|route| route.segments.is_none());
        best.or_else(default).expect("the template has a $default")
    }
}

impl Route {
    fn fits(&self, path: &str) -> bool {
        let Some(segments) = &self.segments else { return false };
        let given: Vec<_> = path.split('/').collect();
        let fits =
            |(told, given): (&String, &&str)| if told.starts_with('{') { !given.is_empty() } else { told == given };
        segments.len() == given.len() && segments.iter().zip(&given).all(fits)
    }

    fn variables(&self) -> Vec<bool> {
        self.segments.iter().flatten().map(|segment| segment.starts_with('{')).collect()
    }

    fn parameters(&self, path: &str) -> Value {
        let told = self.segments.iter().flatten().zip(path.split('/'));
        let variables = told.filter_map(|(told, given)| {
            let name = told.strip_prefix('{')?.strip_suffix('}')?;
            Some((name.to_owned(), json!(given)))
        });
        Value::Object(variables.collect())
    }
}

/// What the authorizer is asked: the request without its body.
fn authorizer_event(event: &Value, given: &str) -> Value {
    let mut asked = event.clone();
    let members = asked.as_object_mut().expect("an event is an object");
    members.remove("body");
    members.remove("isBase64Encoded");
    members.insert("type".into(), json!("REQUEST"));
    members.insert("identitySource".into(), json!([given]));
    members.insert("routeArn".into(), json!("arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/$default/*"));
    asked
}

/// What the function answered, or none if that is no answer in payload format 2.0.
fn response(answer: &Value) -> Option<Response<Body>> {
    let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
    let text = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true { STANDARD.decode(text).ok()? } else { text.as_bytes().to_vec() };
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let headers = response.headers_mut();
    for (name, value) in answer["headers"].as_object()? {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        if name != header::CONTENT_LENGTH {
            headers.append(name, HeaderValue::from_str(value.as_str()?).ok()?);
        }
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    Some(response)
}

impl Own {
    fn into_response(self) -> Response<Body> {
        let (status, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        };
        let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
