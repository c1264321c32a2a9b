//! What stands between a desk and AWS in tests of faults: it passes calls on, unless a test says otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What becomes of a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The service refuses it with this code, and does nothing.
    Refuse(&'static str),
    /// The service cancels the transaction, each part of it with its code.
    Cancel(Vec<&'static str>),
    /// The service does it, and the answer is lost on its way.
    LoseAnswer,
    /// It never arrives.
    Lose,
    /// `PutEvents` takes the entries at even places and reports the others as failed, with this code.
    TakeEveryOther(&'static str),
}

/// Passes calls on to the emulation of AWS.
pub struct Proxy {
    url: String,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

/// A fault, and how many calls more it is for; none is for all that come.
type Planned = (Fault, Option<usize>);

struct Way {
    http: reqwest::Client,
    beyond: String,
    faults: Mutex<BTreeMap<String, Planned>>,
    calls: Mutex<BTreeMap<String, usize>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// One to the services at `url`, on a free port.
    pub async fn to(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a plain client needs nothing");
        let (faults, calls) = Default::default();
        let way = Arc::new(Way { http, beyond: url.trim_end_matches('/').to_owned(), faults, calls });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let service = Router::new().fallback(pass).with_state(Arc::clone(&way));
        let task = tokio::spawn(async move { axum::serve(listener, service).await.expect("a bound socket is served") });
        Self { url, way, task }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next `times` calls of an action, named as the SDKs do (`PutItem`), meet this fault.
    pub fn next(&self, action: &str, times: usize, fault: Fault) {
        lock(&self.way.faults).insert(action.to_owned(), (fault, Some(times)));
    }

    /// Every call of an action meets this fault, until [`Proxy::heal`].
    pub fn every(&self, action: &str, fault: Fault) {
        lock(&self.way.faults).insert(action.to_owned(), (fault, None));
    }

    /// Nothing is wrong from now on.
    pub fn heal(&self) {
        lock(&self.way.faults).clear();
    }

    /// How many calls of an action came here so far.
    pub fn calls(&self, action: &str) -> usize {
        lock(&self.way.calls).get(action).copied().unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Way {
    fn fault(&self, action: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let (fault, left) = faults.get_mut(action)?;
        let fault = fault.clone();
        if let Some(left) = left {
            *left -= 1;
            if *left == 0 {
                faults.remove(action);
            }
        }
        Some(fault)
    }

    async fn forward(&self, parts: &Parts, body: Bytes) -> Response<Body> {
        let mut request = self.http.request(parts.method.clone(), format!("{}{}", self.beyond, parts.uri));
        for (name, value) in parts.headers.iter().filter(|(name, _)| !of_the_connection(name)) {
            request = request.header(name, value);
        }
        let Ok(answer) = request.body(body).send().await else { return broken() };
        let (status, headers) = (answer.status(), answer.headers().clone());
        let Ok(bytes) = answer.bytes().await else { return broken() };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = status;
        for (name, value) in headers.iter().filter(|(name, _)| !of_the_connection(name)) {
            response.headers_mut().append(name, value.clone());
        }
        response
    }

    /// Passes on the entries at even places, and answers for all.
    async fn every_other(&self, parts: &Parts, body: &Bytes, code: &str) -> Response<Body> {
        let asked: Value = serde_json::from_slice(body).expect("the SDK sends JSON");
        let entries = asked["Entries"].as_array().expect("entries");
        let taken: Vec<_> = entries.iter().step_by(2).cloned().collect();
        let passed = self.forward(parts, json!({ "Entries": taken }).to_string().into()).await;
        let passed = axum::body::to_bytes(passed.into_body(), usize::MAX).await.expect("it is in memory");
        let passed: Value = serde_json::from_slice(&passed).expect("the emulation answers in JSON");
        let refused = json!({ "ErrorCode": code, "ErrorMessage": "as the test says" });
        let results: Vec<_> = (0..entries.len())
            .map(|place| if place % 2 == 0 { passed["Entries"][place / 2].clone() } else { refused.clone() })
            .collect();
        json_answer(StatusCode::OK, &json!({ "FailedEntryCount": entries.len() / 2, "Entries": results }))
    }
}

async fn pass(State(way): State<Arc<Way>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let action = target.rsplit('.').next().unwrap_or_default().to_owned();
    *lock(&way.calls).entry(action.clone()).or_default() += 1;
    match way.fault(&action) {
        None => way.forward(&parts, body).await,
        Some(Fault::Refuse(code)) => refusal(code, json!({})),
        Some(Fault::Cancel(codes)) => {
            let reasons: Vec<_> = codes.iter().map(|code| json!({ "Code": code })).collect();
            refusal("TransactionCanceledException", json!({ "CancellationReasons": reasons }))
        }
        Some(Fault::LoseAnswer) => {
            way.forward(&parts, body).await;
            broken()
        }
        Some(Fault::Lose) => broken(),
        Some(Fault::TakeEveryOther(code)) => way.every_other(&parts, &body, code).await,
    }
}

fn refusal(code: &str, mut body: Value) -> Response<Body> {
    body["__type"] = json!(format!("com.amazonaws.service#{code}"));
    body["message"] = json!("as the test says");
    let status = if code.starts_with("Internal") { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
    json_answer(status, &body)
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/x-amz-json-1.1");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// An answer that breaks off, and its connection with it.
fn broken() -> Response<Body> {
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("as the test says"))])))
}

fn of_the_connection(name: &HeaderName) -> bool {
    [header::CONNECTION, header::CONTENT_LENGTH, header::HOST, header::TRANSFER_ENCODING].contains(name)
}
