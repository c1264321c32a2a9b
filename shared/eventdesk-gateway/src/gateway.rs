//! From a request to the answer.

use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use bytes::Bytes;
use eventdesk_app::ports::{Clock, Ids};
use eventdesk_http::{
    Function, Kind, Problem,
    routes::{self, Access, BASE_PATH, Match, Owner, PathParams, Route},
};
use eventdesk_identity::{Authorizer, Refusal, Verified};
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode, Version, header, request::Parts};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;
use tracing::{debug, error};

use crate::{
    answer,
    body::{self, Unread},
    cors::Cors,
    event::{self, Context},
    limit::RequestLimit,
    server::Work,
};

/// A function behind the gateway.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Answers one event.
    async fn call(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse;
}

#[async_trait]
impl Handler for Function {
    async fn call(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        Function::call(self, event).await
    }
}

/// Checks tokens before any function is called.
#[async_trait]
pub trait Authorize: Send + Sync {
    /// Checks the value of an `Authorization` header. What its token's scopes open is the gateway's to say.
    ///
    /// # Errors
    /// See [`Refusal`].
    async fn authorize(&self, authorization: Option<&str>) -> Result<Verified, Refusal>;
}

#[async_trait]
impl Authorize for Authorizer {
    async fn authorize(&self, authorization: Option<&str>) -> Result<Verified, Refusal> {
        Authorizer::authorize(self, authorization, &[]).await
    }
}

/// The functions of one process, each by what it owns.
#[derive(Default)]
pub struct Functions(Vec<(Owner, Arc<dyn Handler>)>);

impl Functions {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, owner: Owner, function: Arc<dyn Handler>) -> Self {
        self.0.push((owner, function));
        self
    }

    /// There are a handful, so looking at each is the fastest way.
    fn of(&self, owner: Owner) -> Option<&Arc<dyn Handler>> {
        self.0.iter().find(|(owned, _)| *owned == owner).map(|(_, function)| function)
    }
}

/// What a gateway accepts, and for how long it waits.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// A stage or mapping key in front of every path; paths without it work too. Empty = none.
    pub base_path: String,
    /// Origins whose pages browsers let read answers; `*` = all, none = no cross-origin requests.
    pub origins: Vec<String>,
    /// Requests a minute for each principal; 0 = no limit.
    pub requests_per_minute: u32,
    /// Most bytes of a body.
    pub body_limit: usize,
    /// Most bytes of request line and headers.
    pub head_limit: usize,
    /// How long a body may take to arrive, and then a function to answer.
    pub time_limit: Duration,
}

impl Default for GatewayOptions {
    /// The service's own limits, but for bodies: 256 KiB instead of 10 MB.
    fn default() -> Self {
        Self {
            base_path: String::new(),
            origins: Vec::new(),
            requests_per_minute: 0,
            body_limit: 256 * 1024,
            head_limit: 10_240,
            time_limit: Duration::from_secs(29),
        }
    }
}

/// Takes requests, refuses what must not get through, and calls functions with the rest.
pub struct Gateway {
    options: GatewayOptions,
    stage: String,
    cors: Cors,
    limit: RequestLimit,
    functions: Functions,
    authorizer: Arc<dyn Authorize>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Gateway {
    /// A gateway before these functions.
    pub fn new(
        options: GatewayOptions,
        functions: Functions,
        authorizer: Arc<dyn Authorize>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            stage: stage(&options.base_path),
            cors: Cors::new(options.origins.clone()),
            limit: RequestLimit::per_minute(options.requests_per_minute),
            options,
            functions,
            authorizer,
            clock,
            ids,
        }
    }

    /// What request ids are made by.
    pub(crate) fn ids(&self) -> Arc<dyn Ids> {
        Arc::clone(&self.ids)
    }

    /// Most bytes of request line and headers.
    pub(crate) fn head_limit(&self) -> usize {
        self.options.head_limit
    }

