//! Ticket numbers.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::{collections::BTreeSet, sync::Arc};

use eventdesk_app::ports::{Append, EventStore};

use super::samples::{append, commit, ticket};

async fn number(store: &dyn EventStore) -> u64 {
    store.next_ticket_number().await.expect("numbers do not run out")
}

/// Nobody is given the number of another.
pub async fn numbers_are_unique_under_parallel_callers(store: Arc<dyn EventStore>) {
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut numbers = Vec::new();
                for _ in 0..25 {
                    numbers.push(number(&*store).await);
                }
                numbers
            })
        })
        .collect();
    let mut all = BTreeSet::new();
    for caller in callers {
        all.extend(caller.await.expect("callers do not panic"));
    }
    assert_eq!(all.len(), 500);
    assert!(all.first().is_some_and(|first| *first >= 1));
}

/// A number that a commit used stays used.
pub async fn a_used_number_is_never_given_again(store: Arc<dyn EventStore>) {
    let mut used = BTreeSet::new();
    for stream in 1..=20 {
        let number = number(&*store).await;
        assert!(used.insert(number), "{number} was used");
        let ticket_number = Some(number);
        store.append(Append { ticket_number, ..append(vec![commit(ticket(stream), 1)]) }).await.expect("it is new");
    }
}
