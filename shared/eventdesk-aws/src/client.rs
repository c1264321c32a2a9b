//! One configuration and one HTTP client a process, for every AWS service that it calls.

mod scheme;

use std::{sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};

use crate::{Meter, meter::AskForUnits};

/// How often one call is tried, the first time included.
const MOST_ATTEMPTS: u32 = 3;
/// The first pause lasts between nothing and this, the next up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// A command makes three calls in a row at most, and the gateway waits 29 seconds for all of it.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// Reads region, credentials and endpoint as every AWS SDK does (`AWS_REGION`, `AWS_ENDPOINT_URL`, …). To be called
/// once a process: the clients made of it share connections and credentials.
///
/// A call is tried at most three times, with jitter in between, and ends after eight seconds at the latest. TLS is
/// rustls on aws-lc.
pub async fn load() -> SdkConfig {
    settings().load().await
}

/// As [`load`], before anything is read: for callers who set the endpoint or credentials themselves.
pub fn settings() -> ConfigLoader {
    let retries = RetryConfig::standard()
        .with_max_attempts(MOST_ATTEMPTS)
        .with_initial_backoff(FIRST_PAUSE)
        .with_max_backoff(LONGEST_PAUSE);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(scheme::http_client())
        .retry_config(retries)
        .timeout_config(timeouts)
        // Answers are small and read whole: the timeouts say all that it would.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// The same configuration, whose clients, of whichever service, are counted by `meter`.
pub fn metered(config: &SdkConfig, meter: &Arc<Meter>) -> SdkConfig {
    match config.http_client() {
        Some(http) => config.to_builder().http_client(meter.around(http)).build(),
        None => config.clone(),
    }
}

/// A DynamoDB client that asks what each call consumes, for a [`Meter`] to note. Emulators tell what they like.
pub fn telling_units(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(config).interceptor(AskForUnits).build();
    aws_sdk_dynamodb::Client::from_conf(config)
}
