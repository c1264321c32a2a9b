//! The shell around the deciders: load, decide, append at the version read, publish, answer.

use std::{future::Future, sync::Arc, time::Duration};

use eventdesk_domain::rules::DirectoryRules;
use eventdesk_events::Version;
use uuid::Uuid;

use crate::{
    ConsistencyToken, Digest, Digester,
    access::Caller,
    error::CommandError,
    figures::{CONFLICTS_RETRIED, PUBLISH_FAILURES},
    identity::LoginSessions,
    ports::{AppendError, Clock, Commit, Credentials, EventStore, Ids, PasswordHasher, Publisher},
    transaction::Transaction,
};

/// How often a command is decided anew after losing a race.
const MOST_ATTEMPTS: u32 = 8;

/// Everything that commands stand on.
pub struct Commands {
    /// The durable truth.
    pub store: Arc<dyn EventStore>,
    /// Tells the bus.
    pub publisher: Arc<dyn Publisher>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn Ids>,
    /// Keeps password hashes.
    pub credentials: Arc<dyn Credentials>,
    /// Makes password hashes.
    pub passwords: Arc<dyn PasswordHasher>,
    /// Ends the logins of users who lose them.
    pub logins: LoginSessions,
    /// Digests unique values; purpose `reservations`.
    pub reservations: Digester,
    /// What names, contacts and passwords may look like.
    pub rules: Arc<DirectoryRules>,
}

/// What a request says about itself, whatever it asks for.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// Who asks.
    pub caller: Caller,
    /// The request's id.
    pub correlation_id: Uuid,
    /// The W3C trace id.
    pub trace_id: Option<String>,
    /// The version that the caller last saw: if another stands, nothing happens.
    pub if_match: Option<Version>,
    /// The caller's idempotency key, digested.
    pub idempotency: Option<Idempotency>,
}

/// An idempotency key, bound to who used it on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Keyed digest of principal, method, path and key.
    pub key: Digest,
    /// Keyed digest of the body, secrets left out.
    pub body: Digest,
}

impl Idempotency {
    /// The id of what a keyed creation makes: the same for each repeat. A UUIDv8 (RFC 9562) made of the key's digest.
    pub fn id(&self) -> Uuid {
        uuid::Builder::from_custom_bytes(self.key.0).into_uuid()
    }
}

/// A command's answer.
#[derive(Debug, Clone)]
pub struct Done<R> {
    /// The thing as it stands now.
    pub record: R,
    /// What a query must have seen to show it.
    pub token: ConsistencyToken,
    /// Whether this repeats the answer to an earlier request with the same idempotency key.
    pub replayed: bool,
}

/// Something that can be asked of the desk.
pub trait Command: Send + Sync {
    /// What the decision leaves for the answer.
    type Decided: Send;
    /// What the caller gets to see.
    type Record: Send;

    /// Reads, decides and stages what is to be written. Runs again, with nothing staged, when a race was lost.
    fn attempt(&self, tx: &mut Transaction<'_>) -> impl Future<Output = Result<Self::Decided, CommandError>> + Send;

    /// Makes the answer, once everything is durable.
    fn answer(
        &self,
        desk: &Commands,
        decided: Self::Decided,
    ) -> impl Future<Output = Result<Self::Record, CommandError>> + Send;
}

impl Commands {
    /// Executes a command: all of it is durable when this returns, or nothing was changed.
    ///
    /// # Errors
    /// See [`CommandError`]. After `Unavailable` or `Internal` a change may yet have been stored; asking again with
    /// the same idempotency key finds out.
    pub async fn execute<C: Command>(
        &self,
        context: &CommandContext,
        command: C,
    ) -> Result<Done<C::Record>, CommandError> {
        for attempt in 0..MOST_ATTEMPTS {
            if attempt > 0 {
                metrics::counter!(CONFLICTS_RETRIED).increment(1);
                tokio::time::sleep(self.pause(attempt)).await;
            }
            let mut tx = Transaction::begin(self, context);
            let decided = command.attempt(&mut tx).await?;
            let (append, claims, replayed, token) = tx.finish();
            let commits = append.commits.clone();
            if !commits.is_empty() {
                match self.store.append(append).await {
                    Ok(()) => {}
                    // Our own commit: an earlier try was stored and only its answer was lost.
                    Err(AppendError::Conflict { winner, .. }) if commits.iter().any(|c| c.id == winner.id) => {}
                    Err(AppendError::Conflict { .. } | AppendError::Moved { .. }) => continue,
                    Err(AppendError::Taken(held)) => {
                        let pointers = claims.into_iter().filter(|(claim, _)| held.contains(claim));
                        return Err(CommandError::Taken(pointers.map(|(_, pointer)| pointer.to_owned()).collect()));
                    }
                    Err(AppendError::Unavailable(source)) => return Err(CommandError::Unavailable(source)),
                    Err(AppendError::Internal(source)) => return Err(CommandError::Internal(source)),
                }
            }
            let (record, ()) = tokio::join!(command.answer(self, decided), self.publish(&commits));
            return Ok(Done { record: record?, token, replayed });
        }
        Err(CommandError::ConcurrentChange)
    }

    /// A failed publication never fails a command that is durable: the audit finds what is missing.
    async fn publish(&self, commits: &[Commit]) {
        if commits.is_empty() {
            return;
        }
        if let Err(error) = self.publisher.publish(commits).await {
            let stream = commits.first().map(|commit| commit.stream.to_string());
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, event.stream = stream, "events were stored but not published");
            metrics::counter!(PUBLISH_FAILURES).increment(1);
        }
    }

    /// Full jitter up to 2, 4, 8, … ms, so that racers come apart.
    fn pause(&self, attempt: u32) -> Duration {
        let mut random = [0; 2];
        self.ids.fill(&mut random);
        let most_us = 1_000_u64 << attempt.min(6);
        Duration::from_micros(u64::from(u16::from_be_bytes(random)) * most_us / u64::from(u16::MAX))
    }

    /// The keyed digest under which a unique value is reserved.
    pub fn claim(&self, namespace: crate::ports::Namespace, value: &str) -> crate::ports::Claim {
        let value = eventdesk_domain::rules::normalise_unique(value);
        reservation(&self.reservations, namespace, &value)
    }
}

/// The reservation of a normalised unique value.
pub(crate) fn reservation(
    digester: &Digester,
    namespace: crate::ports::Namespace,
    normalised: &str,
) -> crate::ports::Claim {
    let value = digester.digest(&[namespace.as_str().as_bytes(), normalised.as_bytes()]);
    crate::ports::Claim { namespace, value }
}
