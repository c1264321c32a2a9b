//! What the service does now and then, and the emulator never.

use std::{sync::Arc, time::Instant};

use eventdesk_app::ports::{
    Append, AppendError, Commit, Credential, Credentials, EventStore, FailedLogins, IssuerKeyStore, LoginKey,
    SealedKey, StoreError,
};
use eventdesk_aws::dynamodb::{DynamoCredentials, DynamoFailedLogins, DynamoIssuerKeyStore};
use eventdesk_contract::event_store::samples::{
    append, commit, content, event, fill, head, name, refusal, ticket, uuid,
};
use eventdesk_events::{Timestamp, UserId, Version};
use serde_json::json;

use super::bed::Bed;
use crate::wire::Fault::{Answer, LoseAnswer, NeverArrives};

/// More than any call is tried.
const WITHOUT_END: usize = 100;

fn claiming(commit: Commit, byte: u8) -> Append {
    Append { claims: vec![(name(byte), commit.stream)], ..append(vec![commit]) }
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again() {
    let bed = Bed::new().await;
    let store = bed.store();
    let codes = [
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "InternalServerError",
        "TransactionConflictException",
    ];
    for (version, code) in (1..).zip(codes) {
        bed.wire.next_many(2, "PutItem", code);
        store.append(append(vec![commit(ticket(1), version)])).await.unwrap();
        assert_eq!(bed.wire.faults_left(), 0, "{code}");
        bed.wire.next_many(2, "Query", code);
        if code != "TransactionConflictException" {
            assert_eq!(head(&*store, ticket(1)).await, version);
        }
        bed.wire.heal();
    }
}

#[tokio::test]
async fn a_refusal_without_end_is_unavailable_and_never_a_conflict() {
    let bed = Bed::new().await;
    let store = bed.store();
    fill(&*store, ticket(1), 1).await;
    for code in ["ThrottlingException", "TransactionConflictException", "RequestLimitExceeded"] {
        let began = Instant::now();
        bed.wire.next_many(WITHOUT_END, "PutItem", code);
        let refused = refusal(&*store, append(vec![commit(ticket(1), 2)])).await;
        assert!(matches!(refused, AppendError::Unavailable(_)), "{code}: {refused:?}");
        bed.wire.next_many(WITHOUT_END, "TransactWriteItems", code);
        let refused = refusal(&*store, claiming(commit(ticket(1), 2), 1)).await;
        assert!(matches!(refused, AppendError::Unavailable(_)), "{code}: {refused:?}");
        assert!(began.elapsed().as_secs() < 10, "{code}: {:?}", began.elapsed());
        bed.wire.heal();
    }
    assert_eq!(head(&*store, ticket(1)).await, 1);
    bed.wire.next_many(WITHOUT_END, "Query", "ThrottlingException");
    let refused = store.head(ticket(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_transaction_that_others_got_in_the_way_of_is_tried_again_as_it_was() {
    let bed = Bed::new().await;
    let store = bed.store();
    // The parts: the commit, the claim.
    for (number, codes) in (1..).zip([
        ["TransactionConflict", "None"],
        ["None", "ThrottlingError"],
        ["None", "ProvisionedThroughputExceeded"],
    ]) {
        bed.wire.sent();
        bed.wire.cancel_many(3, &codes);
        store.append(claiming(commit(ticket(u64::from(number)), 1), number)).await.unwrap();
        assert_eq!(bed.wire.sent().len(), 4, "{codes:?}");
    }
    bed.wire.next_many(1, "TransactWriteItems", "TransactionInProgressException");
    store.append(claiming(commit(ticket(9), 1), 9)).await.unwrap();
    assert_eq!(store.holder(name(9)).await.unwrap(), Some(ticket(9)));
}

#[tokio::test]
async fn a_transaction_that_is_always_in_the_way_is_unavailable() {
    let bed = Bed::new().await;
    let store = bed.store();
    bed.wire.cancel_many(WITHOUT_END, &["TransactionConflict", "None"]);
    let refused = refusal(&*store, claiming(commit(ticket(1), 1), 1)).await;
    assert!(matches!(refused, AppendError::Unavailable(_)), "{refused:?}");
    bed.wire.heal();
    assert_eq!(head(&*store, ticket(1)).await, 0);
}

#[tokio::test]
async fn nothing_is_decided_while_a_part_is_undecided() {
    let bed = Bed::new().await;
    let store = bed.store();
    // The commit's item was busy, so that the value is taken is not the whole truth yet.
    bed.wire.cancel_many(1, &["TransactionConflict", "ConditionalCheckFailed"]);
    store.append(claiming(commit(ticket(1), 1), 1)).await.unwrap();
    // That a commit is there cannot change any more.
    let own = store.head(ticket(1)).await.unwrap().unwrap();
    bed.wire.cancel_many(1, &["ConditionalCheckFailed", "TransactionConflict"]);
    let refused = refusal(&*store, claiming(commit(ticket(1), 1), 1)).await;
    // This answer brings no item, so the winner was read.
    assert!(matches!(refused, AppendError::Conflict { winner, .. } if content(&winner) == content(&own)));
}

#[tokio::test]
async fn a_lost_answer_is_found_by_the_commits_own_id() {
    let bed = Bed::new().await;
    let store = bed.store();
    for (operation, number) in [("PutItem", 1), ("TransactWriteItems", 2)] {
        let mine = commit(ticket(number), 1);
        let whole = match operation {
            "PutItem" => append(vec![mine.clone()]),
            _ => claiming(mine.clone(), 1),
        };
        bed.wire.next(operation, LoseAnswer);
        let refused = refusal(&*store, whole).await;
        assert!(matches!(refused, AppendError::Conflict { winner, .. } if winner.id == mine.id), "{operation}");
        assert_eq!(bed.wire.faults_left(), 0);
        assert_eq!(head(&*store, ticket(number)).await, 1);
    }
}

#[tokio::test]
async fn a_lost_request_is_sent_again() {
    let bed = Bed::new().await;
    let store = bed.store();
    bed.wire.next("PutItem", NeverArrives);
    fill(&*store, ticket(1), 1).await;
    bed.wire.next("Query", NeverArrives);
    assert_eq!(head(&*store, ticket(1)).await, 1);
}

#[tokio::test]
async fn what_retrying_cannot_mend_is_told_at_once_and_what_operators_can_mend_is_worth_another_try() {
    let bed = Bed::new().await;
    let store = bed.store();
    for (code, passes) in
        [("AccessDeniedException", true), ("ResourceNotFoundException", true), ("ValidationException", false)]
    {
        bed.wire.sent();
        bed.wire.next_many(1, "PutItem", code);
        let refused = refusal(&*store, append(vec![commit(ticket(1), 1)])).await;
        assert_eq!(matches!(refused, AppendError::Unavailable(_)), passes, "{code}: {refused:?}");
        assert_eq!(matches!(refused, AppendError::Internal(_)), !passes, "{code}: {refused:?}");
        bed.wire.next_many(1, "Query", code);
        let unread = store.head(ticket(1)).await;
        assert_eq!(matches!(unread, Err(StoreError::Unavailable(_))), passes, "{code}: {unread:?}");
        assert_eq!(matches!(unread, Err(StoreError::Internal(_))), !passes, "{code}: {unread:?}");
        assert_eq!(bed.wire.sent().len(), 2, "{code}");
    }
}

#[tokio::test]
async fn keys_that_a_batch_left_unread_are_asked_for_again() {
    let bed = Bed::new().await;
    let store = bed.store();
    let written = fill(&*store, ticket(1), 4).await;
    let keys: Vec<_> = written.iter().map(|commit| (commit.stream, commit.version)).collect();
    for _ in 0..3 {
        bed.wire.next("BatchGetItem", nothing_read());
    }
    let found = store.read_many(&keys).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|found| content(&found.unwrap())).collect();
    assert_eq!(found, written.iter().map(content).collect::<Vec<_>>());
    for _ in 0..WITHOUT_END {
        bed.wire.next("BatchGetItem", nothing_read());
    }
    assert!(matches!(store.read_many(&keys).await, Err(StoreError::Unavailable(_))));
}

fn nothing_read() -> crate::wire::Fault {
    Answer(Box::new(|request| json!({ "Responses": {}, "UnprocessedKeys": request["RequestItems"] })))
}

#[tokio::test]
async fn what_is_created_once_knows_its_own_after_a_lost_answer() {
    let bed = Bed::new().await;
    let credentials = DynamoCredentials::new(bed.client.clone(), &bed.tables.identity);
    let user = UserId::from_uuid(uuid(1));
    let of = |salt: &str| Credential { hash: format!("$argon2id${salt}"), set_at: Timestamp::from_millis(1) };
    bed.wire.next("PutItem", LoseAnswer);
    assert!(credentials.create(user, of("a")).await.unwrap());
    assert!(!credentials.create(user, of("b")).await.unwrap());
    let keys = DynamoIssuerKeyStore::new(bed.client.clone(), &bed.tables.identity);
    let of = |kid: &str| {
        let made_at = Timestamp::from_millis(1);
        SealedKey { number: 1, kid: kid.to_owned(), made_at, sealed: vec![1] }
    };
    bed.wire.next("PutItem", LoseAnswer);
    assert!(keys.create(of("a")).await.unwrap());
    assert!(!keys.create(of("b")).await.unwrap());
    assert_eq!(bed.wire.faults_left(), 0);
}

#[tokio::test]
async fn a_counter_ends_by_itself_and_a_full_bucket_costs_two_calls() {
    let bed = Bed::new().await;
    let counted = DynamoFailedLogins::new(bed.client.clone(), &bed.tables.identity);
    let key = LoginKey::Network([192, 0, 2, 1].into());
    let (now, latest) = (Timestamp::from_millis(1_000_500), Timestamp::from_millis(1_060_500));
    bed.wire.sent();
    assert!(counted.take(key, 30_000, now, latest).await.unwrap());
    assert_eq!(bed.wire.sent(), ["UpdateItem", "UpdateItem"]);
    assert!(counted.take(key, 30_000, now, latest).await.unwrap());
    assert!(!counted.take(key, 30_000, now, latest).await.unwrap());
    assert_eq!(bed.wire.sent(), ["UpdateItem", "UpdateItem"]);
    let items = bed.client.scan().table_name(&bed.tables.identity).send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["expires"].as_n().unwrap(), "1120");
}

#[tokio::test]
async fn a_block_whose_answer_was_lost_is_skipped() {
    let bed = Bed::new().await;
    let store = bed.store();
    bed.wire.next("UpdateItem", LoseAnswer);
    assert_eq!(store.next_ticket_number().await.unwrap(), 101);
    assert_eq!(bed.store().next_ticket_number().await.unwrap(), 201, "another process has another block");
    assert_eq!(store.next_ticket_number().await.unwrap(), 102);
}

#[tokio::test]
async fn a_hundred_numbers_cost_one_call() {
    let bed = Bed::new().await;
    let store = bed.store();
    bed.wire.sent();
    for number in 1..=100 {
        assert_eq!(store.next_ticket_number().await.unwrap(), number);
    }
    assert_eq!(bed.wire.sent(), ["UpdateItem"]);
}

#[tokio::test]
async fn a_commit_that_is_too_large_is_refused_and_named() {
    let bed = Bed::new().await;
    let store = bed.store();
    let mut large = commit(ticket(1), 1);
    large.events = vec![event(&format!("\"{}\"", "x".repeat(390_000)), None)];
    bed.wire.sent();
    let refused = refusal(&*store, append(vec![large])).await;
    let AppendError::Internal(cause) = refused else { panic!("{refused:?}") };
    let text = cause.to_string();
    assert!(text.contains(&ticket(1).to_string()) && text.contains("bytes"), "{text}");
    assert_eq!(bed.wire.sent().len(), 0);
}

#[tokio::test]
async fn a_process_that_has_not_read_the_stream_asks_once_for_the_version_before() {
    let bed = Bed::new().await;
    fill(&*bed.store(), ticket(1), 3).await;
    bed.wire.sent();
    let store = bed.store();
    store.append(append(vec![commit(ticket(1), 4)])).await.unwrap();
    assert_eq!(bed.wire.sent(), ["BatchGetItem", "PutItem"]);
    store.append(append(vec![commit(ticket(1), 5)])).await.unwrap();
    assert_eq!(bed.wire.sent(), ["PutItem"]);
    let store = bed.store();
    store.head(ticket(1)).await.unwrap();
    store.append(append(vec![commit(ticket(1), 6)])).await.unwrap();
    assert_eq!(bed.wire.sent(), ["Query", "PutItem"]);
}

#[tokio::test]
async fn a_value_that_another_holds_is_left_out_of_the_releases() {
    let bed = Bed::new().await;
    let store = bed.store();
    store.append(claiming(commit(ticket(1), 1), 1)).await.unwrap();
    bed.wire.sent();
    let releases = vec![(name(1), ticket(2)), (name(2), ticket(2))];
    store.append(Append { releases, ..append(vec![commit(ticket(2), 1)]) }).await.unwrap();
    assert_eq!(bed.wire.sent(), ["TransactWriteItems", "TransactWriteItems"]);
    assert_eq!(store.holder(name(1)).await.unwrap(), Some(ticket(1)));
    assert_eq!(head(&*store, ticket(2)).await, 1);
}

#[tokio::test]
async fn what_failed_says_nothing_of_stored_texts() {
    let bed = Bed::new().await;
    let store: Arc<dyn EventStore> = bed.store();
    let item = json!({ "private": { "S": "confidential" } });
    let reasons = json!([{ "Code": "TransactionConflict", "Item": item }, { "Code": "None" }]);
    for _ in 0..WITHOUT_END {
        let body = json!({ "CancellationReasons": reasons.clone() });
        bed.wire.next("TransactWriteItems", crate::wire::Fault::Refuse("TransactionCanceledException", body));
    }
    let refused = refusal(&*store, claiming(commit(ticket(1), 1), 1)).await;
    assert!(!format!("{refused:?}").contains("confidential"), "{refused:?}");
    assert!(store.read(ticket(1), Version::FIRST, 1).await.unwrap().is_empty());
}
