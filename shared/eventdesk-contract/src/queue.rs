//! What the local bus promises over any log and read store: the contract of [`Queue`], and nothing lost in a crash.

pub(crate) mod bed;
mod delivery;
mod failure;
mod restart;
mod unreliable;

use std::sync::Arc;

use eventdesk_app::ports::{CommitLog, EventStore, ReadStore};

use self::bed::Bed;
pub use self::unreliable::Unreliable;
use crate::suite::run_cases;

#[cfg(doc)]
use eventdesk_app::ports::Queue;

/// What a local queue stands on.
#[derive(Clone)]
pub struct Ground {
    /// Takes the commits.
    pub store: Arc<dyn EventStore>,
    /// The same store, for tailing.
    pub log: Arc<dyn CommitLog>,
    /// Keeps the progress.
    pub views: Arc<dyn ReadStore>,
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").finish_non_exhaustive()
    }
}

/// Runs every case, each on fresh ground. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all(make: impl AsyncFn() -> Ground) {
    let fresh = async || Bed::new(make().await);
    run_cases!(
        fresh,
        [
            delivery::a_delivery_is_a_whole_commit,
            delivery::what_is_settled_never_comes_again,
            delivery::what_is_not_settled_comes_again_after_the_visibility_time,
            delivery::a_late_answer_settles_the_commit,
            delivery::a_receiver_waits_for_an_append,
            delivery::appends_of_another_process_are_found,
            delivery::parallel_receivers_never_share_a_commit,
            delivery::a_receiver_that_gives_up_takes_nothing_along,
            delivery::no_more_is_handed_out_than_may_be_in_flight,
            delivery::commits_of_no_interest_are_passed_over,
            delivery::consumers_are_apart,
            delivery::an_unreliable_bus_loses_nothing,
            failure::a_failed_delivery_comes_back_after_a_growing_back_off,
            failure::a_failure_settles_only_itself,
            failure::the_last_failure_makes_a_dead_letter,
            failure::what_is_never_answered_becomes_a_dead_letter,
            failure::others_never_wait_for_a_poison_one,
            failure::a_success_clears_the_retry,
            failure::a_dead_letter_that_is_put_back_comes_again,
            failure::a_discarded_letter_never_comes_again,
            failure::what_is_asked_for_by_a_replay_is_marked,
            failure::asking_again_harms_nothing_that_is_handed_out,
            failure::answers_for_nothing_change_nothing,
            restart::a_crash_before_settling_delivers_again,
            restart::a_crash_after_settling_does_not,
            restart::settling_out_of_order_loses_no_position,
            restart::batches_settled_at_once_lose_no_position,
            restart::retries_and_dead_letters_survive,
            restart::what_failed_ahead_of_the_cursor_is_not_read_as_new,
            restart::an_idle_queue_stores_its_cursor,
            restart::a_busy_queue_stores_its_cursor_now_and_then,
        ]
    );
}
