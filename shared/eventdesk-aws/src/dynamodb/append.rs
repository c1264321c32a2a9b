//! Appends: one conditional put where that is enough, else one transaction.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure,
        TransactWriteItem,
    },
};
use eventdesk_app::ports::{Append, AppendError, Claim, Commit, EventStore};
use eventdesk_events::{StreamId, Version};

use super::{
    DynamoEventStore,
    fault::{IntoAppend, Misuse, StillBusy, append_failed, is_busy, pause},
    item::{HOLDER, Item, STREAM, commit, commit_item, item_bytes, key, text},
    store::claim_key,
};

/// The most bytes of a commit's item. The service's own limit is 409,600.
const MOST_ITEM_BYTES: usize = 380 * 1024;
/// How often a write is tried that others' transactions get in the way of.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

const IS_NEW: &str = "attribute_not_exists(#stream)";

/// What one part of a transaction is for.
#[derive(Clone, Copy)]
enum Part<'a> {
    Commit(&'a Commit),
    Absent(StreamId, Version),
    Claim(Claim),
    Release(Claim),
}

/// What is to be done after a transaction was cancelled.
enum Verdict {
    Refuse(AppendError),
    /// Others were busy with the same items.
    TryAgain,
    /// These values are held by others: they are not ours to free.
    LeaveOut(Vec<Claim>),
}

impl DynamoEventStore {
    pub(super) async fn write(&self, append: Append) -> Result<(), AppendError> {
        let Append { commits, absent, claims, releases, ticket_number: _ } = &append;
        require_sound(commits)?;
        self.require_predecessors(commits).await?;
        if let Some(contested) = contested(claims) {
            return Err(self.refusal(&append, contested).await?);
        }
        match commits.as_slice() {
            [] if absent.is_empty() && claims.is_empty() && releases.is_empty() => return Ok(()),
            [commit] if absent.is_empty() && claims.is_empty() && releases.is_empty() => self.put(commit).await?,
            _ => self.transact(&append).await?,
        }
        for commit in commits {
            self.remember(commit.stream, commit.version);
        }
        Ok(())
    }

    /// Each version must be its stream's next. Who writes has read the version before, or written it, as a rule in
    /// this process; then nothing is asked.
    async fn require_predecessors(&self, commits: &[Commit]) -> Result<(), AppendError> {
        let before = |commit: &Commit| (commit.stream, Version::new(commit.version.get() - 1));
        let unknown: Vec<_> =
            commits.iter().map(before).filter(|(stream, version)| !self.exists(*stream, *version)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found = self.read_many(&unknown).await.map_err(IntoAppend::into_append)?;
        for ((stream, version), found) in unknown.into_iter().zip(found) {
            if found.is_none() {
                return Err(internal(Misuse::NotNext { stream, version: version.next() }));
            }
            self.remember(stream, version);
        }
        Ok(())
    }

    async fn put(&self, commit: &Commit) -> Result<(), AppendError> {
        let mut tries = 1;
        loop {
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(bounded_item(commit)?))
                .condition_expression(IS_NEW)
                .expression_attribute_names("#stream", STREAM)
                .return_values_on_condition_check_failure(OnFailure::AllOld);
            match put.send().await {
                Ok(_) => return Ok(()),
                Err(SdkError::ServiceError(refused)) if refused.err().is_conditional_check_failed_exception() => {
                    let item = match refused.into_err() {
                        PutItemError::ConditionalCheckFailedException(failed) => failed.item,
                        _ => None,
                    };
                    return Err(self.conflict(commit, item).await?);
                }
                // Its own answer: nothing was written, and the client does not try it again by itself.
                Err(error) if error.code() == Some("TransactionConflictException") => {
                    self.wait_or_give_up(&mut tries, error).await?;
                }
                Err(error) => return Err(append_failed(error)),
            }
        }
    }