    /// Answers one request of the caller at `peer`; what it starts and must not break off holds `work`.
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: IpAddr, work: Work) -> Response<Full<Bytes>> {
        let request_id = self.ids.next().to_string();
        let (parts, body) = request.into_parts();
        let mut body = Some(body);
        let allowed = self.cors.allowed(&parts.headers);
        let mut response = if self.cors.is_preflight(&parts.method, &parts.headers) {
            preflight(allowed.is_some(), &request_id)
        } else {
            let answer = self.pass(parts, &mut body, peer, &request_id, work).await;
            let answer = answer.unwrap_or_else(|problem| problem.into_response(&request_id));
            answer::response(answer).unwrap_or_else(|malformed| {
                error!(request.id = request_id, error = %malformed, "a function's answer is malformed");
                let problem = Problem::internal().into_response(&request_id);
                answer::response(problem).unwrap_or_else(|_| bare(StatusCode::INTERNAL_SERVER_ERROR))
            })
        };
        if let Some(unread) = body {
            body::discard(unread);
        }
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::try_from(request_id) {
            headers.insert("x-request-id", id);
        }
        self.cors.mark(headers, allowed);
        response
    }

    async fn pass(
        &self,
        parts: Parts,
        body: &mut Option<Incoming>,
        peer: IpAddr,
        request_id: &str,
        work: Work,
    ) -> Result<ApiGatewayV2httpResponse, Problem> {
        let (route, params, at_root) = self.find(&parts)?;
        self.check_head(&parts)?;
        let verified = self.authorize(&parts, route).await?;
        let path_parameters = parameters(route, params)?;
        let bytes = body::read(body, self.options.body_limit, self.options.time_limit).await;
        let bytes = bytes.map_err(|unread| match unread {
            Unread::TooLong => Problem::payload_too_large(self.options.body_limit),
            Unread::TooSlow => Problem::new(Kind::RequestTimeout, "the body did not arrive in time"),
            Unread::Broken => Problem::malformed("the body broke off"),
        })?;
        let path = if at_root { route.path.strip_prefix(BASE_PATH).unwrap_or(route.path) } else { route.path };
        let context = Context {
            route_key: format!("{} {path}", route.method),
            path_parameters,
            jwt: verified.map(|verified| {
                let scopes = route.scopes.iter().map(|scope| (*scope).to_owned()).collect();
                // The event owns its claims, as one that was read from JSON would.
                (verified.claims.as_ref().clone(), scopes)
            }),
            request_id: request_id.to_owned(),
            now: self.clock.now(),
            stage: &self.stage,
            peer,
        };
        let event = event::event(parts, bytes, context);
        self.call(route, event, request_id, work).await
    }

    /// The route, the path's parameters, and whether the path stands at the root instead of the base path.
    fn find<'p>(&self, parts: &'p Parts) -> Result<(&'static Route, PathParams<'p>, bool), Problem> {
        let whole = parts.uri.path();
        let (prefix, path) = routes::strip_prefix(whole, &self.options.base_path);
        let mut place = (path, routes::find(&parts.method, path));
        if matches!(place.1, Match::NotFound) && !prefix.is_empty() {
            // A path may begin like the prefix and still be without it.
            place = (whole, routes::find(&parts.method, whole));
        }
        match place.1 {
            Match::Route { route, params } => Ok((route, params, !place.0.starts_with(BASE_PATH))),
            Match::MethodNotAllowed { allow } => Err(Problem::method_not_allowed(allow)),
            Match::NotFound => Err(Problem::not_found()),
        }
    }

    fn check_head(&self, parts: &Parts) -> Result<(), Problem> {
        // RFC 9112, section 3.2: whoever stands in front may have read another one.
        let hosts = parts.headers.get_all(header::HOST).iter().count();
        if hosts > 1 || (hosts == 0 && parts.version == Version::HTTP_11) {
            return Err(Problem::malformed("the request must have one Host header"));
        }
        let line = parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
        let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let most = self.options.head_limit;
        if line + headers.sum::<usize>() <= most {
            return Ok(());
        }
        Err(Problem::new(Kind::HeadersTooLarge, format!("request line and headers have at most {most} bytes")))
    }

    /// The verified token, unless the route is public.
    async fn authorize(&self, parts: &Parts, route: &Route) -> Result<Option<Verified>, Problem> {
        if route.access == Access::Public {
            return Ok(None);
        }
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        // Two tokens, or one that is not even text, are none to believe.
        let authorization = match (given.next(), given.next()) {
            (None, _) => None,
            (Some(one), None) => Some(one.to_str().unwrap_or_default()),
            (Some(_), Some(_)) => return Err(refused(Refusal::Malformed, route)),
        };
        let verified = self.authorizer.authorize(authorization).await;
        let verified = verified.map_err(|refusal| refused(refusal, route))?;
        let claim = |name| verified.claims.get(name).map_or("", String::as_str);
        self.limit.check(claim("iss"), claim("sub")).map_err(|wait| {
            // Whole seconds, rounded up: earlier would be refused again.
            Problem::too_many_requests(wait.as_secs() + 1)
        })?;
        // After the count: who may not do a thing must not try it without end.
        if !verified.has_any(route.scopes) {
            return Err(refused(Refusal::InsufficientScope, route));
        }
        Ok(Some(verified))
    }

    async fn call(
        &self,
        route: &'static Route,
        event: ApiGatewayV2httpRequest,
        request_id: &str,
        work: Work,
    ) -> Result<ApiGatewayV2httpResponse, Problem> {
        let Some(function) = self.functions.of(route.function).cloned() else {
            error!(request.id = request_id, http.route = ?route, "no function owns the route");
            return Err(Problem::internal());
        };
        let call = AssertUnwindSafe(async move { function.call(event).await }).catch_unwind();
        let limit = self.options.time_limit;
        let answered = if route.method.is_safe() {
            timeout(limit, call).await
        } else {
            // A change is not broken off when its caller goes away or loses patience, just as Lambda would not.
            let task = tokio::spawn(async move {
                let answer = call.await;
                drop(work);
                answer
            });
            timeout(limit, task).await.map(|joined| joined.unwrap_or_else(|error| Err(Box::new(error))))
        };
        match answered {
            Ok(Ok(answer)) => {
                debug!(request.id = request_id, http.route = ?route, http.status = answer.status_code, "answered");
                Ok(answer)
            }
            // What it said stands in the log already, by the process's panic hook.
            Ok(Err(_panic)) => {
                error!(request.id = request_id, http.route = ?route, "a function panicked");
                Err(Problem::internal())
            }
            Err(_elapsed) => {
                error!(request.id = request_id, http.route = ?route, "a function did not answer in time");
                Err(Problem::unavailable())
            }
        }
    }
}

