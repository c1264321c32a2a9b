//! What the audit finds and mends, over projectors at work behind queues that misbehave.

mod bed;

use std::time::Duration;

use eventdesk_app::{
    audit::{AuditOptions, AuditReport},
    commands::AssignTicket,
    ports::Commit,
};
use eventdesk_events::{StreamId, ticket::Status, user::Role};

use self::bed::{Bed, DIRECTORY, HISTORY, TICKETS};
use crate::desk::{Desk, root, scenarios};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// A report of a run that found this and did nothing.
fn only_behind(commits_behind: u64, seconds: u64) -> AuditReport {
    AuditReport { commits_behind, oldest_behind: Some(Duration::from_secs(seconds)), ..AuditReport::default() }
}

async fn what_has_arrived_is_left_alone(desk: Desk) {
    let bed = Bed::new(desk).await;
    bed.ticket_with_message().await;
    bed.publish_new().await;
    bed.work_all().await;
    bed.desk.clock.advance(MINUTE);
    assert_eq!(bed.run().await, AuditReport::default());
    assert!(bed.queues().iter().all(Vec::is_empty));
}

async fn a_bus_that_was_away_is_made_up_for(desk: Desk) {
    let bed = Bed::new(desk).await;
    let ticket = bed.ticket_with_message().await;
    // Appended and answered, never published.
    bed.desk.clock.advance(11 * SECOND);
    let commits = bed.commits().await;
    let found = bed.run().await;
    assert_eq!(found, AuditReport { republished: commits.len() as u64, ..only_behind(commits.len() as u64, 11) });
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
    assert_eq!(bed.applied(StreamId::Ticket(ticket)).await, 2);
    bed.is_as_if_never_interrupted().await;
}

async fn what_is_new_is_not_looked_at(desk: Desk) {
    let bed = Bed::new(desk).await;
    bed.desk.employee().await;
    bed.desk.clock.advance(10 * SECOND);
    assert_eq!(bed.run().await, AuditReport::default());
    bed.desk.clock.advance(1);
    assert_eq!(bed.run().await.commits_behind, 1);
}

async fn a_queue_that_lost_the_last_event_of_a_stream_gets_that_projection_alone_nudged(desk: Desk) {
    let bed = Bed::new(desk).await;
    let ticket = bed.ticket_with_message().await;
    bed.publish_new().await;
    bed.work_all().await;
    bed.desk.set_status(&root(), ticket, Status::Pending).await;
    bed.publish_new().await;
    bed.lose(TICKETS);
    bed.work_all().await;
    bed.desk.clock.advance(20 * SECOND);
    assert_eq!(bed.run().await, AuditReport { nudged: 1, ..only_behind(1, 20) });
    assert_eq!(bed.queues().map(|queue| queue.len()), [0, 1, 0]);
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
    bed.is_as_if_never_interrupted().await;
}

async fn one_nudge_a_stream_is_enough(desk: Desk) {
    let bed = Bed::new(desk).await;
    let ticket = bed.ticket_with_message().await;
    for status in [Status::Pending, Status::OnHold, Status::Open] {
        bed.desk.set_status(&root(), ticket, status).await;
    }
    bed.publish_new().await;
    bed.lose(TICKETS);
    bed.work_all().await;
    bed.desk.clock.advance(MINUTE);
    // Five commits of the ticket, one of its message.
    let found = bed.run().await;
    assert_eq!((found.commits_behind, found.nudged, found.republished), (6, 2, 0));
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
    bed.is_as_if_never_interrupted().await;
}

async fn nothing_is_published_again_while_a_queue_is_merely_slow(desk: Desk) {
    let bed = Bed::new(desk).await;
    bed.ticket_with_message().await;
    bed.publish_new().await;
    let behind = bed.commits().await.len() as u64;
    for minutes in 1..=90 {
        bed.desk.clock.advance(MINUTE);
        assert_eq!(bed.run().await, only_behind(behind, minutes * 60), "what waits is not lost");
    }
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
}

async fn nothing_is_nudged_while_its_own_queue_is_slow(desk: Desk) {
    let bed = Bed::new(desk).await;
    bed.ticket_with_message().await;
    bed.publish_new().await;
    bed.work(HISTORY).await;
    bed.work(DIRECTORY).await;
    bed.desk.clock.advance(MINUTE);
    assert_eq!(bed.run().await, only_behind(3, 60));
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
}

