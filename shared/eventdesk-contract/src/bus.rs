//! What a bus promises from end to end, whatever carries it: what is published reaches a consumer's queue, and what
//! becomes of it there. The local bus keeps it, and so does the one on EventBridge and SQS.

mod cases;
mod letters;
mod local;

use std::time::Duration;

use async_trait::async_trait;
use eventdesk_app::ports::{DeadLetters, Publisher, Queue, Settlement};
use eventdesk_events::StreamId;

pub use self::local::LocalBus;
use crate::suite::Report;

/// How the queue of a [`Bus`] is to be set. All times are whole seconds.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How long a delivery may stay unsettled.
    pub visibility: Duration,
    /// The waits after failed attempts; after one attempt more than there are waits a delivery is dead.
    pub backoff: Vec<Duration>,
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// Whose event it was; `None` if it was none.
    pub stream: Option<StreamId>,
    /// How often it was handed out.
    pub attempts: u32,
    /// Why it failed last.
    pub reason: String,
}

/// A bus with one consumer's queue, to which it brings every event.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Where commits go in.
    fn publisher(&self) -> &dyn Publisher;

    /// Where their events come out.
    fn queue(&self) -> &dyn Queue;

    /// Settles as a projector does, which stores the queue's progress first.
    async fn settle(&self, settlement: Settlement);

    /// Lets at least so much of the queue's time pass.
    async fn pass(&self, time: Duration);

    /// The dead letters of the queue, in any order.
    async fn dead(&self) -> Vec<Dead>;

    /// The same as operators deal with them.
    fn letters(&self) -> &dyn DeadLetters;

    /// The consumer's name.
    fn consumer(&self) -> &'static str;
}

/// Runs every case, each on a fresh bus. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all<B: Bus>(make: impl AsyncFn(Setting) -> B) {
    let mut report = Report::default();
    macro_rules! cases {
        ($($case:ident),+ $(,)?) => {
            $( report.case(stringify!($case), cases::$case(&make)).await; )+
        };
        (letters: $($case:ident),+ $(,)?) => {
            $( report.case(stringify!($case), letters::$case(&make)).await; )+
        };
    }
    cases![
        letters:
        a_letter_tells_what_it_is_of_and_why_it_is_dead,
        letters_that_are_put_back_come_again_as_if_for_the_first_time,
        discarded_letters_are_gone_for_good,
        no_more_letters_are_listed_than_asked_for,
        stripping_leaves_letters_of_others_as_they_are,
    ];
    cases![
        all_that_is_published_arrives,
        a_receiver_waits_for_a_publication,
        what_is_settled_never_comes_again,
        what_is_not_settled_comes_again,
        a_failed_delivery_comes_back_after_its_back_off,
        a_failure_settles_only_itself,
        the_last_failure_makes_a_dead_letter_with_its_reason,
        others_never_wait_for_a_poison_one,
        repeated_publications_are_told_apart_by_their_ids_alone,
        an_unreliable_bus_loses_nothing,
    ];
    report.finish();
}
