//! The part of the `ETag` after the dot: it changes when, and only when, what stands there does.

use eventdesk_app::{
    TicketRecord,
    access::Caller,
    commands::{
        AssignTicket, DeleteEmployee, DeleteUser, EditMessage, EmployeeInput, PostMessage, RegisterEmployee,
        ReplaceEmployee, RetractMessage,
    },
    queries::TicketKey,
};
use eventdesk_events::{TicketId, user::Role};

use crate::desk::{Desk, asking, note_on, post_on, root, scenarios};

/// Two looks at a ticket, at the same version of it or not, differ in its `ETag` as they differ in all else.
fn compare(before: &TicketRecord, after: &TicketRecord) {
    let tag = |record: &TicketRecord| (record.version, record.fed.as_ref().unwrap().revision);
    let bare = |record: &TicketRecord| {
        let mut record = record.clone();
        record.fed.as_mut().unwrap().revision = 0;
        record
    };
    assert_eq!(tag(before) == tag(after), bare(before) == bare(after), "{before:?}\n{after:?}");
}

async fn look(desk: &Desk, callers: &[&Caller], id: TicketId) -> Vec<TicketRecord> {
    desk.project().await;
    let mut records = Vec::new();
    for caller in callers {
        records.push(desk.queries.ticket(&asking(caller), TicketKey::Id(id), None).await.unwrap());
    }
    records
}

async fn a_revision_changes_with_what_it_stands_for(desk: Desk) {
    let support = desk.user(&[Role::Support]).await;
    let caller = desk.user(&[Role::Employee]).await;
    let mut input = EmployeeInput { user_id: Some(caller.id), ..desk.new_employee() };
    let employee = desk.run(&root(), RegisterEmployee { input: input.clone() }).await.unwrap().record.id;
    let id = desk.ticket(&root(), employee).await.id;
    let eyes = [&root(), &support, &caller];
    let mut before = look(&desk, &eyes, id).await;
    let (mut message, mut changes) = (None, Vec::new());
    for step in 0..12 {
        desk.clock.advance(1);
        match step {
            0 => message = Some(desk.run(&support, post_on(id)).await.unwrap().record.id),
            1 => drop(desk.run(&support, note_on(id)).await.unwrap()),
            2 => drop(desk.run(&caller, PostMessage { may_note: false, ..post_on(id) }).await.unwrap()),
            3 => {
                let body = Some("Changed".to_owned());
                let edit = EditMessage { ticket_id: id, id: message.unwrap(), body, may_note: true };
                drop(desk.run(&support, edit).await.unwrap());
            }
            4 => {
                let retract = RetractMessage { ticket_id: id, id: message.unwrap(), any: false, may_note: true };
                drop(desk.run(&support, retract).await.unwrap());
            }
            5 => drop(desk.run(&root(), AssignTicket { id, user_id: support.id }).await.unwrap()),
            6..=8 => {
                match step {
                    6 => input.city = Some("Wien".to_owned()),
                    7 => input.first_name = Some("Eva".to_owned()),
                    _ => input.user_id = None,
                }
                drop(desk.run(&root(), ReplaceEmployee { id: employee, input: input.clone() }).await.unwrap());
                if step == 8 {
                    // Back again, so that the caller still sees the ticket.
                    input.user_id = Some(caller.id);
                    drop(desk.run(&root(), ReplaceEmployee { id: employee, input: input.clone() }).await.unwrap());
                }
            }
            9 => drop(desk.run(&root(), DeleteUser { id: support.id }).await.unwrap()),
            10 => drop(desk.post(&root(), id).await),
            _ => drop(desk.run(&root(), RegisterEmployee { input: desk.new_employee() }).await.unwrap()),
        }
        let after = look(&desk, &eyes, id).await;
        for (before, after) in before.iter().zip(&after) {
            compare(before, after);
            let version = |record: &TicketRecord| (record.version, record.fed.as_ref().unwrap().revision);
            assert!(version(before) <= version(after) || before.version < after.version, "it only grows");
        }
        changes.push(before != after);
        before = after;
    }
    let wanted = [true, true, true, false, false, true, false, true, false, false, true, false];
    assert_eq!(changes, wanted);
    desk.run(&root(), DeleteEmployee { id: employee }).await.unwrap();
    let after = look(&desk, &eyes[..2], id).await;
    assert_eq!(before[..2], after, "the last known name stays");
}

async fn a_note_changes_nothing_for_its_requester(desk: Desk) {
    let (caller, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    let before = look(&desk, &[&caller, &root()], id).await;
    desk.run(&root(), note_on(id)).await.unwrap();
    let after = look(&desk, &[&caller, &root()], id).await;
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
}

scenarios!(a_revision_changes_with_what_it_stands_for, a_note_changes_nothing_for_its_requester);
