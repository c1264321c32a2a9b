//! Functions that answer HTTP.

use std::{convert::Infallible, time::Instant};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use eventdesk_app::figures::{ANSWERED, FAILED, LATENCY_MS, REFUSED};
use eventdesk_http::{Function, trace_id};
use lambda_runtime::{Error, LambdaEvent};
use tracing::Span;

use crate::{figures::Figures, run};

/// Runs a function behind the gateway.
///
/// # Errors
/// As [`run`].
pub async fn serve(function: Function) -> Result<(), Error> {
    let function = &function;
    run(async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        let began = Instant::now();
        // What the caller names as its trace goes before what the service does.
        if let Some(trace_id) = trace_id(&event.payload.headers) {
            Span::current().record("trace_id", &trace_id);
            Figures::of_process().trace(trace_id);
        }
        let answer = function.call(event.payload).await;
        measure(began, answer.status_code);
        Ok::<_, Infallible>(answer)
    })
    .await
}

/// Counts a request that was answered with `status`, and notes how long that took.
pub fn measure(began: Instant, status: i64) {
    let outcome = match status {
        ..400 => ANSWERED,
        400..500 => REFUSED,
        500.. => FAILED,
    };
    metrics::counter!(outcome).increment(1);
    metrics::histogram!(LATENCY_MS).record(began.elapsed().as_secs_f64() * 1e3);
}
