//! What [`EventStore`], [`CommitLog`], [`CommitScan`], [`ImportStore`] and [`PrivateParts`] promise.

pub mod appending;
pub mod claiming;
pub mod numbering;
pub mod reading;
pub mod samples;
pub mod scanning;
pub mod tailing;
pub mod upkeep;

use std::sync::Arc;

use eventdesk_app::ports::{CommitLog, CommitScan, EventStore, ImportStore, PrivateParts};

use crate::suite::run_cases;

/// Runs every case of [`EventStore`], each on a fresh, empty store from `factory`. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn EventStore>>,
{
    run_cases!(
        factory,
        [
            reading::an_unknown_stream_is_empty,
            reading::head_is_the_newest_commit,
            reading::pages_are_in_order,
            reading::a_batch_answers_in_the_order_of_its_keys,
            reading::contents_survive_byte_for_byte,
            reading::every_kind_of_stream_and_actor_is_kept_apart,
            appending::versions_are_gapless,
            appending::a_conflict_returns_the_winner,
            appending::a_repeat_finds_its_own_commit,
            appending::a_stream_that_moved_is_named,
            appending::conflict_comes_before_moved_before_taken,
            appending::several_streams_are_written_as_one,
            appending::a_refused_append_leaves_nothing,
            appending::one_stream_cannot_be_written_twice,
            appending::one_of_fifty_writers_wins,
            appending::parallel_streams_do_not_disturb_each_other,
            claiming::a_claimed_value_has_a_holder,
            claiming::a_value_held_already_may_be_claimed_again,
            claiming::all_taken_values_are_named,
            claiming::a_released_value_is_free,
            claiming::a_value_may_change_hands_in_one_append,
            claiming::nobody_frees_the_value_of_another,
            claiming::an_append_cannot_give_one_value_to_two_streams,
            claiming::one_of_fifty_claimants_wins,
            numbering::numbers_are_unique_under_parallel_callers,
            numbering::a_used_number_is_never_given_again,
        ]
    );
}

/// Runs every case of [`CommitLog`], each on a fresh, empty store from `factory`, as both of its ports.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_log<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = (Arc<dyn EventStore>, Arc<dyn CommitLog>)>,
{
    run_cases!(
        factory,
        [
            tailing::an_empty_log_starts_at_nothing,
            tailing::the_log_is_in_the_order_of_appends,
            tailing::the_log_is_read_in_pages,
            tailing::single_positions_are_found,
            tailing::an_answered_append_is_announced,
            tailing::a_refused_append_is_not_in_the_log,
            tailing::nothing_appears_before_a_position_already_read,
        ]
    );
}

/// Runs every case of [`CommitScan`], each on a fresh, empty store from `factory`, as both of its ports.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_scan<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = (Arc<dyn EventStore>, Arc<dyn CommitScan>)>,
{
    run_cases!(
        factory,
        [
            scanning::an_empty_store_has_nothing_in_it,
            scanning::each_commit_is_found_once,
            scanning::categories_are_apart,
            scanning::events_can_be_read_alone,
            scanning::later_streams_are_in_segments_cut_before,
        ]
    );
}

/// Runs every case of [`ImportStore`] and [`PrivateParts`], each on a fresh, empty store from `factory`, as both of its
/// ports.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_upkeep<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = (Arc<dyn ImportStore>, Arc<dyn PrivateParts>)>,
{
    run_cases!(
        factory,
        [
            upkeep::a_redacted_part_is_gone_and_the_rest_stays,
            upkeep::redacting_what_is_not_there_makes_nothing,
            upkeep::an_import_is_marked_until_it_ends,
            upkeep::raised_numbers_are_not_given,
        ]
    );
}
