//! What callers of commands see of the service's bad moments.

use eventdesk_app::{
    CommandError,
    commands::{MoveTicket, RegisterEmployee},
};
use eventdesk_events::ticket::Status;

use super::desk::{Desk, admin, open, post};
use crate::wire::Fault::LoseAnswer;

#[tokio::test]
async fn a_command_whose_answer_from_the_store_was_lost_succeeds_once() {
    let desk = Desk::new().await;
    let root = admin();
    let employee = desk.run(&root, RegisterEmployee { input: desk.employee() }).await.unwrap();
    desk.wire.next("PutItem", LoseAnswer);
    let opened = desk.run(&root, open(employee.id)).await.unwrap();
    desk.wire.next("TransactWriteItems", LoseAnswer);
    desk.run(&root, post(opened.id)).await.unwrap();
    desk.wire.next("PutItem", LoseAnswer);
    let moved = desk.run(&root, MoveTicket { id: opened.id, status: Status::Solved, reason: None }).await.unwrap();
    assert_eq!(desk.wire.faults_left(), 0);
    // Opened, opened by the message, solved: each once.
    assert_eq!((moved.version.get(), moved.facts.status), (3, Status::Solved));
}

#[tokio::test]
async fn a_command_on_a_busy_store_is_told_to_come_again_and_changes_nothing() {
    let desk = Desk::new().await;
    let root = admin();
    let employee = desk.run(&root, RegisterEmployee { input: desk.employee() }).await.unwrap();
    let opened = desk.run(&root, open(employee.id)).await.unwrap();
    let solved = || MoveTicket { id: opened.id, status: Status::Solved, reason: None };
    for code in ["ThrottlingException", "TransactionConflictException"] {
        desk.wire.next_many(100, "PutItem", code);
        let refused = desk.run(&root, solved()).await.err();
        assert!(matches!(refused, Some(CommandError::Unavailable(_))), "{code}: {refused:?}");
        desk.wire.heal();
    }
    desk.wire.cancel_many(100, &["TransactionConflict", "None", "None"]);
    let refused = desk.run(&root, post(opened.id)).await.err();
    assert!(matches!(refused, Some(CommandError::Unavailable(_))), "{refused:?}");
    desk.wire.heal();
    assert_eq!(desk.run(&root, solved()).await.unwrap().version.get(), 2);
}
