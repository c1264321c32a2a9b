//! The cases of what consumers have given up: [`DeadLetters`](eventdesk_app::ports::DeadLetters) behind a bus.
#![expect(clippy::unwrap_used, reason = "a suite is a test: a panic fails its case")]

use std::{collections::BTreeSet, time::Duration};

use eventdesk_app::ports::{Letter, Settlement};
use eventdesk_events::{StreamId, Version};

use super::{
    Bus, Setting,
    cases::{collect, done, fail, nothing_but, publish},
};
use crate::{
    event_store::samples::{commit, event, ticket},
    queue::bed::tickets,
};

/// The first failure is the last one.
fn setting() -> Setting {
    Setting { visibility: Duration::from_secs(30), backoff: Vec::new() }
}

/// Publishes the first commit of each of these tickets, and has the consumer give all of them up.
async fn given_up<B: Bus>(make: &impl AsyncFn(Setting) -> B, numbers: impl IntoIterator<Item = u64>) -> B {
    let bus = make(setting()).await;
    let numbers: Vec<u64> = numbers.into_iter().collect();
    publish(&bus, numbers.iter().copied()).await;
    let found = collect(&bus, numbers.len()).await;
    fail(&bus, &found).await;
    bus
}

/// By the tickets' streams.
async fn listed(bus: &impl Bus) -> Vec<Letter> {
    let mut letters = bus.letters().list(bus.consumer(), 100).await.unwrap();
    letters.sort_by_key(|letter| letter.about);
    letters
}

fn streams(letters: &[Letter]) -> Vec<StreamId> {
    letters.iter().map(|letter| letter.about.unwrap().0).collect()
}

async fn count(bus: &impl Bus) -> u64 {
    bus.letters().count(bus.consumer()).await.unwrap()
}

fn keys(letters: &[Letter]) -> Vec<String> {
    letters.iter().map(|letter| letter.id.key.clone()).collect()
}

pub(super) async fn a_letter_tells_what_it_is_of_and_why_it_is_dead<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = given_up(make, [1]).await;
    assert_eq!(count(&bus).await, 1);
    // To look changes nothing.
    for _ in 0..2 {
        let letters = listed(&bus).await;
        let [letter] = letters.as_slice() else { panic!("one letter: {letters:?}") };
        assert_eq!((letter.about, letter.attempts), (Some((ticket(1), Version::FIRST)), 1));
        assert_eq!((letter.reason.as_str(), letter.at.is_some()), ("it is poison", true));
        assert_eq!(letter.id.consumer, bus.consumer());
        assert_eq!(letter.id.to_string().parse(), Ok(letter.id.clone()), "it can be named");
        let expected = commit(ticket(1), 1).envelopes().next().unwrap();
        assert_eq!(letter.events.len(), 1);
        assert_eq!((letter.events[0].stream, letter.events[0].version), (expected.stream, expected.version));
    }
    nothing_but(&bus, 9).await;
}

pub(super) async fn letters_that_are_put_back_come_again_as_if_for_the_first_time<B: Bus>(
    make: &impl AsyncFn(Setting) -> B,
) {
    let bus = given_up(make, 1..=3).await;
    let letters = listed(&bus).await;
    let named = [keys(&letters)[2].clone(), keys(&letters)[0].clone(), "999999".to_owned()];
    assert_eq!(bus.letters().put_back(bus.consumer(), &named).await.unwrap(), 2);
    assert_eq!(streams(&listed(&bus).await), [ticket(2)], "nobody else is touched");
    bus.pass(Duration::from_secs(1)).await;
    let found = collect(&bus, 2).await;
    let mut came = tickets(&found);
    came.sort();
    assert_eq!(came, [ticket(1), ticket(3)]);
    assert!(found.iter().all(|delivery| delivery.attempt == 1), "{found:?}");
    // One works now, the other does not.
    let (good, bad) = (&found[..1], &found[1..]);
    done(&bus, good).await;
    fail(&bus, bad).await;
    assert_eq!(count(&bus).await, 2);
    assert!(streams(&listed(&bus).await).contains(&bad[0].events[0].stream));
    assert_eq!(bus.letters().put_back(bus.consumer(), &named[..0]).await.unwrap(), 0);
    nothing_but(&bus, 9).await;
}

pub(super) async fn discarded_letters_are_gone_for_good<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = given_up(make, 1..=2).await;
    let letters = listed(&bus).await;
    let first = &keys(&letters)[..1];
    assert_eq!(bus.letters().discard(bus.consumer(), first).await.unwrap(), 1);
    assert_eq!(bus.letters().discard(bus.consumer(), first).await.unwrap(), 0);
    assert_eq!(bus.letters().put_back(bus.consumer(), first).await.unwrap(), 0);
    assert_eq!(streams(&listed(&bus).await), [ticket(2)]);
    bus.pass(Duration::from_secs(1)).await;
    nothing_but(&bus, 9).await;
}

pub(super) async fn no_more_letters_are_listed_than_asked_for<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = given_up(make, 1..=3).await;
    assert_eq!(bus.letters().list(bus.consumer(), 2).await.unwrap().len(), 2);
    // Those that were not listed are still there.
    assert_eq!(streams(&listed(&bus).await), [ticket(1), ticket(2), ticket(3)]);
    assert_eq!(count(&bus).await, 3);
}

pub(super) async fn stripping_leaves_letters_of_others_as_they_are<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    let mut commits = [commit(ticket(1), 1), commit(ticket(2), 1)];
    for commit in &mut commits {
        commit.events = vec![event("{}", Some(r#"{"text":"a secret"}"#))];
    }
    bus.publisher().publish(&commits).await.unwrap();
    let found = collect(&bus, 2).await;
    let failed = found.iter().map(|delivery| (delivery.id.clone(), "it is poison".to_owned())).collect();
    bus.settle(Settlement { done: Vec::new(), failed }).await;
    // Where letters hold texts these are gone; where they stand in the store, the store's erasure takes them.
    let stripped = bus.letters().strip(bus.consumer(), &BTreeSet::from([ticket(1)])).await.unwrap();
    let letters = listed(&bus).await;
    assert_eq!(streams(&letters), [ticket(1), ticket(2)]);
    assert_eq!(letters[0].events[0].private.is_none(), stripped == 1, "{stripped}");
    assert!(letters[1].events[0].private.is_some());
    for letter in &letters {
        assert_eq!((letter.reason.as_str(), letter.attempts), ("it is poison", 1));
    }
    let again = bus.letters().strip(bus.consumer(), &BTreeSet::from([ticket(1)])).await.unwrap();
    assert_eq!(again, 0);
}
