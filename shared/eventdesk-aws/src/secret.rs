//! The deployment secret in SSM's Parameter Store.

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;

/// A parameter could not be read; its value is never told.
#[derive(Debug, thiserror::Error)]
#[error("the SSM parameter {name} cannot be read")]
pub struct SecretError {
    name: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The value of a parameter, decrypted. One call; to be made while a function starts, not for each event.
///
/// # Errors
/// [`SecretError`].
pub async fn parameter(config: &SdkConfig, name: &str) -> Result<String, SecretError> {
    let failed = |source| SecretError { name: name.to_owned(), source };
    let call = Client::new(config).get_parameter().name(name).with_decryption(true).send();
    let answer = call.await.map_err(|error| failed(Box::new(error.into_service_error()).into()))?;
    answer.parameter.and_then(|parameter| parameter.value).ok_or_else(|| failed("it has no value".into()))
}
