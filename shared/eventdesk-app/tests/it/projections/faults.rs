//! Poison, and events that do not carry all of their commit.

use std::sync::Arc;

use eventdesk_app::{
    ports::{Append, Commit, Delivery, DeliveryId, Document, ReadStore, RecordedEvent},
    projections::{MESSAGES, MessageDocument, ProjectionError, Projector, TICKETS, TicketDocument, projectors},
};
use eventdesk_events::{CommitId, Envelope, StreamId, TicketId};
use serde_json::value::to_raw_value;

use crate::desk::{Desk, Fault, FaultyViews, commits, note_on, open_for, post_on, root, scenarios, singles, wholes};

/// The tickets' projector of a desk, over these views.
fn tickets(desk: &Desk, views: &Arc<dyn ReadStore>) -> Projector {
    projectors(&desk.store, views).into_iter().find(|projector| projector.name() == "projector-ticket").unwrap()
}

async fn ticket(views: &dyn ReadStore, id: TicketId) -> Option<(Document, TicketDocument)> {
    let document = views.get(&TICKETS, &[&id.to_string()]).await.unwrap().pop().flatten()?;
    let content = serde_json::from_str(&document.body).unwrap();
    Some((document, content))
}

/// Appends a commit to a ticket that no build can read.
pub(crate) async fn poison(desk: &Desk, id: TicketId) -> Commit {
    let head = desk.store.head(StreamId::Ticket(id)).await.unwrap().unwrap();
    let garbage = RecordedEvent { data: to_raw_value(&["garbage"]).unwrap(), private: None, ..head.events[0].clone() };
    let commit = Commit {
        version: head.version.next(),
        id: CommitId::from_uuid(desk.ids.next()),
        events: vec![garbage],
        ..head
    };
    desk.store.append(Append { commits: vec![commit.clone()], ..Append::default() }).await.unwrap();
    commit
}

async fn poison_fails_its_own_ticket_alone(desk: Desk) {
    let employee = desk.employee().await.id;
    let (bad, good) = (desk.ticket(&root(), employee).await.id, desk.ticket(&root(), employee).await.id);
    let poison = poison(&desk, bad).await;
    desk.post(&root(), good).await;
    let commits = commits(&*desk.log).await;
    let projector = tickets(&desk, &desk.views);
    let handled = projector.handle(wholes(&commits)).await.unwrap();
    let failed: Vec<&DeliveryId> = handled.failed.iter().map(|(id, _)| id).collect();
    let bad_ones: Vec<DeliveryId> = wholes(&commits)
        .into_iter()
        .filter(|delivery| delivery.events[0].stream == poison.stream)
        .map(|delivery| delivery.id)
        .collect();
    assert_eq!(failed, bad_ones.iter().collect::<Vec<_>>());
    assert!(handled.failed.iter().all(|(_, reason)| !reason.is_empty()));
    assert_eq!(handled.done.len(), commits.len() - bad_ones.len());
    assert_eq!(ticket(&*desk.views, good).await.unwrap().1.messages.public.count, 1);
    // One that was projected before stays as it was.
    assert!(ticket(&*desk.views, bad).await.is_none());
}

async fn an_event_that_does_not_say_its_ticket_fails_alone(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    desk.post(&root(), id).await;
    let mut deliveries = singles(&commits(&*desk.log).await);
    let broken = deliveries.iter_mut().find(|delivery| delivery.events[0].event_type == "message.posted").unwrap();
    broken.events[0].data = to_raw_value(&"garbage").unwrap();
    let broken = broken.id.clone();
    let handled = tickets(&desk, &desk.views).handle(deliveries).await.unwrap();
    assert_eq!(handled.failed.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [broken]);
    assert_eq!(ticket(&*desk.views, id).await.unwrap().1.messages.public.count, 0);
}

async fn what_left_its_private_part_behind_is_read_from_the_store(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let message = desk.post(&root(), id).await.id;
    let bare = |envelope: Envelope| Envelope { private: None, private_omitted: true, ..envelope };
    let deliveries = wholes(&commits(&*desk.log).await)
        .into_iter()
        .map(|delivery| Delivery { events: delivery.events.into_iter().map(bare).collect(), ..delivery });
    let handled = tickets(&desk, &desk.views).handle(deliveries.collect()).await.unwrap();
    assert_eq!(handled.failed, []);
    let (_, content) = ticket(&*desk.views, id).await.unwrap();
    assert_eq!(content.text.title.as_deref(), Some("Printer"));
    let row = desk.views.get(&MESSAGES, &[&message.to_string()]).await.unwrap().pop().flatten().unwrap();
    let row: MessageDocument = serde_json::from_str(&row.body).unwrap();
    assert_eq!(row.body.as_deref(), Some("Hello"));
}

async fn a_message_brings_its_ticket_along(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let posted = desk.post(&root(), id).await;
    let (commits, projector) = (commits(&*desk.log).await, tickets(&desk, &desk.views));
    let message = commits.iter().find(|commit| commit.stream == StreamId::Message(posted.id)).unwrap();
    let handled = projector.handle(wholes(std::slice::from_ref(message))).await.unwrap();
    assert_eq!(handled.failed, []);
    let (document, content) = ticket(&*desk.views, id).await.unwrap();
    assert_eq!((document.version, document.deleted), (2, false));
    assert_eq!((content.messages.public.count, content.messages.first_response_at), (1, Some(posted.facts.created_at)));
    // Its own events change nothing any more, and neither does the message's repeat.
    projector.handle(wholes(&commits)).await.unwrap();
    projector.handle(wholes(std::slice::from_ref(message))).await.unwrap();
    assert_eq!(ticket(&*desk.views, id).await.unwrap().0, document);
}

