//! Between client and emulator: counts requests, and answers in the service's stead as a test says.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

type Answer = Box<dyn FnOnce(Value) -> Value + Send + Sync>;

/// What happens to a request.
pub(crate) enum Fault {
    /// The service refuses it with this code, and does nothing.
    Refuse(&'static str, Value),
    /// The service does it, and the answer is lost.
    LoseAnswer,
    /// It never arrives.
    NeverArrives,
    /// The service is answered for, from the request.
    Answer(Answer),
}

#[derive(Default)]
pub(crate) struct Wire {
    faults: Mutex<VecDeque<(&'static str, Fault)>>,
    sent: Mutex<Vec<String>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    pub(crate) fn around(self: &Arc<Self>, http: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Tapped { wire: Arc::clone(self), http })
    }

    /// The next request of `operation` meets this fault; faults of one operation wait in line.
    pub(crate) fn next(&self, operation: &'static str, fault: Fault) {
        lock(&self.faults).push_back((operation, fault));
    }

    /// As many requests of `operation` as are sent meet this code.
    pub(crate) fn next_many(&self, times: usize, operation: &'static str, code: &'static str) {
        for _ in 0..times {
            self.next(operation, Fault::Refuse(code, json!({})));
        }
    }

    /// The next transactions are cancelled, each part with its code.
    pub(crate) fn cancel_many(&self, times: usize, codes: &[&str]) {
        let reasons: Vec<_> = codes.iter().map(|code| json!({ "Code": code })).collect();
        for _ in 0..times {
            let body = json!({ "CancellationReasons": reasons.clone() });
            self.next("TransactWriteItems", Fault::Refuse("TransactionCanceledException", body));
        }
    }

    /// The operations of the requests since the last time.
    pub(crate) fn sent(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.sent))
    }

    pub(crate) fn faults_left(&self) -> usize {
        lock(&self.faults).len()
    }

    pub(crate) fn heal(&self) {
        lock(&self.faults).clear();
    }

    fn fault(&self, operation: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let index = faults.iter().position(|(wanted, _)| *wanted == operation)?;
        faults.remove(index).map(|(_, fault)| fault)
    }
}

#[derive(Debug)]
struct Tapped<T> {
    wire: Arc<Wire>,
    http: T,
}

impl HttpClient for Tapped<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let http = self.http.http_connector(settings, parts);
        SharedHttpConnector::new(Tapped { wire: Arc::clone(&self.wire), http })
    }
}

impl HttpConnector for Tapped<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let fault = self.wire.fault(&operation);
        lock(&self.wire.sent).push(operation);
        match fault {
            None => self.http.call(request),
            Some(Fault::Refuse(code, mut body)) => {
                body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
                body["message"] = json!("as the test says");
                let status = if code == "InternalServerError" { 500 } else { 400 };
                HttpConnectorFuture::ready(Ok(answer(status, &body)))
            }
            Some(Fault::LoseAnswer) => {
                let done = self.http.call(request);
                HttpConnectorFuture::new(async move {
                    done.await?;
                    Err(ConnectorError::io("the answer is lost".into()))
                })
            }
            Some(Fault::NeverArrives) => {
                HttpConnectorFuture::ready(Err(ConnectorError::io("the request is lost".into())))
            }
            Some(Fault::Answer(of)) => {
                let body = request.body().bytes().expect("bodies are in memory");
                let body = of(serde_json::from_slice(body).expect("bodies are JSON"));
                HttpConnectorFuture::ready(Ok(answer(200, &body)))
            }
        }
    }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a status");
    HttpResponse::new(status, SdkBody::from(body.to_string()))
}
