//! What is not theirs does not exist for those who are not staff.

use eventdesk_app::{
    Command, CommandContext, CommandError,
    commands::{ChangeRequester, DeleteTicket, EditMessage, MoveTicket, OpenTicket, RetractMessage, TagTicket},
};
use eventdesk_domain::{message::MessageError, ticket::TicketError};
use eventdesk_events::{TicketId, ticket::Status, user::Role};

use crate::desk::{Desk, context, matching, note_on, open_for, post_on, root, scenarios};

async fn is_hidden(desk: &Desk, context: &CommandContext, command: impl Command) {
    let refused = desk.commands.execute(context, command).await.map(|_| ());
    assert!(matches!(refused, Err(CommandError::NotFound(_))), "{refused:?}");
}

fn move_to(id: TicketId, status: Status) -> MoveTicket {
    MoveTicket { id, status, reason: None }
}

async fn another_employees_ticket_does_not_exist(desk: Desk) {
    let (caller, _) = desk.requester().await;
    let (owner, employee) = desk.requester().await;
    let nobody = desk.user(&[Role::Employee]).await;
    let id = desk.ticket(&root(), employee).await.id;
    let message = desk.post(&owner, id).await.id;
    for caller in [&caller, &nobody] {
        // A version that does not stand tells no more than one that does.
        for context in [context(caller), matching(caller, 1), matching(caller, 99)] {
            is_hidden(&desk, &context, move_to(id, Status::Open)).await;
            is_hidden(&desk, &context, TagTicket { id, tag: "x".to_owned() }).await;
            is_hidden(&desk, &context, DeleteTicket { id }).await;
            is_hidden(&desk, &context, post_on(id)).await;
            let edit = EditMessage { ticket_id: id, id: message, body: Some("x".to_owned()), may_note: false };
            is_hidden(&desk, &context, edit).await;
            let retract = RetractMessage { ticket_id: id, id: message, any: true, may_note: false };
            is_hidden(&desk, &context, retract).await;
        }
    }
}

