//! Cursors: bound to the list they were made for, and to those who may see it.

use eventdesk_app::{
    QueryError,
    access::Caller,
    commands::{EmployeeInput, RegisterEmployee},
    queries::{EmployeeFilter, MessageFilter, PageRequest, TicketFilter, TicketSort},
};
use eventdesk_events::user::Role;

use super::{all_pages, first, next};
use crate::desk::{Desk, asking, root, scenarios};

async fn refuses(desk: &Desk, caller: &Caller, filter: TicketFilter, sort: TicketSort, down: bool, page: &PageRequest) {
    let refused = desk.queries.tickets(&asking(caller), &filter, sort, down, page).await;
    assert!(matches!(refused, Err(QueryError::BadCursor)), "{refused:?}");
}

async fn a_cursor_fits_its_own_list_alone(desk: Desk) {
    let (requester, employee) = desk.requester().await;
    let support = desk.user(&[Role::Support]).await;
    for _ in 0..4 {
        let ticket = desk.ticket(&root(), employee).await.id;
        desk.post(&root(), ticket).await;
    }
    desk.project().await;
    let any = TicketFilter::default;
    let sort = TicketSort::Number;
    let page = desk.queries.tickets(&asking(&root()), &any(), sort, false, &first(2)).await.unwrap();
    let page = next(&page, 2).unwrap();
    // Another length of page is fine.
    let longer = PageRequest { limit: 3, ..page.clone() };
    let rest = desk.queries.tickets(&asking(&root()), &any(), sort, false, &longer).await.unwrap();
    assert_eq!((rest.items.len(), rest.next_cursor), (2, None));

    refuses(&desk, &root(), any(), sort, true, &page).await;
    refuses(&desk, &root(), any(), TicketSort::CreatedAt, false, &page).await;
    refuses(&desk, &root(), TicketFilter { requester: Some(employee), ..any() }, sort, false, &page).await;
    refuses(&desk, &support, any(), sort, false, &page).await;
    refuses(&desk, &requester, any(), sort, false, &page).await;
    let refused = desk.queries.messages(&asking(&root()), &MessageFilter::default(), &page).await;
    assert!(matches!(refused, Err(QueryError::BadCursor)), "{refused:?}");
}

async fn a_cursor_that_was_tampered_with_is_refused(desk: Desk) {
    let employee = desk.employee().await.id;
    for _ in 0..3 {
        desk.ticket(&root(), employee).await;
    }
    desk.project().await;
    let ask = |cursor: String| PageRequest { limit: 1, cursor: Some(cursor), total: false };
    let (any, sort) = (TicketFilter::default, TicketSort::Number);
    let page = desk.queries.tickets(&asking(&root()), &any(), sort, false, &first(1)).await.unwrap();
    let cursor = page.next_cursor.unwrap();
    for at in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        refuses(&desk, &root(), any(), sort, false, &ask(String::from_utf8(bytes).unwrap())).await;
    }
    for cursor in [String::new(), "!".to_owned(), "AAAA".to_owned(), format!("{cursor}="), "A".repeat(100_000)] {
        refuses(&desk, &root(), any(), sort, false, &ask(cursor)).await;
    }
}

async fn the_longest_names_can_be_paged(desk: Desk) {
    for _ in 0..3 {
        let long = || Some("\u{10330}".repeat(100));
        let input = EmployeeInput { first_name: long(), last_name: long(), ..desk.new_employee() };
        desk.run(&root(), RegisterEmployee { input }).await.unwrap();
    }
    desk.project().await;
    let (caller, queries, filter) = (asking(&root()), &desk.queries, EmployeeFilter::default());
    let (found, total) = all_pages!(1, |page| queries.employees(&caller, &filter, &page));
    assert_eq!((found.len(), total), (3, 3));
}

scenarios!(
    a_cursor_fits_its_own_list_alone,
    a_cursor_that_was_tampered_with_is_refused,
    the_longest_names_can_be_paged
);