    async fn transact(&self, append: &Append) -> Result<(), AppendError> {
        let mut left_out = Vec::new();
        let mut tries = 1;
        loop {
            let parts = parts(append, &left_out);
            let items: Result<Vec<_>, _> = parts.iter().map(|part| self.transact_item(*part, append)).collect();
            let items = items?;
            if items.is_empty() {
                return Ok(());
            }
            let Err(error) = self.client.transact_write_items().set_transact_items(Some(items)).send().await else {
                return Ok(());
            };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons()
                }
                _ if matches!(
                    error.code(),
                    Some("TransactionInProgressException" | "TransactionConflictException")
                ) =>
                {
                    self.wait_or_give_up(&mut tries, error).await?;
                    continue;
                }
                _ => return Err(append_failed(error)),
            };
            match self.verdict(&parts, reasons).await? {
                // The error itself goes no further: it holds stored items.
                Some(Verdict::Refuse(refusal)) => return Err(refusal),
                Some(Verdict::TryAgain) => self.wait_or_give_up(&mut tries, error).await?,
                Some(Verdict::LeaveOut(held)) => left_out.extend(held),
                None => return Err(append_failed(error)),
            }
        }
    }

    /// `Conflict` before all; then, if anything is undecided, nothing; then `Moved` before `Taken`.
    async fn verdict(
        &self,
        parts: &[Part<'_>],
        reasons: &[CancellationReason],
    ) -> Result<Option<Verdict>, AppendError> {
        let failed = || parts.iter().zip(reasons).filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"));
        for (part, reason) in failed() {
            if let Part::Commit(commit) = part {
                return Ok(Some(Verdict::Refuse(self.conflict(commit, reason.item.clone()).await?)));
            }
        }
        let busy = ["TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"];
        if reasons.iter().any(|reason| reason.code().is_some_and(|code| busy.contains(&code))) {
            return Ok(Some(Verdict::TryAgain));
        }
        for (part, _) in failed() {
            if let Part::Absent(stream, version) = part {
                self.remember(*stream, *version);
                return Ok(Some(Verdict::Refuse(AppendError::Moved { stream: *stream, version: *version })));
            }
        }
        let taken: Vec<_> =
            failed().filter_map(|(part, _)| if let Part::Claim(claim) = part { Some(*claim) } else { None }).collect();
        if !taken.is_empty() {
            return Ok(Some(Verdict::Refuse(AppendError::Taken(taken))));
        }
        let held: Vec<_> = failed()
            .filter_map(|(part, _)| if let Part::Release(claim) = part { Some(*claim) } else { None })
            .collect();
        Ok((!held.is_empty()).then_some(Verdict::LeaveOut(held)))
    }

    async fn conflict(&self, ours: &Commit, winner: Option<Item>) -> Result<AppendError, AppendError> {
        let (stream, version) = (ours.stream, ours.version);
        let winner = match winner {
            Some(item) => Some(commit(item).map_err(internal)?),
            None => self
                .read_many(&[(stream, version)])
                .await
                .map_err(IntoAppend::into_append)?
                .into_iter()
                .next()
                .flatten(),
        };
        self.remember(stream, version);
        let winner = winner.ok_or_else(|| internal(Misuse::NotNext { stream, version }))?;
        Ok(AppendError::Conflict { stream, version, winner: Box::new(winner) })
    }

    /// Why an append is refused that gives one value to two streams and so is never sent.
    async fn refusal(&self, append: &Append, mut taken: Vec<Claim>) -> Result<AppendError, AppendError> {
        let keys: Vec<_> = append.commits.iter().map(|commit| (commit.stream, commit.version)).collect();
        let written = self.read_many(&keys).await.map_err(IntoAppend::into_append)?;
        if let Some(winner) = written.into_iter().flatten().next() {
            return Ok(AppendError::Conflict {
                stream: winner.stream,
                version: winner.version,
                winner: Box::new(winner),
            });
        }
        let moved = self.read_many(&append.absent).await.map_err(IntoAppend::into_append)?;
        if let Some(found) = moved.into_iter().flatten().next() {
            return Ok(AppendError::Moved { stream: found.stream, version: found.version });
        }
        for (claim, stream) in &append.claims {
            let holder = self.holder(*claim).await.map_err(IntoAppend::into_append)?;
            let freed = |holder| append.releases.contains(&(*claim, holder));
            if !taken.contains(claim) && holder.is_some_and(|holder| holder != *stream && !freed(holder)) {
                taken.push(*claim);
            }
        }
        Ok(AppendError::Taken(taken))
    }

    async fn wait_or_give_up<E>(&self, tries: &mut u32, error: SdkError<E>) -> Result<(), AppendError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        if *tries == TRIES {
            // A cancelled transaction's error holds stored items, texts among them: it is not to reach a log.
            let source: Option<Box<dyn std::error::Error + Send + Sync>> =
                if is_busy(&error) { Some(Box::new(error)) } else { None };
            return Err(AppendError::Unavailable(Box::new(StillBusy { tries: *tries, source })));
        }
        pause(FIRST_PAUSE, *tries - 1).await;
        *tries += 1;
        Ok(())
    }

    fn transact_item(&self, part: Part<'_>, append: &Append) -> Result<TransactWriteItem, AppendError> {
        let item = TransactWriteItem::builder();
        Ok(match part {
            Part::Commit(commit) => {
                let put = Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(bounded_item(commit)?))
                    .condition_expression(IS_NEW)
                    .expression_attribute_names("#stream", STREAM)
                    .return_values_on_condition_check_failure(OnFailure::AllOld);
                item.put(put.build().map_err(unbuilt)?).build()
            }
            Part::Absent(stream, version) => {
                let check = ConditionCheck::builder()
                    .table_name(&self.table)
                    .set_key(Some(key(stream, version)))
                    .condition_expression(IS_NEW)
                    .expression_attribute_names("#stream", STREAM);
                item.condition_check(check.build().map_err(unbuilt)?).build()
            }
            Part::Claim(claim) => {
                let claimant = append.claims.iter().find(|(other, _)| *other == claim).map(|(_, stream)| *stream);
                let (condition, values) = held_by(releasers(append, claim).chain(claimant));
                let mut reservation = claim_key(claim);
                reservation.extend(claimant.map(|stream| (HOLDER.to_owned(), text(stream.to_string()))));
                let put = Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(reservation))
                    .condition_expression(condition)
                    .expression_attribute_names("#stream", STREAM)
                    .expression_attribute_names("#holder", HOLDER)
                    .set_expression_attribute_values(Some(values));
                item.put(put.build().map_err(unbuilt)?).build()
            }
            Part::Release(claim) => {
                let (condition, values) = held_by(releasers(append, claim));
                let delete = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(claim_key(claim)))
                    .condition_expression(condition)
                    .expression_attribute_names("#stream", STREAM)
                    .expression_attribute_names("#holder", HOLDER)
                    .set_expression_attribute_values(Some(values));
                item.delete(delete.build().map_err(unbuilt)?).build()
            }
        })
    }
}