async fn an_internal_note_does_not_exist_for_its_requester(desk: Desk) {
    let (owner, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    let note = desk.run(&root(), note_on(id)).await.unwrap().record.id;
    for context in [context(&owner), matching(&owner, 99)] {
        let edit = EditMessage { ticket_id: id, id: note, body: Some("x".to_owned()), may_note: false };
        is_hidden(&desk, &context, edit).await;
        is_hidden(&desk, &context, RetractMessage { ticket_id: id, id: note, any: false, may_note: false }).await;
    }
    let refused = desk.run(&owner, eventdesk_app::commands::PostMessage { may_note: false, ..note_on(id) }).await;
    assert!(matches!(refused, Err(CommandError::Forbidden)), "{refused:?}");
}

async fn a_message_belongs_to_its_ticket_alone(desk: Desk) {
    let employee = desk.employee().await.id;
    let (id, other) = (desk.ticket(&root(), employee).await.id, desk.ticket(&root(), employee).await.id);
    let message = desk.post(&root(), id).await.id;
    let retract = RetractMessage { ticket_id: other, id: message, any: true, may_note: true };
    is_hidden(&desk, &context(&root()), retract).await;
}

async fn an_employee_opens_tickets_for_themselves_alone(desk: Desk) {
    let (caller, employee) = desk.requester().await;
    let other = desk.employee().await.id;
    let mine = OpenTicket { employee_id: None, ..open_for(employee) };
    assert_eq!(desk.run(&caller, mine).await.unwrap().record.facts.requester_id, employee);
    assert!(desk.run(&caller, open_for(employee)).await.is_ok());
    let refused = desk.run(&caller, open_for(other)).await;
    let Err(CommandError::Invalid(fields)) = refused else { panic!("{refused:?}") };
    assert_eq!(fields[0].pointer, "/employee_id");
    let staff = desk.user(&[Role::Support]).await.id;
    let refused = desk.run(&caller, OpenTicket { assignee_id: Some(staff), ..open_for(employee) }).await;
    assert!(matches!(refused, Err(CommandError::Forbidden)), "{refused:?}");
    let nobody = desk.user(&[Role::Employee]).await;
    let refused = desk.run(&nobody, open_for(employee)).await;
    assert!(matches!(refused, Err(CommandError::Forbidden)), "{refused:?}");
}

async fn an_employee_reopens_and_closes_their_own(desk: Desk) {
    let (caller, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    for status in [Status::Pending, Status::OnHold, Status::Solved] {
        let refused = desk.run(&caller, move_to(id, status)).await;
        assert!(matches!(refused, Err(CommandError::Forbidden)), "{refused:?}");
    }
    desk.set_status(&root(), id, Status::Solved).await;
    desk.run(&caller, move_to(id, Status::Open)).await.unwrap();
    desk.set_status(&root(), id, Status::Solved).await;
    desk.run(&caller, move_to(id, Status::Closed)).await.unwrap();
}

async fn a_ticket_goes_with_its_requester(desk: Desk) {
    let (before, employee) = desk.requester().await;
    let (after, next) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    desk.run(&root(), ChangeRequester { id, employee_id: next }).await.unwrap();
    is_hidden(&desk, &context(&before), post_on(id)).await;
    desk.run(&after, post_on(id)).await.unwrap();
}

async fn only_a_closed_ticket_of_ones_own_is_continued(desk: Desk) {
    let (caller, employee) = desk.requester().await;
    let (other, others) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    let follow = |employee| OpenTicket { follow_up_of: Some(id), ..open_for(employee) };
    let not_closed = |refused: Result<_, CommandError>| match refused.map(|_: eventdesk_app::Done<_>| ()) {
        Err(CommandError::Invalid(fields)) => assert_eq!(fields[0].pointer, "/follow_up_of"),
        refused => panic!("{refused:?}"),
    };
    not_closed(desk.run(&root(), follow(employee)).await);
    desk.set_status(&root(), id, Status::Solved).await;
    not_closed(desk.run(&caller, follow(employee)).await);
    desk.set_status(&root(), id, Status::Closed).await;
    not_closed(desk.run(&other, follow(others)).await);
    let done = desk.run(&caller, follow(employee)).await.unwrap();
    assert_eq!(done.record.facts.follow_up_of, Some(id));
    desk.run(&root(), DeleteTicket { id }).await.unwrap();
    not_closed(desk.run(&root(), follow(employee)).await);
}

async fn a_closed_or_deleted_ticket_takes_no_message(desk: Desk) {
    let (caller, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    let message = desk.post(&caller, id).await.id;
    desk.close(&root(), id).await;
    for caller in [&caller, &root()] {
        let refused = desk.run(caller, post_on(id)).await;
        assert!(matches!(refused, Err(CommandError::Ticket(TicketError::Closed))), "{refused:?}");
    }
    let edit = EditMessage { ticket_id: id, id: message, body: Some("x".to_owned()), may_note: false };
    let refused = desk.run(&caller, edit).await;
    assert!(matches!(refused, Err(CommandError::Ticket(TicketError::Closed))), "{refused:?}");
    desk.run(&root(), DeleteTicket { id }).await.unwrap();
    let refused = desk.run(&caller, post_on(id)).await;
    assert!(matches!(refused, Err(CommandError::Ticket(TicketError::Deleted))), "{refused:?}");
}

async fn only_its_author_edits_a_message(desk: Desk) {
    let (caller, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    let message = desk.post(&caller, id).await.id;
    let edit = EditMessage { ticket_id: id, id: message, body: Some("x".to_owned()), may_note: true };
    let refused = desk.run(&root(), edit.clone()).await;
    assert!(matches!(refused, Err(CommandError::Message(MessageError::NotAuthor))), "{refused:?}");
    let retract = RetractMessage { ticket_id: id, id: message, any: false, may_note: true };
    let refused = desk.run(&root(), retract.clone()).await;
    assert!(matches!(refused, Err(CommandError::Message(MessageError::NotAuthor))), "{refused:?}");
    assert_eq!(desk.run(&caller, edit).await.unwrap().record.body.as_deref(), Some("x"));
    desk.run(&root(), RetractMessage { any: true, ..retract }).await.unwrap();
}

scenarios!(
    another_employees_ticket_does_not_exist,
    an_internal_note_does_not_exist_for_its_requester,
    a_message_belongs_to_its_ticket_alone,
    an_employee_opens_tickets_for_themselves_alone,
    an_employee_reopens_and_closes_their_own,
    a_ticket_goes_with_its_requester,
    only_a_closed_ticket_of_ones_own_is_continued,
    a_closed_or_deleted_ticket_takes_no_message,
    only_its_author_edits_a_message,
);
