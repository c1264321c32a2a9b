//! What [`Sessions`] promises.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::{
    Digest,
    ports::{Session, Sessions},
};
use eventdesk_events::{Timestamp, UserId};
use uuid::Uuid;

use crate::{sessions as cases, suite::run_cases};

/// Runs every case, each on fresh, empty sessions from `factory`. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Sessions>>,
{
    run_cases!(
        factory,
        [
            cases::a_session_is_kept_as_given,
            cases::a_rotation_moves_current_to_previous,
            cases::only_the_current_token_is_rotated,
            cases::of_fifty_rotations_at_once_one_succeeds,
            cases::an_ended_session_is_gone,
            cases::all_but_one_are_ended,
            cases::others_sessions_are_not_touched,
        ]
    );
}

/// 2026-11-22T00:00:00Z
const MIDNIGHT_MS: i64 = 1_795_305_600_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(MIDNIGHT_MS + seconds * 1_000)
}

fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn digest(byte: u8) -> Digest {
    Digest([byte; 16])
}

fn session(of: u128, id: u128) -> Session {
    Session {
        id: Uuid::from_u128(id),
        user: user(of),
        current: digest(1),
        previous: None,
        rotated_at: at(0),
        // Far beyond the clock of whoever runs the suite: a store may forget what is over.
        expires_at: Timestamp::from_millis(MIDNIGHT_MS * 2),
        password_set_at: at(-100),
        scope: "tickets:read tickets:write".to_owned(),
    }
}

async fn kept(sessions: &dyn Sessions, of: u128, id: u128) -> Option<Session> {
    sessions.get(user(of), Uuid::from_u128(id)).await.expect("reads succeed")
}

async fn begun(sessions: &dyn Sessions, of: u128, id: u128) {
    sessions.begin(session(of, id)).await.expect("writes succeed");
}

async fn rotate(sessions: &dyn Sessions, from: u8, to: u8, seconds: i64) -> bool {
    let rotated = sessions.rotate(user(1), Uuid::from_u128(7), digest(from), digest(to), at(seconds)).await;
    rotated.expect("writes succeed")
}

/// To the last member, with and without a scope.
pub async fn a_session_is_kept_as_given(sessions: Arc<dyn Sessions>) {
    assert_eq!(kept(&*sessions, 1, 7).await, None);
    begun(&*sessions, 1, 7).await;
    let scopeless = Session { scope: String::new(), previous: Some(digest(9)), ..session(1, 8) };
    sessions.begin(scopeless.clone()).await.expect("writes succeed");
    assert_eq!(kept(&*sessions, 1, 7).await, Some(session(1, 7)));
    assert_eq!(kept(&*sessions, 1, 8).await, Some(scopeless));
    assert_eq!(kept(&*sessions, 2, 7).await, None, "it is another user's");
}

/// Nothing else of it changes.
pub async fn a_rotation_moves_current_to_previous(sessions: Arc<dyn Sessions>) {
    begun(&*sessions, 1, 7).await;
    for (from, to) in [(1, 2), (2, 3)] {
        assert!(rotate(&*sessions, from, to, i64::from(to)).await);
        let (current, previous) = (digest(to), Some(digest(from)));
        let rotated = Session { current, previous, rotated_at: at(i64::from(to)), ..session(1, 7) };
        assert_eq!(kept(&*sessions, 1, 7).await, Some(rotated));
    }
}

/// Neither an earlier one, nor one that never was, nor one of a session that is over.
pub async fn only_the_current_token_is_rotated(sessions: Arc<dyn Sessions>) {
    assert!(!rotate(&*sessions, 1, 2, 0).await, "there is no session");
    begun(&*sessions, 1, 7).await;
    assert!(rotate(&*sessions, 1, 2, 5).await);
    for from in [1, 3] {
        assert!(!rotate(&*sessions, from, 4, 9).await);
    }
    let expected = Session { current: digest(2), previous: Some(digest(1)), rotated_at: at(5), ..session(1, 7) };
    assert_eq!(kept(&*sessions, 1, 7).await, Some(expected));
    sessions.end(user(1), Uuid::from_u128(7)).await.expect("removals succeed");
    assert!(!rotate(&*sessions, 2, 3, 9).await);
    assert_eq!(kept(&*sessions, 1, 7).await, None, "a rotation brings nothing back");
}