/// A prefix of one segment is a stage; a longer one can only be a mapping key, with the default stage behind it.
fn stage(base_path: &str) -> String {
    let base_path = base_path.trim_matches('/');
    if base_path.is_empty() || base_path.contains('/') { "$default".to_owned() } else { base_path.to_owned() }
}

fn refused(refusal: Refusal, route: &Route) -> Problem {
    match refusal {
        Refusal::InsufficientScope => Problem::forbidden_scope(route.scopes),
        Refusal::Unavailable => Problem::unavailable(),
        other => Problem::unauthorized(other.code().map(|code| (code, other.description()))),
    }
}

fn parameters(route: &Route, params: PathParams<'_>) -> Result<std::collections::HashMap<String, String>, Problem> {
    let decoded = route.path_parameters().map(|name| {
        let value = params.get(name).ok_or_else(|| Problem::malformed(format!("{name} in the path is not UTF-8")))?;
        Ok((name.to_owned(), value.into_owned()))
    });
    decoded.collect()
}

fn preflight(allowed: bool, request_id: &str) -> Response<Full<Bytes>> {
    let mut response = bare(StatusCode::NO_CONTENT);
    eventdesk_http::complete(response.headers_mut(), request_id);
    if allowed {
        Cors::grant(response.headers_mut());
    }
    response
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
