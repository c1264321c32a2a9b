//! Views made anew, beside writers and after interruptions, and compared with the store.

mod bed;
mod notes;
mod random;
mod single;
mod verify;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use eventdesk_app::{
    ports::{GenerationStore, Select, Sort, Written},
    projections::{HISTORY_STREAMS, HistoryHead, TICKETS},
    replay::{RebuildOptions, Replay, ReplayError, ReplayState, Stage, Target},
};

use self::{
    bed::{Halt, SLOW, documented, everything_is_as_folded, killed, made, note, rebuild, replay, slow, story, written},
    notes::{Mishap, Notes, Turn},
};
use crate::desk::{Desk, drop_half, root, scenarios};

scenarios!(
    a_replay_makes_what_the_projectors_made,
    a_replay_of_an_empty_desk_is_one,
    the_old_generation_goes_unless_it_is_kept,
    a_flip_goes_back_to_a_kept_generation_that_has_all_that_came_since,
    a_generation_can_be_built_first_and_made_live_later,
    what_is_made_live_has_the_indexes_that_are_declared,
    an_interrupted_replay_is_gone_on_with,
    two_replays_of_a_projection_are_not_done_at_once,
    who_goes_on_with_a_replay_looks_first_whether_another_does,
    a_replay_that_takes_long_is_seen_to_be_alive,
    a_replay_outlasts_notes_that_are_lost,
    a_note_that_another_process_overtakes_is_not_taken_for_stored,
    what_a_newer_replay_builds_is_not_dropped_by_the_one_before,
    an_abandoned_replay_can_be_begun_anew,
    what_the_bus_brought_is_still_known_after_a_replay,
    projectors_go_on_while_a_replay_is_under_way,
    an_older_shape_is_followed_by_todays,
    a_drop_that_was_interrupted_is_finished_by_the_next,
);

async fn a_replay_makes_what_the_projectors_made(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let before = documented(&desk).await;
    for target in Target::ALL {
        let finished = rebuild(&desk, target).await;
        assert!(finished.live && finished.documents > 0 && finished.poisoned.is_empty(), "{finished:?}");
        assert!(finished.generations.values().all(|generation| *generation == 2), "{finished:?}");
    }
    assert_eq!(documented(&desk).await, before);
    everything_is_as_folded(&desk).await;
    // And projectors go on from there.
    story(&desk).await;
    desk.project().await;
    everything_is_as_folded(&desk).await;
}

async fn a_replay_of_an_empty_desk_is_one(desk: Desk) {
    for target in Target::ALL {
        assert_eq!(rebuild(&desk, target).await.documents, 0);
    }
    story(&desk).await;
    desk.project().await;
    everything_is_as_folded(&desk).await;
}

async fn the_old_generation_goes_unless_it_is_kept(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    rebuild(&desk, Target::Tickets).await;
    assert_eq!(made(&desk, &TICKETS).await, [2]);
    let keep = RebuildOptions { keep_old: true, ..RebuildOptions::default() };
    replay(&desk).rebuild(Target::Tickets, keep).await.unwrap();
    assert_eq!(made(&desk, &TICKETS).await, [2, 3]);
    let again = replay(&desk).rebuild(Target::Tickets, RebuildOptions::default()).await;
    assert!(matches!(again, Err(ReplayError::Kept("tickets"))), "{again:?}");
    replay(&desk).drop_old(Target::Tickets).await.unwrap();
    assert_eq!(made(&desk, &TICKETS).await, [3]);
    assert_eq!(written(&desk, &TICKETS).await, Written { live: 3, also: None });
    assert!(matches!(replay(&desk).flip(Target::Tickets).await, Err(ReplayError::NoOther("tickets"))));
}

async fn a_flip_goes_back_to_a_kept_generation_that_has_all_that_came_since(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let keep = RebuildOptions { keep_old: true, ..RebuildOptions::default() };
    for target in Target::ALL {
        replay(&desk).rebuild(target, keep).await.unwrap();
    }
    story(&desk).await;
    desk.project().await;
    everything_is_as_folded(&desk).await;
    for live in [1, 2] {
        for target in Target::ALL {
            replay(&desk).flip(target).await.unwrap();
        }
        assert_eq!(written(&desk, &TICKETS).await, Written { live, also: Some(3 - live) });
        everything_is_as_folded(&desk).await;
        story(&desk).await;
        desk.project().await;
        everything_is_as_folded(&desk).await;
    }
}

async fn a_generation_can_be_built_first_and_made_live_later(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let only = RebuildOptions { generation_only: true, ..RebuildOptions::default() };
    for target in Target::ALL {
        assert!(!replay(&desk).rebuild(target, only).await.unwrap().live);
    }
    assert_eq!(written(&desk, &TICKETS).await, Written { live: 1, also: Some(2) });
    story(&desk).await;
    desk.project().await;
    for target in Target::ALL {
        replay(&desk).flip(target).await.unwrap();
    }
    everything_is_as_folded(&desk).await;
}

