//! What the service's refusals mean.

use std::{error::Error, time::Duration};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use eventdesk_app::ports::{AppendError, StoreError};
use eventdesk_events::{StreamId, Version};

use super::item::Malformed;

type Cause = Box<dyn Error + Send + Sync>;

/// Codes with which DynamoDB says "later".
const BUSY: [&str; 9] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "InternalServerError",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ReplicatedWriteConflictException",
];

/// Codes of what operators have yet to grant, to make or to renew. The client need not try again, whoever asked may.
const LACKING: [&str; 6] = [
    "AccessDeniedException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
];

/// Whether trying again later may help: no answer, an answer of the server's own failure, or a refusal for now.
pub(super) fn is_busy<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(refused) => {
            refused.raw().status().is_server_error() || refused.err().code().is_some_and(|code| BUSY.contains(&code))
        }
        _ => false,
    }
}

pub(super) fn read_failed<E>(error: SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let lacking = error.as_service_error().and_then(|refused| refused.code());
    if is_busy(&error) || lacking.is_some_and(|code| LACKING.contains(&code)) {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Internal(Box::new(error))
    }
}

pub(super) fn append_failed<E>(error: SdkError<E>) -> AppendError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    read_failed(error).into_append()
}

/// The same trouble, met on the way to an append.
pub(super) trait IntoAppend {
    fn into_append(self) -> AppendError;
}

impl IntoAppend for StoreError {
    fn into_append(self) -> AppendError {
        match self {
            Self::Unavailable(source) => AppendError::Unavailable(source),
            Self::Internal(source) => AppendError::Internal(source),
        }
    }
}

pub(super) fn undecodable(malformed: Malformed) -> StoreError {
    StoreError::Internal(Box::new(malformed))
}

/// An append that its caller got wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misuse {
    #[error("version {version} of {stream} is not the one after its newest")]
    NotNext { stream: StreamId, version: Version },
    #[error("{0} would be written twice by one append")]
    WrittenTwice(StreamId),
    #[error("version {version} of {stream} has {bytes} bytes, the most that is stored is {most}")]
    TooLarge { stream: StreamId, version: Version, bytes: usize, most: usize },
}

/// Others were at the same items again and again.
#[derive(Debug, thiserror::Error)]
#[error("still busy after {tries} tries")]
pub(super) struct StillBusy {
    pub(super) tries: u32,
    #[source]
    pub(super) source: Option<Cause>,
}

/// Waits between nothing and `first`, doubled for each earlier try, so that racers come apart.
pub(super) async fn pause(first: Duration, earlier_tries: u32) {
    let most = first * (1 << earlier_tries.min(6));
    // Without randomness the pauses are equal, no more than that.
    let share = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    tokio::time::sleep(most.mul_f64(share)).await;
}
