//! What holds for every history, whatever was asked of an aggregate.

mod people;
mod tickets;

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Decider, testing::place};

/// A word in every private text that the tests make.
const SECRET: &str = "wombat";

/// Puts commands to an aggregate one after the other, each accepted one a commit; gives the commits and the state.
fn run<D: Decider>(commands: Vec<D::Command>) -> (Vec<Vec<D::Event>>, D) {
    let mut commits = Vec::new();
    let mut state = D::default();
    for command in commands {
        let Ok(events) = state.decide(command) else { continue };
        if !events.is_empty() {
            let at = place(commits.len() as u64 + 1);
            state = events.iter().fold(state, |state, event| state.evolve(event, at));
            commits.push(events);
        }
    }
    (commits, state)
}

fn fold_from<D: Decider>(state: D, first: usize, commits: &[Vec<D::Event>]) -> D {
    commits.iter().enumerate().fold(state, |state, (index, events)| {
        let at = place((first + index) as u64 + 1);
        events.iter().fold(state, |state, event| state.evolve(event, at))
    })
}

/// Folding again, at once or by way of a stored state in the middle, gives the state that grew command by command.
fn folds_the_same<D>(commands: Vec<D::Command>, split: usize)
where
    D: Decider + Debug + Clone + PartialEq + Serialize + DeserializeOwned,
{
    let (commits, state) = run::<D>(commands);
    assert_eq!(fold_from(D::default(), 0, &commits), state);
    let (early, late) = commits.split_at(split.min(commits.len()));
    let stored = serde_json::to_string(&fold_from(D::default(), 0, early)).unwrap();
    assert!(stored.len() < 4_096, "{} bytes: {stored}", stored.len());
    assert!(!stored.contains(SECRET), "private text in a state: {stored}");
    assert_eq!(fold_from::<D>(serde_json::from_str(&stored).unwrap(), early.len(), late), state);
}

/// Any event on any state is folded in without a panic, also where no decider would have put it.
fn never_panics<D: Decider>(events: &[D::Event]) {
    let _ = events.iter().zip(1..).fold(D::default(), |state, (event, version)| state.evolve(event, place(version)));
}