async fn what_is_made_live_has_the_indexes_that_are_declared(desk: Desk) {
    let bare = async || {
        let mut generations = BTreeMap::new();
        for view in Target::Tickets.views() {
            let generation = desk.generations.make_generation(view).await.unwrap();
            desk.generations.write_also(&[(view, Some(generation))]).await.unwrap();
            generations.insert(view.name, generation);
        }
        generations
    };
    let listed = async || {
        let sort = Sort { field: "created_at", descending: true };
        let newest = Select { view: &TICKETS, filters: Vec::new(), sort, after: None, limit: 10 };
        desk.views.select(&newest).await.unwrap().len()
    };
    bare().await;
    replay(&desk).flip(Target::Tickets).await.unwrap();
    assert_eq!(listed().await, 0);

    replay(&desk).drop_old(Target::Tickets).await.unwrap();
    let only = RebuildOptions { generation_only: true, ..RebuildOptions::default() };
    replay(&desk).rebuild(Target::Tickets, only).await.unwrap();
    let generations = serde_json::to_value(bare().await).unwrap();
    note(&desk, Target::Tickets, |state| state["generations"] = generations).await;
    let resume = RebuildOptions { resume: true, ..RebuildOptions::default() };
    assert!(replay(&desk).rebuild(Target::Tickets, resume).await.unwrap().live);
    assert_eq!(listed().await, 0);
}

async fn an_interrupted_replay_is_gone_on_with(desk: Desk) {
    for _ in 0..8 {
        story(&desk).await;
    }
    desk.project().await;
    let resume = RebuildOptions { resume: true, ..RebuildOptions::default() };
    for target in Target::ALL {
        let mut tries = 0;
        // Each try does a little more before it ends.
        loop {
            tries += 1;
            let halted = Halt::after(tries);
            match halted.replay(&desk).rebuild(target, resume).await {
                Ok(finished) => break assert!(finished.live),
                Err(ReplayError::Interrupted) => {}
                Err(error) => panic!("{error:?}"),
            }
            assert_eq!(desk.generations.generation(target.views()[0]).await.unwrap(), 1);
            story(&desk).await;
            desk.project().await;
        }
        assert!(tries > 1, "it was never interrupted");
    }
    everything_is_as_folded(&desk).await;
}

async fn two_replays_of_a_projection_are_not_done_at_once(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    killed(&desk, Target::Tickets).await;
    let second = replay(&desk).rebuild(Target::Tickets, RebuildOptions::default()).await;
    assert!(matches!(second, Err(ReplayError::UnderWay("tickets"))), "{second:?}");
    assert!(matches!(replay(&desk).flip(Target::Tickets).await, Err(ReplayError::Incomplete("tickets"))));
    rebuild(&desk, Target::Directory).await;
}

async fn who_goes_on_with_a_replay_looks_first_whether_another_does(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    killed(&desk, Target::Tickets).await;
    tokio::time::pause();
    let resume = RebuildOptions { resume: true, ..RebuildOptions::default() };
    let beside = replay(&desk);
    let (resumed, ()) = tokio::join!(beside.rebuild(Target::Tickets, resume), async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        note(&desk, Target::Tickets, |_| {}).await;
    });
    assert!(matches!(resumed, Err(ReplayError::UnderWay("tickets"))), "{resumed:?}");
    // Nobody does any more.
    assert!(replay(&desk).rebuild(Target::Tickets, resume).await.unwrap().live);
    everything_is_as_folded(&desk).await;
}

async fn a_replay_that_takes_long_is_seen_to_be_alive(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    tokio::time::pause();
    let (resume, slow) = (RebuildOptions { resume: true, ..RebuildOptions::default() }, slow(&desk));
    let (finished, second) = tokio::join!(slow.rebuild(Target::Tickets, RebuildOptions::default()), async {
        tokio::time::sleep(SLOW / 2).await;
        replay(&desk).rebuild(Target::Tickets, resume).await
    });
    assert!(matches!(second, Err(ReplayError::UnderWay("tickets"))), "{second:?}");
    assert!(finished.unwrap().live);
    everything_is_as_folded(&desk).await;
}

async fn a_replay_outlasts_notes_that_are_lost(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    tokio::time::pause();
    let views = Notes::with(desk.generations.clone(), Mishap::Lost);
    let finished = Replay { views, ..slow(&desk) }.rebuild(Target::Tickets, RebuildOptions::default()).await;
    assert!(finished.unwrap().live);
    everything_is_as_folded(&desk).await;
}

