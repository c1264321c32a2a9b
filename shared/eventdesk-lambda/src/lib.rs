//! How a function lives on Lambda: its start, and its invocations, each with its log lines and its figures.
//!
//! Every line that is logged during an invocation carries `request_id` (Lambda's) and `trace_id`; what was measured is
//! written before the next one is asked for, since the process may be frozen then. Which rule, query or projection a
//! function runs is not known here, nor is any store.

mod figures;
mod http;
mod invocation;

use std::{fmt::Debug, iter::successors, process::ExitCode};

use eventdesk_runtime::{Config, SystemClock, telemetry};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime, service_fn, spawn_graceful_shutdown_handler};
use serde::{Deserialize, Serialize};

pub use http::{measure, serve};

use figures::Figures;
use invocation::Invocations;

/// Starts a function: reads its configuration, begins to log and to measure, and leaves the rest to `live`, which
/// opens what the function stands on and then calls [`run`] or [`serve`].
///
/// Whatever ends it is logged, and ends the process as failed: Lambda then starts another one.
pub async fn start(live: impl AsyncFnOnce(Config) -> Result<(), Error>) -> ExitCode {
    let ended = match begin() {
        // Boxed: how deep its futures lie in each other is more than the compiler follows.
        Ok(config) => Box::pin(live(config)).await,
        Err(error) => {
            // What cannot be read may be how to log.
            let _ = telemetry::init(telemetry::Format::Json, "error");
            Err(error)
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = successors(Some(&*error as &dyn std::error::Error), |error| error.source());
            let causes: Vec<_> = causes.map(ToString::to_string).collect();
            tracing::error!(error = causes.join(": "), "the function ends");
            ExitCode::FAILURE
        }
    }
}

fn begin() -> Result<Config, Error> {
    let config = Config::load()?;
    telemetry::init(config.log.format, &config.log.level)?;
    Figures::install()?;
    Ok(config)
}

/// Closes connections before Lambda ends this process, if `lambda.shutdown_signal` has it told beforehand (by an internal
/// extension that takes no events). To be called once what `close` closes is open, and before [`run`].
///
/// Lambda waits half a second. Nothing else has to be done then: whatever was answered is durable, and every line and
/// figure is written.
pub async fn closing(config: &Config, close: impl Future<Output = ()> + Send + 'static) {
    if config.lambda.shutdown_signal {
        spawn_graceful_shutdown_handler(move || close).await;
    }
}

/// Runs a function for as long as there are invocations, one at a time.
///
/// # Errors
/// If Lambda cannot be reached or hands over what is no invocation.
pub async fn run<A, R, E, F>(function: impl FnMut(LambdaEvent<A>) -> F) -> Result<(), Error>
where
    A: for<'de> Deserialize<'de>,
    R: Serialize,
    E: Into<Diagnostic> + Debug,
    F: Future<Output = Result<R, E>>,
{
    let invocations = Invocations { figures: Figures::of_process(), clock: SystemClock };
    Runtime::new(service_fn(function)).layer(invocations).run().await
}
