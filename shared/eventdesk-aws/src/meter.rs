//! Counting what a process asks of AWS, for tests and benches.

mod asking;
mod units;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

pub(crate) use asking::AskForUnits;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};

/// One request over the wire; a call that is tried again is several.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// As the service names it: `PutItem`, `PutEvents`, `ReceiveMessage`, …
    pub operation: String,
    /// When it was sent.
    pub began: Instant,
    /// When its answer had come.
    pub ended: Instant,
    /// The answer's status; `None` if there was none.
    pub status: Option<u16>,
    /// DynamoDB's write units, computed by its documented rules from what was sent.
    pub write_units: u64,
    /// DynamoDB's read units, in halves, computed from what came back; too low where only some attributes were asked
    /// for, since the service counts whole items.
    pub read_half_units: u64,
    /// Events that were handed to the bus.
    pub events: u64,
    /// The units that DynamoDB itself told, if it was asked to ([`crate::client::telling_units`]).
    pub told_units: Option<f64>,
}

/// Counts calls.
#[derive(Debug, Default)]
pub struct Meter {
    calls: Mutex<Vec<Call>>,
}

impl Meter {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The calls since the last time, in the order in which they ended.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls())
    }

    /// An HTTP client that counts what goes through it.
    pub fn around(self: &Arc<Self>, http: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Metered { meter: Arc::clone(self), http })
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of these calls had to wait for one another: the longest chain in which each began after the one before
/// had ended.
pub fn round_trips(calls: &[Call]) -> usize {
    let mut calls: Vec<_> = calls.iter().collect();
    calls.sort_by_key(|call| call.ended);
    let mut last_end: Option<Instant> = None;
    let mut chain = 0;
    for call in calls {
        if last_end.is_none_or(|end| call.began >= end) {
            chain += 1;
            last_end = Some(call.ended);
        }
    }
    chain
}

#[derive(Debug)]
struct Metered<T> {
    meter: Arc<Meter>,
    http: T,
}

impl HttpClient for Metered<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let http = self.http.http_connector(settings, parts);
        SharedHttpConnector::new(Metered { meter: Arc::clone(&self.meter), http })
    }
}

impl HttpConnector for Metered<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let meter = Arc::clone(&self.meter);
        // DynamoDB_20120810.PutItem, AWSEvents.PutEvents, AmazonSQS.SendMessage
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let asked = units::body(request.body().bytes());
        let write_units = units::written(&operation, &asked);
        let events = units::events(&operation, &asked);
        let began = Instant::now();
        let answer = self.http.call(request);
        HttpConnectorFuture::new(async move {
            let answer = match answer.await {
                Ok(answer) => whole(answer).await,
                Err(error) => Err(error),
            };
            let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
            let body = units::body(answer.as_ref().ok().and_then(|answer| answer.body().bytes()));
            let read_half_units = if status == Some(200) { units::read(&operation, &asked, &body) } else { 0 };
            let (told_units, ended) = (units::told(&body), Instant::now());
            meter.calls().push(Call {
                operation,
                began,
                ended,
                status,
                write_units,
                read_half_units,
                events,
                told_units,
            });
            answer
        })
    }
}

/// The answer with its body in memory.
async fn whole(answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let mut answer = answer;
    let body = std::mem::replace(answer.body_mut(), SdkBody::empty());
    let body = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
    *answer.body_mut() = SdkBody::from(body.into_bytes());
    Ok(answer)
}
