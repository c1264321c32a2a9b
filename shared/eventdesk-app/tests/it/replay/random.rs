//! Random histories, with a replay somewhere in the middle.

use eventdesk_app::replay::{RebuildOptions, Target};
use proptest::{prelude::*, test_runner::Config};

use super::bed::{Halt, everything_is_as_folded, replay};
use crate::{
    desk::Desk,
    projections::{People, Step, steps},
};

async fn go(desk: &Desk, people: &mut People, steps: &[Step]) {
    for step in steps {
        people.go(desk, step.clone()).await;
    }
}

async fn replayed_at(steps: Vec<Step>, begun: usize, halted: usize, behind: bool) {
    let desk = Desk::memory().await;
    let mut people = People::hired(&desk).await;
    let (before, after) = steps.split_at(begun.min(steps.len()));
    go(&desk, &mut people, before).await;
    if !behind {
        desk.project().await;
    }
    for target in Target::ALL {
        let halt = Halt::after(halted);
        // Interrupted or not, what comes next meets a generation that is being built, or one that is kept.
        let keep = RebuildOptions { keep_old: true, ..RebuildOptions::default() };
        let _ = halt.replay(&desk).rebuild(target, keep).await;
    }
    go(&desk, &mut people, after).await;
    desk.project().await;
    let resume = RebuildOptions { resume: true, keep_old: true, ..RebuildOptions::default() };
    for target in Target::ALL {
        if !matches!(
            replay(&desk).rebuild(target, resume).await,
            Ok(_) | Err(eventdesk_app::replay::ReplayError::Kept(_))
        ) {
            panic!("a replay cannot be gone on with");
        }
    }
    desk.project().await;
    everything_is_as_folded(&desk).await;
    for target in Target::ALL {
        replay(&desk).flip(target).await.unwrap();
    }
    everything_is_as_folded(&desk).await;
}

proptest! {
    #![proptest_config(Config { cases: 48, ..Config::default() })]

    #[test]
    fn both_generations_are_folds_of_the_store(
        steps in steps(40),
        begun in 0..40_usize,
        halted in 1..6_usize,
        behind in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(replayed_at(steps, begun, halted, behind));
    }
}
