//! Reading one's writes.

use eventdesk_app::{
    ConsistencyToken, QueryError,
    access::Caller,
    queries::{HistoryFilter, MessageFilter, QueryContext, TicketFilter, TicketKey, TicketSort},
};
use eventdesk_events::TicketId;
use tokio::time::{Duration, Instant};

use super::first;
use crate::desk::{Desk, asking, commits, open_for, post_on, root, scenarios, wholes};

fn bearing(caller: &Caller, token: &ConsistencyToken) -> QueryContext {
    QueryContext { token: token.clone(), ..asking(caller) }
}

async fn a_query_waits_for_what_its_token_names(desk: Desk) {
    let employee = desk.employee().await.id;
    let opened = desk.run(&root(), open_for(employee)).await.unwrap();
    let posted = desk.run(&root(), post_on(opened.record.id)).await.unwrap();
    let context = bearing(&root(), &posted.token);
    // The query is asked first, and begins to wait.
    let key = TicketKey::Id(opened.record.id);
    let (found, ()) = tokio::join!(desk.queries.ticket(&context, key, None), desk.project());
    let found = found.unwrap();
    assert_eq!((found.version.get(), found.fed.unwrap().message_count), (2, 1));
    // What is there already is not waited for.
    desk.queries.ticket(&context, key, None).await.unwrap();
}

async fn a_history_waits_for_its_ticket_too(desk: Desk) {
    let opened = desk.run(&root(), open_for(desk.employee().await.id)).await.unwrap();
    let filter = HistoryFilter { ticket: opened.record.id, may_see_deleted: true };
    let deliveries = wholes(&commits(&*desk.log).await);
    // The history's projector is ahead of the others.
    for projector in desk.projectors().iter().filter(|projector| projector.name() == "projector-history") {
        projector.handle(deliveries.clone()).await.unwrap();
    }
    let context = bearing(&root(), &opened.token);
    let page = first(10);
    let (found, ()) = tokio::join!(desk.queries.history(&context, &filter, &page), desk.project());
    assert_eq!(found.unwrap().items.len(), 1);
}

async fn a_query_gives_up_after_two_seconds(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    desk.project().await;
    let token = ConsistencyToken::parse(&format!("ticket-{id}@2")).unwrap();
    let context = bearing(&root(), &token);
    tokio::time::pause();
    let start = Instant::now();
    let refused = desk.queries.ticket(&context, TicketKey::Id(id), None).await;
    assert!(matches!(refused, Err(QueryError::Behind)), "{refused:?}");
    let waited = start.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_millis(2100)).contains(&waited), "{waited:?}");
    for refused in [
        desk.queries.history(&context, &HistoryFilter { ticket: id, may_see_deleted: true }, &first(1)).await.map(drop),
        desk.queries.messages(&context, &MessageFilter::default(), &first(1)).await.map(drop),
        desk.queries.tickets(&context, &TicketFilter::default(), TicketSort::Number, false, &first(1)).await.map(drop),
    ] {
        assert!(matches!(refused, Err(QueryError::Behind)), "{refused:?}");
    }
}

async fn only_so_many_queries_wait_at_once(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    desk.project().await;
    let behind = bearing(&root(), &ConsistencyToken::parse(&format!("ticket-{id}@9")).unwrap());
    let ask = async || {
        let start = Instant::now();
        let refused = desk.queries.ticket(&behind, TicketKey::Id(id), None).await;
        assert!(matches!(refused, Err(QueryError::Behind)), "{refused:?}");
        start.elapsed()
    };
    tokio::time::pause();
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    assert!(one >= Duration::from_secs(2) && two >= Duration::from_secs(2));
    assert_eq!(three, Duration::ZERO, "there are two places");
    // The places are given back, and who need not wait needs none.
    let ready = asking(&root());
    let (_, _, there) = tokio::join!(ask(), ask(), desk.queries.ticket(&ready, TicketKey::Id(id), None));
    there.unwrap();
}

async fn a_stream_that_feeds_nothing_is_not_waited_for(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    desk.project().await;
    let unknown = TicketId::from_uuid(desk.ids.next());
    let token = ConsistencyToken::parse(&format!("roster-admins@7,message-{unknown}@3")).unwrap();
    let context = bearing(&root(), &token);
    tokio::time::pause();
    let start = Instant::now();
    let found = desk.queries.users(&context, &eventdesk_app::queries::UserFilter::default(), &first(1)).await;
    assert_eq!(found.unwrap().total, Some(0));
    assert_eq!(start.elapsed(), Duration::ZERO);
    let refused = desk.queries.ticket(&context, TicketKey::Id(id), None).await;
    assert!(matches!(refused, Err(QueryError::Behind)), "a message feeds tickets: {refused:?}");
}

scenarios!(
    a_query_waits_for_what_its_token_names,
    a_history_waits_for_its_ticket_too,
    a_query_gives_up_after_two_seconds,
    only_so_many_queries_wait_at_once,
    a_stream_that_feeds_nothing_is_not_waited_for,
);
