//! The audit over the adapters that it has on AWS: the store's feed index, the bus and its queues. The read models are
//! those in memory, for the audit asks nothing of them that the contract of read stores does not hold.

mod bed;

use std::time::Duration;

use bed::{Bed, DIRECTORY, HISTORY, TICKETS};
use eventdesk_app::audit::AuditReport;

const SECOND: i64 = 1000;

fn behind(seconds: u64) -> AuditReport {
    AuditReport { commits_behind: 1, oldest_behind: Some(Duration::from_secs(seconds)), ..AuditReport::default() }
}

#[tokio::test]
async fn a_commit_that_the_bus_never_got_is_published_by_the_audit() {
    let bed = Bed::new().await;
    bed.bus_away(true);
    let employee = bed.register_employee().await;
    bed.bus_away(false);
    assert_eq!(bed.waiting().await, [0, 0, 0]);
    bed.pass(11 * SECOND);
    assert_eq!(bed.audit.run().await.unwrap(), AuditReport { republished: 1, ..behind(11) });
    assert_eq!(bed.waiting().await, [1, 0, 1]);
    bed.work(HISTORY).await;
    bed.work(DIRECTORY).await;
    assert_eq!(bed.directory_version(employee).await, 1);
    assert_eq!(bed.audit.run().await.unwrap(), AuditReport::default());
}

#[tokio::test]
async fn a_queue_that_lost_an_event_gets_that_projection_alone_nudged() {
    let bed = Bed::new().await;
    let employee = bed.register_employee().await;
    bed.work(HISTORY).await;
    bed.lose(DIRECTORY).await;
    bed.pass(20 * SECOND);
    assert_eq!(bed.audit.run().await.unwrap(), AuditReport { nudged: 1, ..behind(20) });
    assert_eq!(bed.waiting().await, [0, 0, 1]);
    bed.work(DIRECTORY).await;
    assert_eq!(bed.directory_version(employee).await, 1);
    assert_eq!(bed.audit.run().await.unwrap(), AuditReport::default());
}

#[tokio::test]
async fn what_waits_in_a_queue_is_not_published_again() {
    let bed = Bed::new().await;
    bed.register_employee().await;
    // In hand, and not settled for longer than anybody should take.
    let in_hand = bed.receive(HISTORY).await;
    for minutes in 1..=3 {
        bed.pass(60 * SECOND);
        assert_eq!(bed.audit.run().await.unwrap(), behind(minutes * 60));
    }
    assert_eq!(bed.waiting().await, [1, 0, 1]);
    bed.handle(HISTORY, in_hand).await;
    bed.work(DIRECTORY).await;
    assert_eq!(bed.audit.run().await.unwrap(), AuditReport::default());
    assert_eq!(bed.waiting().await[TICKETS], 0);
}