async fn a_queue_that_is_never_empty_does_not_hide_a_loss(desk: Desk) {
    let bed = Bed::new(desk).await;
    let lost = bed.desk.employee().await;
    bed.publish_new().await;
    bed.lose_all();
    bed.desk.clock.advance(50 * SECOND);
    // Others come and go, and there is always one more.
    bed.desk.employee().await;
    bed.publish_new().await;
    bed.work_all().await;
    bed.desk.employee().await;
    bed.publish_new().await;
    bed.desk.clock.advance(11 * SECOND);
    let found = bed.run().await;
    assert_eq!((found.commits_behind, found.republished), (2, 0), "the newest that came is not a minute younger");
    bed.desk.employee().await;
    bed.publish_new().await;
    bed.work_all().await;
    bed.desk.employee().await;
    bed.publish_new().await;
    bed.desk.clock.advance(11 * SECOND);
    let found = bed.run().await;
    assert_eq!((found.commits_behind, found.republished), (2, 1));
    bed.work_all().await;
    assert_eq!(bed.applied(StreamId::Employee(lost.id)).await, 1);
    assert_eq!(bed.run().await, AuditReport::default());
}

async fn a_commit_that_keeps_getting_lost_is_published_ever_more_seldom(desk: Desk) {
    let bed = Bed::new(desk).await;
    bed.desk.employee().await;
    bed.desk.clock.advance(11 * SECOND);
    let mut published_at = Vec::new();
    for seconds in (0..=80 * 60).step_by(30) {
        if bed.run().await.republished > 0 {
            published_at.push(seconds);
        }
        bed.lose_all();
        bed.desk.clock.advance(30 * SECOND);
    }
    assert_eq!(published_at, [0, 60, 360, 36 * 60, 66 * 60]);
}

async fn what_is_behind_is_remembered_beyond_the_hour_that_is_looked_at(desk: Desk) {
    let bed = Bed::new(desk).await;
    bed.desk.employee().await;
    bed.desk.clock.advance(11 * SECOND);
    assert_eq!(bed.run().await.republished, 1);
    bed.lose_all();
    bed.desk.clock.advance(3 * 60 * MINUTE);
    assert_eq!(bed.run().await.republished, 1);
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
}

async fn what_was_made_while_the_audit_did_not_run_is_found(desk: Desk) {
    let bed = Bed::new(desk).await;
    assert_eq!(bed.run().await, AuditReport::default());
    bed.desk.employee().await;
    bed.desk.clock.advance(5 * 60 * MINUTE);
    assert_eq!(bed.run().await.republished, 1);
}

async fn a_commit_is_given_up_after_its_last_attempt(desk: Desk) {
    let options = AuditOptions { most_attempts: 2, ..AuditOptions::default() };
    let bed = Bed::with(desk, options).await;
    bed.desk.employee().await;
    bed.desk.clock.advance(11 * SECOND);
    for wait in [1, 5] {
        assert_eq!(bed.run().await.republished, 1);
        bed.lose_all();
        bed.desk.clock.advance(wait * MINUTE);
    }
    bed.desk.clock.advance(60 * MINUTE);
    let found = bed.run().await;
    assert_eq!((found.commits_behind, found.republished, found.given_up), (1, 0, 1));
    assert_eq!(bed.run().await, AuditReport::default());
}

async fn what_was_healed_without_the_bus_is_published_all_the_same(desk: Desk) {
    let bed = Bed::new(desk).await;
    let ticket = bed.ticket_with_message().await;
    bed.publish_new().await;
    bed.work_all().await;
    // The bus never gets the third commit, and the fourth makes all projections read it from the store.
    bed.desk.set_status(&root(), ticket, Status::Pending).await;
    let never = bed.new_commits().await;
    bed.desk.set_status(&root(), ticket, Status::OnHold).await;
    bed.publish_new().await;
    bed.work_all().await;
    assert_eq!(bed.applied(StreamId::Ticket(ticket)).await, 4);
    bed.desk.clock.advance(MINUTE);
    assert_eq!(bed.run().await, AuditReport { republished: 1, ..only_behind(1, 60) });
    assert_eq!(bed.queues()[0].iter().map(|event| event.id).collect::<Vec<_>>(), [never[0].event_id(0)]);
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
    bed.is_as_if_never_interrupted().await;
}

