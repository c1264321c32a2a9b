//! Appends: versions, conflicts, all or nothing.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::ports::{Append, AppendError, EventStore};
use eventdesk_events::Version;

use super::samples::{append, commit, content, fill, head, name, refusal, ticket, versions};

/// Only a stream's next version can be written.
pub async fn versions_are_gapless(store: Arc<dyn EventStore>) {
    for version in [0, 2, 3, u64::MAX] {
        refusal(&*store, append(vec![commit(ticket(1), version)])).await;
    }
    fill(&*store, ticket(1), 2).await;
    for version in [0, 4, u64::MAX] {
        refusal(&*store, append(vec![commit(ticket(1), version)])).await;
    }
    let stored = store.read(ticket(1), Version::FIRST, 10).await.expect("reads succeed");
    assert_eq!(versions(&stored), [1, 2]);
}

/// Who comes second learns what stands in its place, however far the stream has moved on.
pub async fn a_conflict_returns_the_winner(store: Arc<dyn EventStore>) {
    let stored = fill(&*store, ticket(1), 3).await;
    for expected in stored {
        let late = commit(ticket(1), expected.version.get());
        let refused = refusal(&*store, append(vec![late])).await;
        let AppendError::Conflict { stream, version, winner } = refused else { panic!("not a conflict: {refused:?}") };
        assert_eq!((stream, version), (ticket(1), expected.version));
        assert_eq!(content(&winner), content(&expected));
    }
}

/// A try whose answer was lost recognises its commit by the winner's id.
pub async fn a_repeat_finds_its_own_commit(store: Arc<dyn EventStore>) {
    let mine = commit(ticket(1), 1);
    store.append(append(vec![mine.clone()])).await.expect("the stream is new");
    let refused = refusal(&*store, append(vec![mine.clone()])).await;
    assert!(matches!(refused, AppendError::Conflict { winner, .. } if winner.id == mine.id));
    assert_eq!(head(&*store, ticket(1)).await, 1);
}

/// A version that must not exist refuses the append when it does, and only then.
pub async fn a_stream_that_moved_is_named(store: Arc<dyn EventStore>) {
    fill(&*store, ticket(1), 2).await;
    for version in [1, 2] {
        let absent = vec![(ticket(9), Version::FIRST), (ticket(1), Version::new(version))];
        let refused = refusal(&*store, Append { absent, ..append(vec![commit(ticket(2), 1)]) }).await;
        let AppendError::Moved { stream, version: found } = refused else { panic!("not moved: {refused:?}") };
        assert_eq!((stream, found.get()), (ticket(1), version));
        assert_eq!(head(&*store, ticket(2)).await, 0);
    }
    let absent = vec![(ticket(1), Version::new(3))];
    store.append(Append { absent, ..append(vec![commit(ticket(2), 1)]) }).await.expect("version 3 is absent");
    assert_eq!(head(&*store, ticket(1)).await, 2);
}

/// The first reason in this order is the one reported.
pub async fn conflict_comes_before_moved_before_taken(store: Arc<dyn EventStore>) {
    fill(&*store, ticket(1), 1).await;
    let claims = vec![(name(1), ticket(1))];
    store.append(Append { claims, ..Append::default() }).await.expect("the name is free");
    let everything = Append {
        commits: vec![commit(ticket(2), 1), commit(ticket(1), 1)],
        absent: vec![(ticket(1), Version::FIRST)],
        claims: vec![(name(1), ticket(2))],
        ..Append::default()
    };
    let refused = refusal(&*store, everything.clone()).await;
    assert!(matches!(refused, AppendError::Conflict { .. }), "{refused:?}");
    let without_conflict = Append { commits: vec![commit(ticket(2), 1)], ..everything };
    let refused = refusal(&*store, without_conflict.clone()).await;
    assert!(matches!(refused, AppendError::Moved { .. }), "{refused:?}");
    let refused = refusal(&*store, Append { absent: vec![], ..without_conflict }).await;
    assert!(matches!(refused, AppendError::Taken(_)), "{refused:?}");
}