async fn a_message_is_counted_once_though_its_row_was_lost_in_a_crash(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    desk.project().await;
    desk.clock.advance(10);
    let late = desk.post(&root(), id).await;
    desk.clock.advance(-5);
    let early = desk.post(&root(), id).await;
    desk.run(&root(), note_on(id)).await.unwrap();
    let all = commits(&*desk.log).await;
    let of = |id| wholes(&all.iter().filter(|c| c.stream == StreamId::Message(id)).cloned().collect::<Vec<_>>());
    // The ticket is written, the row is not.
    let crashing: Arc<dyn ReadStore> = Arc::new(FaultyViews::new(desk.views.clone(), Fault::Partly(1), 1));
    for message in [late.id, early.id] {
        let crashed = tickets(&desk, &crashing).handle(of(message)).await;
        assert!(matches!(crashed, Err(ProjectionError::Unavailable(_))), "{crashed:?}");
    }
    let (_, content) = ticket(&*desk.views, id).await.unwrap();
    assert_eq!((content.messages.public.count, content.pending.len()), (2, 2));
    for _ in 0..3 {
        tickets(&desk, &desk.views).handle(wholes(&all)).await.unwrap();
    }
    let (_, content) = ticket(&*desk.views, id).await.unwrap();
    assert_eq!((content.messages.public.count, content.messages.internal.count), (2, 1));
    assert_eq!(content.messages.public.last_at, Some(late.facts.created_at));
    assert_eq!(content.messages.first_response_at, Some(early.facts.created_at));
    assert!(early.facts.created_at < late.facts.created_at);
}

async fn pending_messages_do_not_pile_up(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    for _ in 0..20 {
        desk.post(&root(), id).await;
    }
    for delivery in wholes(&commits(&*desk.log).await) {
        tickets(&desk, &desk.views).handle(vec![delivery]).await.unwrap();
    }
    let (_, content) = ticket(&*desk.views, id).await.unwrap();
    assert_eq!((content.messages.public.count, content.pending.len()), (20, 1));
}

async fn a_store_that_refuses_one_ticket_holds_up_no_other(desk: Desk) {
    let employee = desk.employee().await.id;
    let (one, two) = (desk.ticket(&root(), employee).await.id, desk.ticket(&root(), employee).await.id);
    let deliveries = wholes(&commits(&*desk.log).await);
    // The ticket's own id is no document id that views take.
    let refusing: Arc<dyn ReadStore> = Arc::new(RefusesOne { inner: desk.views.clone(), id: one.to_string() });
    let handled = tickets(&desk, &refusing).handle(deliveries).await.unwrap();
    assert_eq!(handled.failed.len(), 1);
    assert_eq!(handled.failed[0].1, "never");
    assert!(!handled.done.contains(&handled.failed[0].0));
    assert!(ticket(&*desk.views, one).await.is_none());
    assert!(ticket(&*desk.views, two).await.is_some());
}

async fn an_open_and_a_half_delivered_commit_are_applied_as_one(desk: Desk) {
    let id = desk.run(&root(), open_for(desk.employee().await.id)).await.unwrap().record.id;
    let staff = desk.user(&[eventdesk_events::user::Role::Support]).await.id;
    desk.run(&root(), eventdesk_app::commands::AssignTicket { id, user_id: staff }).await.unwrap();
    desk.run(&root(), post_on(id)).await.unwrap();
    let all = commits(&*desk.log).await;
    let assigned = all.iter().find(|commit| commit.events.len() == 2).unwrap();
    // The second of the two events, before the ticket's first.
    let half = singles(std::slice::from_ref(assigned)).pop().unwrap();
    tickets(&desk, &desk.views).handle(vec![half]).await.unwrap();
    let (document, content) = ticket(&*desk.views, id).await.unwrap();
    assert_eq!(document.version, 2);
    assert_eq!(content.ticket.facts().unwrap().assignee_id, Some(staff));
}

/// Refuses each apply with a write of one document.
struct RefusesOne {
    inner: Arc<dyn ReadStore>,
    id: String,
}

crate::desk::delegate_reads!(RefusesOne, |store, puts, progress| {
    if puts.iter().any(|put| put.document.id == store.id) {
        return Err(eventdesk_app::ports::ApplyError::Internal("never".into()));
    }
    store.inner.apply(puts, progress).await
});

scenarios!(
    poison_fails_its_own_ticket_alone,
    an_event_that_does_not_say_its_ticket_fails_alone,
    what_left_its_private_part_behind_is_read_from_the_store,
    a_message_brings_its_ticket_along,
    a_message_is_counted_once_though_its_row_was_lost_in_a_crash,
    pending_messages_do_not_pile_up,
    a_store_that_refuses_one_ticket_holds_up_no_other,
    an_open_and_a_half_delivered_commit_are_applied_as_one,
);