async fn half_a_commit_is_published_again_whole(desk: Desk) {
    let bed = Bed::new(desk).await;
    let staff = bed.desk.user(&[Role::Support]).await;
    let employee = bed.desk.employee().await.id;
    let id = bed.desk.ticket(&root(), employee).await.id;
    bed.publish_new().await;
    bed.work_all().await;
    // Assigning a new ticket opens it, too: two events.
    bed.desk.run(&root(), AssignTicket { id, user_id: staff.id }).await.unwrap();
    let commit = bed.new_commits().await.pop().unwrap();
    assert_eq!(commit.events.len(), 2);
    bed.publish(std::slice::from_ref(&commit)).await;
    bed.lose_last(HISTORY);
    bed.work_all().await;
    bed.desk.clock.advance(MINUTE);
    assert_eq!(bed.run().await, AuditReport { republished: 1, ..only_behind(1, 60) });
    assert_eq!(bed.queues().map(|queue| queue.len()), [2, 2, 0]);
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
    bed.is_as_if_never_interrupted().await;
}

async fn events_of_a_commit_that_come_one_by_one_are_a_whole_commit(desk: Desk) {
    let bed = Bed::new(desk).await;
    let staff = bed.desk.user(&[Role::Support]).await;
    let employee = bed.desk.employee().await.id;
    let id = bed.desk.ticket(&root(), employee).await.id;
    bed.desk.run(&root(), AssignTicket { id, user_id: staff.id }).await.unwrap();
    bed.publish_new().await;
    while bed.queues().iter().any(|queue| !queue.is_empty()) {
        bed.work_one(HISTORY).await;
        bed.work_one(TICKETS).await;
        bed.work_one(DIRECTORY).await;
    }
    bed.desk.clock.advance(MINUTE);
    assert_eq!(bed.run().await, AuditReport::default());
    bed.is_as_if_never_interrupted().await;
}

async fn a_bus_that_stays_away_is_asked_a_few_times_a_run(desk: Desk) {
    let bed = Bed::new(desk).await;
    for _ in 0..200 {
        bed.desk.employee().await;
    }
    bed.away(true);
    bed.desk.clock.advance(11 * SECOND);
    let found = bed.run().await;
    assert_eq!((found.commits_behind, found.republished, bed.calls()), (200, 0, 3));
    bed.away(false);
    // Those that were not tried come at once, the others a minute later.
    assert_eq!(bed.run().await.republished, 125);
    bed.work_all().await;
    bed.desk.clock.advance(MINUTE);
    assert_eq!(bed.run().await.republished, 75);
    bed.work_all().await;
    assert_eq!(bed.run().await, AuditReport::default());
}

async fn without_the_read_models_nothing_is_published(desk: Desk) {
    let bed = Bed::new(desk).await;
    bed.desk.employee().await;
    bed.desk.clock.advance(MINUTE);
    let blind = bed.blind();
    blind.run().await.unwrap_err();
    assert_eq!(bed.calls(), 0);
    assert_eq!(bed.run().await.republished, 1);
}

async fn a_run_does_so_much_and_no_more(desk: Desk) {
    let options = AuditOptions { most_mended: 10, ..AuditOptions::default() };
    let bed = Bed::with(desk, options).await;
    for _ in 0..25 {
        bed.desk.employee().await;
    }
    bed.desk.clock.advance(MINUTE);
    let mut published: Vec<Commit> = Vec::new();
    for expected in [10, 10, 5] {
        assert_eq!(bed.run().await.republished, expected);
        published.extend(bed.new_commits().await);
        bed.work_all().await;
    }
    assert_eq!(bed.run().await, AuditReport::default());
}

scenarios![
    what_has_arrived_is_left_alone,
    a_bus_that_was_away_is_made_up_for,
    what_is_new_is_not_looked_at,
    a_queue_that_lost_the_last_event_of_a_stream_gets_that_projection_alone_nudged,
    one_nudge_a_stream_is_enough,
    nothing_is_published_again_while_a_queue_is_merely_slow,
    nothing_is_nudged_while_its_own_queue_is_slow,
    a_queue_that_is_never_empty_does_not_hide_a_loss,
    a_commit_that_keeps_getting_lost_is_published_ever_more_seldom,
    what_is_behind_is_remembered_beyond_the_hour_that_is_looked_at,
    what_was_made_while_the_audit_did_not_run_is_found,
    a_commit_is_given_up_after_its_last_attempt,
    what_was_healed_without_the_bus_is_published_all_the_same,
    half_a_commit_is_published_again_whole,
    events_of_a_commit_that_come_one_by_one_are_a_whole_commit,
    a_bus_that_stays_away_is_asked_a_few_times_a_run,
    without_the_read_models_nothing_is_published,
    a_run_does_so_much_and_no_more,
];
