//! Where the emulator is.

use std::time::Duration;

use aws_config::{Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::Credentials;
use eventdesk_aws::client;

/// The region of everything that these tests make.
pub(crate) const REGION: &str = "eu-central-1";

/// How long an answer is waited for: the emulator has one thread and a machine to share. What is given up before may
/// have been done, and the next try meets it.
const PATIENCE: Duration = Duration::from_mins(1);

/// The desk's own settings, on the emulator, but for its patience.
pub(crate) async fn config() -> SdkConfig {
    let url = std::env::var("EVENTDESK_TEST_AWS_URL").unwrap_or_default();
    assert!(
        !url.is_empty(),
        "EVENTDESK_TEST_AWS_URL does not name an emulator: start it with tests/services/moto, which prints its URL"
    );
    client::settings()
        .endpoint_url(url)
        .region(Region::from_static(REGION))
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(PATIENCE).build())
        .credentials_provider(Credentials::new("testing", "testing", None, None, "tests"))
        .load()
        .await
}

/// A name that nobody else has.
pub(crate) fn fresh_name() -> String {
    format!("test-{:016x}", getrandom::u64().expect("the system has randomness"))
}