async fn a_note_that_another_process_overtakes_is_not_taken_for_stored(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    tokio::time::pause();
    let views = Notes::with(desk.generations.clone(), Mishap::Overtaken);
    let overtaken = Replay { views, ..replay(&desk) }.rebuild(Target::Tickets, RebuildOptions::default()).await;
    assert!(matches!(overtaken, Err(ReplayError::UnderWay("tickets"))), "{overtaken:?}");
}

async fn what_a_newer_replay_builds_is_not_dropped_by_the_one_before(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let turn = Arc::new(Turn::default());
    let views = Notes::with(desk.generations.clone(), Mishap::Followed(turn.clone()));
    let before = Replay { views, ..replay(&desk) };
    let only = RebuildOptions { generation_only: true, ..RebuildOptions::default() };
    let (before, ()) = tokio::join!(before.rebuild(Target::Tickets, RebuildOptions::default()), async {
        turn.begins.notified().await;
        replay(&desk).drop_old(Target::Tickets).await.unwrap();
        replay(&desk).rebuild(Target::Tickets, only).await.unwrap();
        turn.is_over.notify_one();
    });
    assert!(matches!(before, Err(ReplayError::UnderWay("tickets"))), "{before:?}");
    assert_eq!(written(&desk, &TICKETS).await, Written { live: 2, also: Some(3) });
    replay(&desk).flip(Target::Tickets).await.unwrap();
    everything_is_as_folded(&desk).await;
}

async fn an_abandoned_replay_can_be_begun_anew(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    killed(&desk, Target::Tickets).await;
    desk.clock.advance(60_000);
    assert!(rebuild(&desk, Target::Tickets).await.live);
    assert_eq!(made(&desk, &TICKETS).await.len(), 1);
    let state = ReplayState::newest(&*desk.views, Target::Tickets).await.unwrap().unwrap();
    assert_eq!(state.stage, Stage::Done);
    everything_is_as_folded(&desk).await;
}

async fn what_the_bus_brought_is_still_known_after_a_replay(desk: Desk) {
    story(&desk).await;
    let commits = crate::desk::commits(&*desk.log).await;
    // The bus brings the newest commit of each stream alone.
    let newest: std::collections::BTreeMap<_, _> =
        commits.iter().map(|commit| (commit.stream, commit.clone())).collect();
    let newest: Vec<_> = newest.into_values().collect();
    for projector in desk.projectors() {
        projector.handle(crate::desk::wholes(&newest)).await.unwrap();
    }
    let healed = async || {
        let mut all = Vec::new();
        for commit in &newest {
            let found = desk.views.get(&HISTORY_STREAMS, &[&commit.stream.to_string()]).await.unwrap();
            let head: HistoryHead = serde_json::from_str(&found[0].as_ref().unwrap().body).unwrap();
            all.push(head);
        }
        all
    };
    let before = healed().await;
    assert!(before.iter().any(|head| !head.healed.is_empty()), "nothing was healed");
    rebuild(&desk, Target::History).await;
    assert_eq!(healed().await, before);
}

async fn projectors_go_on_while_a_replay_is_under_way(desk: Desk) {
    for _ in 0..4 {
        story(&desk).await;
    }
    desk.project().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let writing = async {
        let mut rounds = 0;
        // Over adapters that never wait, nobody else would get a turn.
        while !*stopped.borrow() && rounds < 8 {
            story(&desk).await;
            tokio::task::yield_now().await;
            desk.project().await;
            tokio::task::yield_now().await;
            rounds += 1;
        }
    };
    let replaying = async {
        for target in Target::ALL {
            rebuild(&desk, target).await;
        }
        stop.send(true).unwrap();
    };
    tokio::join!(writing, replaying);
    everything_is_as_folded(&desk).await;
    desk.ticket(&root(), desk.employee().await.id).await;
}

async fn a_drop_that_was_interrupted_is_finished_by_the_next(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    rebuild(&desk, Target::Tickets).await;
    assert_eq!(desk.generations.make_generation(&TICKETS).await.unwrap(), 3);
    drop_half(&*desk.generations, &TICKETS).await;
    replay(&desk).drop_old(Target::Tickets).await.unwrap();
    // What is left of a generation keeps its number.
    assert_eq!(desk.generations.make_generation(&TICKETS).await.unwrap(), 3);
}

async fn an_older_shape_is_followed_by_todays(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let shapes = async || {
        let all = GenerationStore::stored_generations(&*desk.generations, &TICKETS).await.unwrap();
        all.iter().map(|generation| generation.shape).collect::<Vec<_>>()
    };
    assert_eq!(shapes().await, [TICKETS.shape]);
    rebuild(&desk, Target::Tickets).await;
    assert_eq!(shapes().await, [TICKETS.shape]);
}
