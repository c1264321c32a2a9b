//! Who sees what of single things, and what is gone.

use eventdesk_app::{
    QueryError,
    commands::{DeleteTicket, RetractMessage},
    queries::{MessageFilter, TicketFilter, TicketKey, TicketSort},
};
use eventdesk_events::user::Role;

use super::{all_pages, first};
use crate::desk::{Desk, asking, note_on, root, scenarios};

fn not_found<T: std::fmt::Debug>(refused: &Result<T, QueryError>) {
    assert!(matches!(refused, Err(QueryError::NotFound(_))), "{refused:?}");
}

async fn a_ticket_is_found_by_id_and_number(desk: Desk) {
    let (owner, employee) = desk.requester().await;
    let stranger = desk.user(&[Role::Employee]).await;
    let ticket = desk.ticket(&root(), employee).await;
    desk.project().await;
    for key in [TicketKey::Id(ticket.id), TicketKey::Number(ticket.facts.number)] {
        assert_eq!(desk.queries.ticket(&asking(&owner), key, None).await.unwrap().id, ticket.id);
        not_found(&desk.queries.ticket(&asking(&stranger), key, None).await);
        not_found(&desk.queries.ticket(&asking(&stranger), key, Some(ticket.version)).await);
    }
    not_found(&desk.queries.ticket(&asking(&root()), TicketKey::Number(u64::MAX), None).await);
}

async fn a_deleted_ticket_is_gone_with_its_messages(desk: Desk) {
    let (owner, employee) = desk.requester().await;
    let (id, other) = (desk.ticket(&root(), employee).await, desk.ticket(&root(), employee).await);
    let message = desk.post(&owner, id.id).await.id;
    let kept = desk.post(&owner, other.id).await.id;
    desk.run(&root(), DeleteTicket { id: id.id }).await.unwrap();
    desk.project().await;
    let queries = &desk.queries;
    for caller in [&owner, &root()] {
        let context = asking(caller);
        for key in [TicketKey::Id(id.id), TicketKey::Number(id.facts.number)] {
            not_found(&queries.ticket(&context, key, None).await);
        }
        not_found(&queries.message(&context, id.id, message, true).await);
        let filter = MessageFilter { ticket: Some(id.id), may_note: true, ..MessageFilter::default() };
        not_found(&queries.messages(&context, &filter, &first(5)).await);
        let filter = MessageFilter { author: Some(owner.id), may_note: true, ..MessageFilter::default() };
        let (found, total) = all_pages!(1, |page| queries.messages(&context, &filter, &page));
        assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), [kept]);
        assert_eq!(total, if caller.is_staff() { 2 } else { 1 }, "staff are told of deleted tickets' messages, too");
        let filter = TicketFilter::default();
        let (found, _) = all_pages!(1, |page| queries.tickets(&context, &filter, TicketSort::Number, true, &page));
        assert_eq!(found.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [other.id]);
    }
}

async fn a_message_is_shown_to_whom_it_may_concern(desk: Desk) {
    let (owner, employee) = desk.requester().await;
    let stranger = desk.user(&[Role::Employee]).await;
    let id = desk.ticket(&root(), employee).await.id;
    let other = desk.ticket(&root(), employee).await.id;
    let message = desk.post(&root(), id).await.id;
    let note = desk.run(&root(), note_on(id)).await.unwrap().record.id;
    desk.project().await;
    let queries = &desk.queries;
    assert_eq!(queries.message(&asking(&owner), id, message, false).await.unwrap().body.as_deref(), Some("Hello"));
    not_found(&queries.message(&asking(&owner), id, note, false).await);
    not_found(&queries.message(&asking(&stranger), id, message, false).await);
    not_found(&queries.message(&asking(&root()), other, message, true).await);
    queries.message(&asking(&root()), id, note, true).await.unwrap();
    // Who has no ticket has no messages, whatever they ask for.
    let filter = MessageFilter { author: Some(root().id), ..MessageFilter::default() };
    let found = queries.messages(&asking(&stranger), &filter, &first(5)).await.unwrap();
    assert_eq!((found.items.len(), found.total), (0, Some(0)));
    desk.run(&root(), RetractMessage { ticket_id: id, id: message, any: true, may_note: true }).await.unwrap();
    desk.project().await;
    let gone = queries.message(&asking(&owner), id, message, false).await.unwrap();
    assert_eq!(gone.body, None);
    assert!(gone.facts.retracted_at.is_some());
}

scenarios!(
    a_ticket_is_found_by_id_and_number,
    a_deleted_ticket_is_gone_with_its_messages,
    a_message_is_shown_to_whom_it_may_concern,
);
