//! A small Lambda service: it feeds one function binary and takes its answers.

use std::collections::HashMap;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::bin;

const ANSWER_WITHIN: Duration = Duration::from_mins(2);
/// The year 2100, in milliseconds: no test is about running out of time.
const DEADLINE_MS: &str = "4102444800000";

/// The service's side: one waiting event at a time, answers by request id.
#[derive(Clone)]
pub struct RuntimeApi {
    address: String,
    events: mpsc::UnboundedSender<(String, Value)>,
    waiting: Waiting,
}

type Answered = Result<Value, String>;
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Answered>>>>;

#[derive(Clone)]
struct Served {
    queue: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, Value)>>>,
    waiting: Waiting,
}

impl RuntimeApi {
    /// Serves the Runtime API on a free loopback port.
    pub async fn start() -> Self {
        let (events, queue) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        let served = Served { queue: Arc::new(tokio::sync::Mutex::new(queue)), waiting: waiting.clone() };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .route("/2020-01-01/extension/register", post(register))
            .route("/2020-01-01/extension/event/next", get(std::future::pending::<StatusCode>))
            .with_state(served);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, events, waiting }
    }

    /// Hands `event` to the function and waits for what it makes of it.
    ///
    /// # Errors
    /// The function's own error report.
    pub async fn try_invoke(&self, event: Value) -> Answered {
        let id = format!("8476a536-e9f4-11e8-9739-{:012}", crate::samples::unique());
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), answer);
        self.events.send((id, event)).expect("the service runs as long as its handle");
        match tokio::time::timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(answer)) => answer,
            _ => Err(format!("no answer within {ANSWER_WITHIN:?}")),
        }
    }
}

async fn next(State(served): State<Served>) -> Response {
    let Some((id, event)) = served.queue.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("lambda-runtime-aws-request-id", id.as_str()),
        ("lambda-runtime-deadline-ms", DEADLINE_MS),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:eventdesk"),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0"),
        ("content-type", "application/json"),
    ];
    (headers, event.to_string()).into_response()
}

async fn response(State(served): State<Served>, Path(id): Path<String>, body: String) -> StatusCode {
    let answer = serde_json::from_str(&body).map_err(|error| format!("the answer is no JSON ({error}): {body}"));
    resolve(&served, &id, answer)
}

async fn error(State(served): State<Served>, Path(id): Path<String>, body: String) -> StatusCode {
    resolve(&served, &id, Err(body))
}

async fn init_error(State(served): State<Served>, body: String) -> StatusCode {
    let all = std::mem::take(&mut *served.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    for (_, answer) in all {
        let _ = answer.send(Err(format!("the function did not start: {body}")));
    }
    StatusCode::ACCEPTED
}

/// An extension within the function registers; no events come.
async fn register() -> Response {
    let told = json!({ "functionName": "eventdesk", "functionVersion": "$LATEST", "handler": "eventdesk" });
    ([("lambda-extension-identifier", "6d9ed34f-6c3a-4b3c-8b0a-2f4f1b6f3a55")], told.to_string()).into_response()
}

fn resolve(served: &Served, id: &str, answered: Answered) -> StatusCode {
    let waiting = served.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    if let Some(answer) = waiting {
        let _ = answer.send(answered);
    }
    StatusCode::ACCEPTED
}

/// A function binary running against a Runtime API of its own; dropping it ends the process.
pub struct Function {
    api: RuntimeApi,
    child: Mutex<Child>,
    log: tempfile::NamedTempFile,
}

impl Function {
    /// Starts `binary` as the function `handler`; settings come last, and may name the function otherwise.
    pub async fn start<'s>(
        binary: &str,
        handler: &str,
        settings: impl IntoIterator<Item = (&'s String, &'s String)>,
    ) -> Self {
        let api = RuntimeApi::start().await;
        let log = tempfile::NamedTempFile::new().expect("a temporary file");
        let out = log.reopen().expect("the temporary file opens again");
        let err = out.try_clone().expect("a file handle can be doubled");
        let mut command: Command = bin::start(binary);
        command
            .env("_HANDLER", handler)
            .env("AWS_LAMBDA_RUNTIME_API", &api.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", handler)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{handler}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/21/[$LATEST]0123456789abcdef")
            .env("AWS_REGION", "eu-central-1")
            .envs(settings);
        let child = command.stdout(Stdio::from(out)).stderr(Stdio::from(err)).spawn().expect("the function starts");
        Self { api, child: Mutex::new(child), log }
    }

    /// Hands `event` over and waits for the answer; an error report fails the test.
    pub async fn invoke(&self, event: Value) -> Value {
        match self.try_invoke(event).await {
            Ok(answer) => answer,
            Err(error) => panic!("{error}\n{}", self.printed()),
        }
    }

    /// Hands `event` over and waits for the answer.
    ///
    /// # Errors
    /// The function's own error report, or how its process ended.
    pub async fn try_invoke(&self, event: Value) -> Result<Value, String> {
        tokio::select! {
            answer = self.api.try_invoke(event) => answer,
            status = self.ended() => Err(format!("the function ended with {status}")),
        }
    }

    /// Returns once the process is gone.
    async fn ended(&self) -> ExitStatus {
        loop {
            let status = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
            if let Some(status) = status.expect("a child can be waited for") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Tells the process that it is to end, as the service does, and waits until it has.
    pub async fn shut_down(&self) -> ExitStatus {
        bin::terminate(&self.child.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::time::timeout(ANSWER_WITHIN, self.ended()).await.expect("it ends when it is told to")
    }

    /// What the function printed.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        bin::end(self.child.get_mut().unwrap_or_else(PoisonError::into_inner));
    }
}