/// One append may write several streams.
pub async fn several_streams_are_written_as_one(store: Arc<dyn EventStore>) {
    fill(&*store, ticket(1), 1).await;
    let both = vec![commit(ticket(1), 2), commit(ticket(2), 1)];
    store.append(append(both)).await.expect("both are next");
    assert_eq!((head(&*store, ticket(1)).await, head(&*store, ticket(2)).await), (2, 1));
}

/// What is refused for one part has no other part written either.
pub async fn a_refused_append_leaves_nothing(store: Arc<dyn EventStore>) {
    fill(&*store, ticket(1), 1).await;
    let held = vec![(name(1), ticket(1))];
    store.append(Append { claims: held.clone(), ..Append::default() }).await.expect("the name is free");
    let whole = Append {
        commits: vec![commit(ticket(2), 1)],
        absent: vec![],
        claims: vec![(name(2), ticket(2))],
        releases: held,
        ticket_number: None,
    };
    let conflict = Append { commits: vec![commit(ticket(2), 1), commit(ticket(1), 1)], ..whole.clone() };
    let gap = Append { commits: vec![commit(ticket(2), 1), commit(ticket(3), 2)], ..whole.clone() };
    let moved = Append { absent: vec![(ticket(1), Version::FIRST)], ..whole.clone() };
    let taken = Append { claims: vec![(name(2), ticket(2)), (name(1), ticket(2))], releases: vec![], ..whole.clone() };
    for refused in [conflict, gap, moved, taken] {
        refusal(&*store, refused).await;
        assert_eq!((head(&*store, ticket(1)).await, head(&*store, ticket(2)).await), (1, 0));
        assert_eq!(store.holder(name(1)).await.expect("reads succeed"), Some(ticket(1)));
        assert_eq!(store.holder(name(2)).await.expect("reads succeed"), None);
    }
    store.append(whole).await.expect("nothing of the refused ones is in the way");
}

/// An append has at most one commit a stream.
pub async fn one_stream_cannot_be_written_twice(store: Arc<dyn EventStore>) {
    refusal(&*store, append(vec![commit(ticket(1), 1), commit(ticket(1), 2)])).await;
    refusal(&*store, append(vec![commit(ticket(1), 1), commit(ticket(1), 1)])).await;
    assert_eq!(head(&*store, ticket(1)).await, 0);
}

/// Of many writers at one version exactly one is stored, and all others are told which.
pub async fn one_of_fifty_writers_wins(store: Arc<dyn EventStore>) {
    fill(&*store, ticket(1), 1).await;
    let writers: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mine = commit(ticket(1), 2);
                let id = mine.id;
                (id, store.append(append(vec![mine])).await)
            })
        })
        .collect();
    let mut stored = Vec::new();
    let mut winners = Vec::new();
    for writer in writers {
        match writer.await.expect("writers do not panic") {
            (id, Ok(())) => stored.push(id),
            (_, Err(AppendError::Conflict { winner, .. })) => winners.push(winner.id),
            (_, Err(error)) => panic!("neither stored nor in conflict: {error:?}"),
        }
    }
    assert_eq!((stored.len(), winners.len()), (1, 49));
    assert!(winners.iter().all(|winner| *winner == stored[0]));
    let newest = store.head(ticket(1)).await.expect("reads succeed").expect("it has two commits");
    assert_eq!((newest.version.get(), newest.id), (2, stored[0]));
}

/// Streams written at the same time are each whole, and refused neighbours cost them nothing.
pub async fn parallel_streams_do_not_disturb_each_other(store: Arc<dyn EventStore>) {
    let writers: Vec<_> = (1..=40)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let written = fill(&*store, ticket(number), 5).await;
                refusal(&*store, append(vec![commit(ticket(number), 1)])).await;
                written
            })
        })
        .collect();
    for (number, writer) in (1..).zip(writers) {
        let written = writer.await.expect("every append succeeds");
        let stored = store.read(ticket(number), Version::FIRST, 10).await.expect("reads succeed");
        let [written, stored] = [written, stored].map(|commits| commits.iter().map(content).collect::<Vec<_>>());
        assert_eq!(written, stored);
    }
}
