//! Erasure, beside what replays have left.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use eventdesk_app::{
    audit::Consumers,
    erasure::Erasure,
    ports::{DeadLetters, Letter, QueueError},
    projections::MESSAGES,
};
use eventdesk_events::{Envelope, StreamId, user::Role};

use crate::desk::{Desk, drop_half, scenarios};

scenarios!(of_a_generation_whose_dropping_was_interrupted_nothing_stays);

/// Queues in which nothing is, neither alive nor dead.
struct NoQueues;

#[async_trait]
impl Consumers for NoQueues {
    async fn waiting(&self, _: &str) -> Result<u64, QueueError> {
        Ok(0)
    }

    async fn nudge(&self, _: &str, _: &[Envelope]) -> Result<(), QueueError> {
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for NoQueues {
    async fn list(&self, _: &str, _: usize) -> Result<Vec<Letter>, QueueError> {
        Ok(Vec::new())
    }

    async fn count(&self, _: &str) -> Result<u64, QueueError> {
        Ok(0)
    }

    async fn put_back(&self, _: &str, _: &[String]) -> Result<u64, QueueError> {
        Ok(0)
    }

    async fn strip(&self, _: &str, _: &BTreeSet<StreamId>) -> Result<u64, QueueError> {
        Ok(0)
    }

    async fn discard(&self, _: &str, _: &[String]) -> Result<u64, QueueError> {
        Ok(0)
    }
}

fn erasure(desk: &Desk) -> Erasure {
    Erasure {
        commands: Arc::new(desk.commands_over(desk.store.clone())),
        private: desk.private.clone(),
        scan: desk.scan.clone(),
        views: desk.generations.clone(),
        consumers: Arc::new(NoQueues),
        letters: Arc::new(NoQueues),
        patience: Duration::ZERO,
        settled: Duration::ZERO,
    }
}

async fn of_a_generation_whose_dropping_was_interrupted_nothing_stays(desk: Desk) {
    let (requester, employee) = desk.requester().await;
    let staff = desk.user(&[Role::Support]).await;
    let ticket = desk.ticket(&requester, employee).await.id;
    let message = desk.post(&staff, ticket).await.id.to_string();
    desk.project().await;
    let said = desk.views.get(&MESSAGES, &[&message]).await.unwrap().pop().flatten().unwrap();
    let beside = desk.generations.make_generation(&MESSAGES).await.unwrap();
    desk.generations.fill(&MESSAGES, beside, vec![said.clone()].into()).await.unwrap();
    drop_half(&*desk.generations, &MESSAGES).await;

    assert!(erasure(&desk).run(staff.id.uuid()).await.unwrap().changed_documents > 0);
    let left = desk.views.get(&MESSAGES, &[&message]).await.unwrap().pop().flatten().unwrap();
    assert_ne!(left.body, said.body);
    // What is left of a generation keeps its number.
    assert_eq!(desk.generations.make_generation(&MESSAGES).await.unwrap(), beside);
}
