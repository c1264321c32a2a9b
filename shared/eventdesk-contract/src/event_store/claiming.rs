//! Unique values.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::ports::{Append, AppendError, Claim, EventStore, Namespace};
use eventdesk_events::StreamId;

use super::samples::{append, commit, name, refusal, ticket};

async fn claim(store: &dyn EventStore, claims: &[(Claim, StreamId)]) {
    store.append(Append { claims: claims.to_vec(), ..Append::default() }).await.expect("the values are free");
}

async fn holder(store: &dyn EventStore, claim: Claim) -> Option<StreamId> {
    store.holder(claim).await.expect("reads succeed")
}

/// A value is held by the stream it was claimed for, in its namespace alone.
pub async fn a_claimed_value_has_a_holder(store: Arc<dyn EventStore>) {
    assert_eq!(holder(&*store, name(1)).await, None);
    let claims = vec![(name(1), ticket(1))];
    store.append(Append { claims, ..append(vec![commit(ticket(1), 1)]) }).await.expect("the value is free");
    assert_eq!(holder(&*store, name(1)).await, Some(ticket(1)));
    let namespaces = [
        Namespace::UserEmail,
        Namespace::UserPhone,
        Namespace::EmployeeEmail,
        Namespace::EmployeePhone,
        Namespace::EmployeeUser,
    ];
    for (number, namespace) in (2..).zip(namespaces) {
        let same_value = Claim { namespace, ..name(1) };
        assert_eq!(holder(&*store, same_value).await, None);
        claim(&*store, &[(same_value, ticket(number))]).await;
        assert_eq!(holder(&*store, same_value).await, Some(ticket(number)));
    }
    assert_eq!(holder(&*store, name(1)).await, Some(ticket(1)));
}

/// Its holder may claim a value again.
pub async fn a_value_held_already_may_be_claimed_again(store: Arc<dyn EventStore>) {
    claim(&*store, &[(name(1), ticket(1))]).await;
    claim(&*store, &[(name(1), ticket(1)), (name(1), ticket(1)), (name(2), ticket(1))]).await;
    assert_eq!(holder(&*store, name(1)).await, Some(ticket(1)));
    assert_eq!(holder(&*store, name(2)).await, Some(ticket(1)));
}

/// A refusal names every value that is taken, and no other.
pub async fn all_taken_values_are_named(store: Arc<dyn EventStore>) {
    claim(&*store, &[(name(1), ticket(1)), (name(2), ticket(1)), (name(3), ticket(2))]).await;
    let claims = [1, 2, 3, 4].map(|byte| (name(byte), ticket(2))).to_vec();
    let refused = refusal(&*store, Append { claims, ..append(vec![commit(ticket(2), 1)]) }).await;
    let AppendError::Taken(taken) = refused else { panic!("not taken: {refused:?}") };
    assert_eq!(taken, [name(1), name(2)]);
    assert_eq!(holder(&*store, name(4)).await, None);
}

/// What its holder releases, another may claim.
pub async fn a_released_value_is_free(store: Arc<dyn EventStore>) {
    claim(&*store, &[(name(1), ticket(1)), (name(2), ticket(1))]).await;
    let releases = vec![(name(1), ticket(1))];
    store.append(Append { releases, ..Append::default() }).await.expect("releases succeed");
    assert_eq!(holder(&*store, name(1)).await, None);
    assert_eq!(holder(&*store, name(2)).await, Some(ticket(1)));
    claim(&*store, &[(name(1), ticket(2))]).await;
    assert_eq!(holder(&*store, name(1)).await, Some(ticket(2)));
}

/// A value released and claimed in one append goes over without a gap.
pub async fn a_value_may_change_hands_in_one_append(store: Arc<dyn EventStore>) {
    claim(&*store, &[(name(1), ticket(1))]).await;
    let handover = Append {
        claims: vec![(name(1), ticket(2))],
        releases: vec![(name(1), ticket(1))],
        ..append(vec![commit(ticket(1), 1), commit(ticket(2), 1)])
    };
    store.append(handover).await.expect("the holder lets go");
    assert_eq!(holder(&*store, name(1)).await, Some(ticket(2)));
    // Held on when both are for one stream.
    let kept = Append { claims: vec![(name(1), ticket(2))], releases: vec![(name(1), ticket(2))], ..Append::default() };
    store.append(kept).await.expect("the holder may claim");
    assert_eq!(holder(&*store, name(1)).await, Some(ticket(2)));
}

/// Freeing what is free or held by another stream is no error and changes nothing.
pub async fn nobody_frees_the_value_of_another(store: Arc<dyn EventStore>) {
    claim(&*store, &[(name(1), ticket(1))]).await;
    let releases = vec![(name(1), ticket(2)), (name(2), ticket(2))];
    store.append(Append { releases: releases.clone(), ..Append::default() }).await.expect("releases succeed");
    assert_eq!(holder(&*store, name(1)).await, Some(ticket(1)));
    let theft = Append { claims: vec![(name(1), ticket(2))], releases, ..Append::default() };
    assert!(matches!(refusal(&*store, theft).await, AppendError::Taken(taken) if taken == [name(1)]));
    assert_eq!(holder(&*store, name(1)).await, Some(ticket(1)));
}

/// One value cannot be held by two streams, not even by one append.
pub async fn an_append_cannot_give_one_value_to_two_streams(store: Arc<dyn EventStore>) {
    let claims = vec![(name(1), ticket(1)), (name(1), ticket(2))];
    let refused = refusal(&*store, Append { claims, ..Append::default() }).await;
    assert!(matches!(refused, AppendError::Taken(taken) if taken == [name(1)]));
    assert_eq!(holder(&*store, name(1)).await, None);
}

/// Of many that claim one value at once exactly one gets it, with its commit.
pub async fn one_of_fifty_claimants_wins(store: Arc<dyn EventStore>) {
    let claimants: Vec<_> = (1..=50)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let claims = vec![(name(1), ticket(number))];
                (number, store.append(Append { claims, ..append(vec![commit(ticket(number), 1)]) }).await)
            })
        })
        .collect();
    let mut winner = None;
    for claimant in claimants {
        match claimant.await.expect("claimants do not panic") {
            (number, Ok(())) => assert_eq!(winner.replace(number), None, "two have it"),
            (number, Err(AppendError::Taken(taken))) => {
                assert_eq!(taken, [name(1)]);
                assert!(store.head(ticket(number)).await.expect("reads succeed").is_none());
            }
            (_, Err(error)) => panic!("neither claimed nor taken: {error:?}"),
        }
    }
    let winner = ticket(winner.expect("one has it"));
    assert_eq!(holder(&*store, name(1)).await, Some(winner));
    assert!(store.head(winner).await.expect("reads succeed").is_some());
}