/// A refresh token is used once, however many try.
pub async fn of_fifty_rotations_at_once_one_succeeds(sessions: Arc<dyn Sessions>) {
    begun(&*sessions, 1, 7).await;
    let tries: Vec<_> = (2..52)
        .map(|to| {
            let sessions = Arc::clone(&sessions);
            tokio::spawn(async move { (to, rotate(&*sessions, 1, to, 1).await) })
        })
        .collect();
    let mut winner = None;
    for attempt in tries {
        let (to, rotated) = attempt.await.expect("tries do not panic");
        if rotated {
            assert_eq!(winner.replace(to), None, "two were rotated");
        }
    }
    let current = digest(winner.expect("one was rotated"));
    assert_eq!(kept(&*sessions, 1, 7).await.map(|session| session.current), Some(current));
}

/// Twice if need be.
pub async fn an_ended_session_is_gone(sessions: Arc<dyn Sessions>) {
    begun(&*sessions, 1, 7).await;
    begun(&*sessions, 1, 8).await;
    for _ in 0..2 {
        sessions.end(user(1), Uuid::from_u128(7)).await.expect("removals succeed");
        assert_eq!(kept(&*sessions, 1, 7).await, None);
    }
    assert_eq!(kept(&*sessions, 1, 8).await, Some(session(1, 8)));
}

/// The kept one stands on the new password; without one all go.
pub async fn all_but_one_are_ended(sessions: Arc<dyn Sessions>) {
    for id in 1..=40 {
        begun(&*sessions, 1, id).await;
    }
    let mut known = sessions.of(user(1)).await.expect("reads succeed");
    known.sort_unstable();
    assert_eq!(known, (1..=40).map(Uuid::from_u128).collect::<Vec<_>>());
    let ended = sessions.end_others(user(1), Some((Uuid::from_u128(7), at(50)))).await;
    let mut ended: Vec<_> = ended.expect("removals succeed").iter().map(Uuid::as_u128).collect();
    ended.sort_unstable();
    assert_eq!(ended, (1..=40).filter(|id| *id != 7).collect::<Vec<_>>());
    assert_eq!(kept(&*sessions, 1, 8).await, None);
    assert_eq!(kept(&*sessions, 1, 7).await, Some(Session { password_set_at: at(50), ..session(1, 7) }));
    let unknown = sessions.end_others(user(1), Some((Uuid::from_u128(99), at(60)))).await.expect("removals succeed");
    assert_eq!(unknown, [Uuid::from_u128(7)]);
    assert_eq!(kept(&*sessions, 1, 99).await, None, "nothing is made up");
    assert_eq!(sessions.end_others(user(1), None).await.expect("removals succeed"), Vec::<Uuid>::new());
}

/// Each user's are theirs alone.
pub async fn others_sessions_are_not_touched(sessions: Arc<dyn Sessions>) {
    begun(&*sessions, 1, 7).await;
    begun(&*sessions, 2, 8).await;
    sessions.end(user(2), Uuid::from_u128(7)).await.expect("removals succeed");
    let rotated = sessions.rotate(user(2), Uuid::from_u128(7), digest(1), digest(2), at(1)).await;
    assert!(!rotated.expect("writes succeed"));
    assert_eq!(sessions.of(user(2)).await.expect("reads succeed"), [Uuid::from_u128(8)]);
    assert_eq!(sessions.end_others(user(2), None).await.expect("removals succeed"), [Uuid::from_u128(8)]);
    assert_eq!(sessions.of(user(2)).await.expect("reads succeed"), [] as [Uuid; 0]);
    assert_eq!(kept(&*sessions, 1, 7).await, Some(session(1, 7)));
}