/// The parts of an append, each item once: a transaction that names an item twice is refused.
fn parts<'a>(append: &'a Append, left_out: &[Claim]) -> Vec<Part<'a>> {
    let mut parts: Vec<_> = append.commits.iter().map(Part::Commit).collect();
    let mut absent = append.absent.clone();
    absent.sort_unstable();
    absent.dedup();
    // Version 0 never exists, and that a commit's own version must not exist is its condition already.
    absent.retain(|(stream, version)| {
        *version > Version::NONE && !append.commits.iter().any(|c| (c.stream, c.version) == (*stream, *version))
    });
    parts.extend(absent.into_iter().map(|(stream, version)| Part::Absent(stream, version)));
    let mut claims: Vec<Claim> = Vec::new();
    for (claim, _) in &append.claims {
        if !claims.contains(claim) {
            claims.push(*claim);
        }
    }
    let mut releases: Vec<Claim> = Vec::new();
    for (claim, _) in &append.releases {
        if ![&claims, &releases].iter().any(|seen| seen.contains(claim)) && !left_out.contains(claim) {
            releases.push(*claim);
        }
    }
    parts.extend(claims.into_iter().map(Part::Claim));
    parts.extend(releases.into_iter().map(Part::Release));
    parts
}

fn releasers(append: &Append, claim: Claim) -> impl Iterator<Item = StreamId> {
    append.releases.iter().filter(move |(other, _)| *other == claim).map(|(_, stream)| *stream)
}

/// The condition that a reservation is free or held by one of `streams`.
fn held_by(streams: impl Iterator<Item = StreamId>) -> (String, Item) {
    let mut condition = IS_NEW.to_owned();
    let mut values = HashMap::new();
    for (index, stream) in streams.enumerate() {
        let name = format!(":holder{index}");
        condition = format!("{condition} OR #holder = {name}");
        values.insert(name, text(stream.to_string()));
    }
    (condition, values)
}

/// Values that are claimed for more than one stream, if any.
fn contested(claims: &[(Claim, StreamId)]) -> Option<Vec<Claim>> {
    let mut contested: Vec<Claim> = Vec::new();
    for (index, (claim, stream)) in claims.iter().enumerate() {
        let differs = claims[..index].iter().any(|(other, holder)| other == claim && holder != stream);
        if differs && !contested.contains(claim) {
            contested.push(*claim);
        }
    }
    (!contested.is_empty()).then_some(contested)
}

fn require_sound(commits: &[Commit]) -> Result<(), AppendError> {
    for (index, Commit { stream, version, .. }) in commits.iter().enumerate() {
        if *version == Version::NONE {
            return Err(internal(Misuse::NotNext { stream: *stream, version: *version }));
        }
        if commits[..index].iter().any(|earlier| earlier.stream == *stream) {
            return Err(internal(Misuse::WrittenTwice(*stream)));
        }
    }
    Ok(())
}

fn bounded_item(commit: &Commit) -> Result<Item, AppendError> {
    let item = commit_item(commit).map_err(internal)?;
    let bytes = item_bytes(&item);
    if bytes > MOST_ITEM_BYTES {
        let (stream, version) = (commit.stream, commit.version);
        return Err(internal(Misuse::TooLarge { stream, version, bytes, most: MOST_ITEM_BYTES }));
    }
    Ok(item)
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> AppendError {
    AppendError::Internal(Box::new(error))
}

fn unbuilt(error: BuildError) -> AppendError {
    internal(error)
}
