//! Who did what, when; and tickets as they were.

use std::sync::Arc;

use eventdesk_app::{
    QueryError,
    commands::{AssignTicket, DeleteTicket, EditTicket, MoveTicket, RetractMessage, TagTicket},
    projections::HISTORY,
    queries::{HistoryFilter, TicketKey},
};
use eventdesk_events::{Version, ticket::Status, user::Role};

use super::{all_pages, first, next};
use crate::desk::{Altered, Counting, Desk, FakeIds, asking, context, root, scenarios};

async fn a_history_tells_everything_in_order(desk: Desk) {
    let support = desk.user(&[Role::Support]).await;
    let (requester, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    desk.ticket(&root(), employee).await;
    desk.clock.advance(5);
    desk.run(&support, AssignTicket { id, user_id: support.id }).await.unwrap();
    desk.clock.advance(5);
    desk.set_status(&support, id, Status::Pending).await;
    desk.clock.advance(5);
    let message = desk.post(&requester, id).await.id;
    desk.clock.advance(5);
    desk.run(&requester, RetractMessage { ticket_id: id, id: message, any: false, may_note: false }).await.unwrap();
    desk.project().await;
    let filter = HistoryFilter { ticket: id, may_see_deleted: false };
    let (caller, queries) = (asking(&root()), &desk.queries);
    let (found, total) = all_pages!(2, |page| queries.history(&caller, &filter, &page));
    let types: Vec<_> = found.iter().map(|entry| &*entry.event_type).collect();
    let wanted = [
        "ticket.opened",
        "ticket.assigned",
        "ticket.status_changed",
        "ticket.status_changed",
        "message.posted",
        "ticket.status_changed",
        "message.retracted",
    ];
    assert_eq!(types, wanted);
    assert_eq!(total, 7);
    assert_eq!(found[5].causation_id, Some(found[4].id), "the message reopened the ticket");
    assert!(found[1].actor_name.as_ref().unwrap().starts_with("Ada Number"));
    assert_eq!(found[4].actor.id, requester.id.to_string());
    assert!(found.iter().all(|entry| !entry.facts.get().contains("does not print")), "facts alone");
}

async fn a_reason_is_told_until_it_is_erased(mut desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let reason = Some("waits for a cable".to_owned());
    desk.run(&root(), MoveTicket { id, status: Status::Pending, reason: reason.clone() }).await.unwrap();
    desk.set_status(&root(), id, Status::Open).await;
    desk.run(&root(), TagTicket { id, tag: "cable".to_owned() }).await.unwrap();
    desk.project().await;
    let filter = HistoryFilter { ticket: id, may_see_deleted: false };
    let counting = Arc::new(Counting::new(desk.store.clone()));
    desk.queries.store = counting.clone();
    let page = desk.queries.history(&asking(&root()), &filter, &first(3)).await.unwrap();
    assert_eq!(page.items.iter().map(|entry| entry.reason.clone()).collect::<Vec<_>>(), [None, reason, None]);
    assert_eq!(counting.take(), (1, 2, 0), "one read of the two status changes");
    let rest = desk.queries.history(&asking(&root()), &filter, &next(&page, 3).unwrap()).await.unwrap();
    assert_eq!(rest.items.iter().map(|entry| &*entry.event_type).collect::<Vec<_>>(), ["ticket.tagged"]);
    assert_eq!(counting.take(), (0, 0, 0), "nothing is read where no status changes");

    let moved = page.items[1].id.to_string();
    let row = desk.views.get(&HISTORY, &[&moved]).await.unwrap().pop().flatten().unwrap();
    assert!(!row.body.contains("waits for"), "the view has no reasons: {}", row.body);
    desk.queries.store = Arc::new(Altered::new(desk.store.clone(), |mut commit| {
        commit.events.iter_mut().for_each(|event| event.private = None);
        commit
    }));
    let erased = desk.queries.history(&asking(&root()), &filter, &first(3)).await.unwrap();
    assert!(erased.items.iter().all(|entry| entry.reason.is_none()));
}

async fn a_writer_whose_clock_is_behind_does_not_confuse_the_order(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let mut behind = desk.commands_over(desk.store.clone());
    behind.ids = Arc::new(FakeIds::counting_down());
    desk.clock.advance(-1000);
    for number in 0..6 {
        let tag = TagTicket { id, tag: format!("t{number}") };
        if number % 2 == 0 {
            behind.execute(&context(&root()), tag).await.unwrap();
        } else {
            desk.run(&root(), tag).await.unwrap();
        }
    }
    desk.project().await;
    let filter = HistoryFilter { ticket: id, may_see_deleted: false };
    let (caller, queries) = (asking(&root()), &desk.queries);
    let (found, _) = all_pages!(3, |page| queries.history(&caller, &filter, &page));
    assert_eq!(found.iter().map(|entry| entry.version.get()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
}

async fn the_history_of_a_deleted_ticket_is_for_few(desk: Desk) {
    let (owner, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    let stranger = desk.user(&[Role::Employee]).await;
    desk.project().await;
    let ask = async |caller, may_see_deleted| {
        let filter = HistoryFilter { ticket: id, may_see_deleted };
        desk.queries.history(&asking(caller), &filter, &first(10)).await
    };
    assert_eq!(ask(&owner, false).await.unwrap().items.len(), 1);
    let refused = ask(&stranger, false).await;
    assert!(matches!(refused, Err(QueryError::NotFound(_))), "{refused:?}");
    desk.run(&root(), DeleteTicket { id }).await.unwrap();
    desk.project().await;
    let root = root();
    assert_eq!(ask(&root, true).await.unwrap().items.len(), 2);
    for refused in [ask(&root, false).await, ask(&owner, false).await] {
        assert!(matches!(refused, Err(QueryError::NotFound(_))), "{refused:?}");
    }
}

async fn a_ticket_is_shown_as_it_was(desk: Desk) {
    let employee = desk.employee().await.id;
    let mut versions = vec![desk.ticket(&root(), employee).await];
    let id = versions[0].id;
    for title in ["Two", "Three"] {
        desk.clock.advance(1);
        let edit = EditTicket {
            id,
            title: Some(title.to_owned()),
            description: None,
            priority: None,
            ticket_type: None,
            tags: None,
            due_at: None,
        };
        versions.push(desk.run(&root(), edit).await.unwrap().record);
        versions.push(desk.run(&root(), TagTicket { id, tag: title.to_lowercase() }).await.unwrap().record);
    }
    desk.project().await;
    let ask =
        async |version| desk.queries.ticket(&asking(&root()), TicketKey::Id(id), Some(Version::new(version))).await;
    for (was, version) in versions.into_iter().zip(1..) {
        assert_eq!(ask(version).await.unwrap(), was);
    }
    for beyond in [0, 6, u64::MAX] {
        let refused = ask(beyond).await;
        assert!(matches!(refused, Err(QueryError::NotFound(_))), "{beyond}: {refused:?}");
    }
    desk.run(&root(), DeleteTicket { id }).await.unwrap();
    desk.project().await;
    let refused = ask(1).await;
    assert!(matches!(refused, Err(QueryError::NotFound(_))), "{refused:?}");
}

scenarios!(
    a_history_tells_everything_in_order,
    a_reason_is_told_until_it_is_erased,
    a_writer_whose_clock_is_behind_does_not_confuse_the_order,
    the_history_of_a_deleted_ticket_is_for_few,
    a_ticket_is_shown_as_it_was,
);
