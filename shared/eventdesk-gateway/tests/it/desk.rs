//! A gateway on a free port, before functions that do as the test says.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_lambda_events::{
    apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse},
    encodings::Body,
};
use eventdesk_app::ports::{Clock, Ids};
use eventdesk_events::Timestamp;
use eventdesk_gateway::{Authorize, Functions, Gateway, GatewayOptions, Handler, Server};
use eventdesk_http::routes::Owner;
use eventdesk_identity::{Refusal, Verified};
use http::HeaderMap;
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;

use crate::client::{Answer, Client};

/// What stands in for every function; the event comes as it was built.
pub(crate) type Acting = dyn Fn(ApiGatewayV2httpRequest) -> Reply + Send + Sync;
pub(crate) type Reply = futures_util::future::BoxFuture<'static, ApiGatewayV2httpResponse>;

struct Fake(Arc<Acting>);

#[async_trait]
impl Handler for Fake {
    async fn call(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        (self.0)(event).await
    }
}

/// Every scope there is.
const SCOPES: &str = "tickets:read tickets:write messages:read messages:write directory:read directory:write";

/// Knows the tokens `good`, `other` (another subject), `narrow` (too few scopes) and `keyless` (no keys to check it).
struct FakeAuthorizer;

#[async_trait]
impl Authorize for FakeAuthorizer {
    async fn authorize(&self, authorization: Option<&str>) -> Result<Verified, Refusal> {
        let (subject, scopes) = match authorization {
            None => return Err(Refusal::Missing),
            Some("Bearer good") => ("u-1", SCOPES),
            Some("Bearer other") => ("u-2", SCOPES),
            Some("Bearer narrow") => ("u-3", "profile"),
            Some("Bearer keyless") => return Err(Refusal::Unavailable),
            Some(_) => return Err(Refusal::Signature),
        };
        let claims = [("iss", "https://issuer.example"), ("sub", subject), ("groups", "[admin support]")];
        let claims = claims.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let scopes = scopes.split(' ').map(str::to_owned).collect();
        Ok(Verified { claims: Arc::new(claims), scopes, expires_at: 0 })
    }
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2020-03-12T19:03:58.390Z").unwrap()
    }
}

#[derive(Default)]
struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn next(&self) -> Uuid {
        Uuid::from_u64_pair(7, self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// A running gateway.
pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Desk {
    /// Functions that answer with the event itself, as JSON.
    pub(crate) async fn echoing(options: GatewayOptions) -> Self {
        Self::acting(options, |event| {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", "application/json".parse().unwrap());
            let text = serde_json::to_string(&event).unwrap();
            ready(200, headers, Body::Text(text))
        })
        .await
    }

    pub(crate) async fn acting(
        options: GatewayOptions,
        act: impl Fn(ApiGatewayV2httpRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let act: Arc<Acting> = Arc::new(act);
        let functions = Owner::ALL
            .into_iter()
            .fold(Functions::default(), |functions, owner| functions.with(owner, Arc::new(Fake(Arc::clone(&act)))));
        let ids = Arc::new(CountedIds::default());
        let gateway = Gateway::new(options, functions, Arc::new(FakeAuthorizer), Arc::new(StoppedClock), ids);
        let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or(()) };
        let running = tokio::spawn(server.run(gateway, stopped, Duration::from_secs(10)));
        Self { address, stop: Some(stop), running }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// One request on a connection of its own, with the token `good`.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        self.ask_as("authorization: Bearer good\r\n", method, path, headers, body).await
    }

    pub(crate) async fn ask_as(&self, token: &str, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut client = self.client().await;
        client.send(request(method, path, &format!("{token}{headers}"), body)).await;
        client.answer_to(method).await
    }

    pub(crate) fn ask_to_stop(&mut self) {
        self.stop.take().expect("stopped once").send(()).unwrap();
    }

    pub(crate) async fn stopped(self) {
        self.running.await.unwrap();
    }
}

/// The text of a request.
pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    format!("{method} {path} HTTP/1.1\r\nhost: desk.example:8080\r\n{headers}{length}\r\n{body}")
}

/// An answer that is there at once.
pub(crate) fn ready(status: i64, headers: HeaderMap, body: Body) -> Reply {
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = status;
    answer.headers = headers;
    answer.body = Some(body);
    Box::pin(std::future::ready(answer))
}

/// An answer without headers and body.
pub(crate) fn plain(status: i64) -> Reply {
    ready(status, HeaderMap::new(), Body::Empty)
}
