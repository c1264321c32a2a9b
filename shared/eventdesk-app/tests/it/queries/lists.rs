//! Every filter and sort of tickets and messages, against a plain model of them.

use std::cmp::Reverse;

use eventdesk_app::{
    TicketRecord,
    access::Caller,
    commands::{AssignTicket, DeleteTicket, EditTicket, MoveTicket, OpenTicket, PostMessage, TagTicket},
    ports::Clock,
    queries::{MessageFilter, TicketFilter, TicketKey, TicketSort},
};
use eventdesk_domain::ticket::TicketFacts;
use eventdesk_events::{
    EmployeeId, Timestamp, UserId,
    message::Visibility,
    ticket::{Priority, Status},
    user::Role,
};

use super::{all_pages, one};
use crate::desk::{Desk, Dice, asking, open_for, post_on, root, scenarios};

const PRIORITIES: [Priority; 4] = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent];

struct Data {
    staff: Vec<Caller>,
    requesters: Vec<(Caller, EmployeeId)>,
    tickets: Vec<TicketRecord>,
}

/// Some forty tickets of all kinds, a few deleted; ties in every sort.
async fn data(desk: &Desk, dice: &mut Dice) -> Data {
    let staff = vec![desk.user(&[Role::Support]).await, desk.user(&[Role::Manager]).await];
    let requesters = vec![desk.requester().await, desk.requester().await, desk.requester().await];
    let mut ids = Vec::new();
    for _ in 0..40 {
        desk.clock.advance(one(dice, &[0, 0, 1, 1000]));
        let (caller, employee) = requesters[dice.below(3)].clone();
        let due_at = (dice.below(3) > 0)
            .then(|| Timestamp::from_millis(desk.clock.now().millis() + one(dice, &[-500, 1, 500_000])));
        let open = OpenTicket {
            priority: Some(one(dice, &PRIORITIES)),
            tags: ["vpn", "printer"].into_iter().filter(|_| dice.below(2) == 0).map(str::to_owned).collect(),
            due_at,
            ..open_for(employee)
        };
        let by = if dice.below(4) == 0 { caller } else { staff[dice.below(2)].clone() };
        ids.push(desk.run(&by, open).await.unwrap().record.id);
    }
    for _ in 0..60 {
        desk.clock.advance(one(dice, &[0, 1, 500]));
        let id = ids[dice.below(ids.len())];
        let user_id = staff[dice.below(2)].id;
        match dice.below(8) {
            0..4 => drop(desk.run(&root(), MoveTicket { id, status: one(dice, &Status::ALL), reason: None }).await),
            4..6 => drop(desk.run(&root(), AssignTicket { id, user_id }).await),
            6 => {
                let edit = EditTicket {
                    id,
                    title: None,
                    description: None,
                    priority: Some(one(dice, &PRIORITIES)),
                    ticket_type: None,
                    tags: None,
                    due_at: Some(None),
                };
                drop(desk.run(&root(), edit).await);
            }
            _ => {
                if ids.len() > 34 {
                    ids.retain(|other| *other != id);
                    desk.run(&root(), DeleteTicket { id }).await.unwrap();
                }
            }
        }
    }
    let mut tickets = Vec::new();
    desk.project().await;
    for id in ids {
        tickets.push(desk.queries.ticket(&asking(&root()), TicketKey::Id(id), None).await.unwrap());
    }
    Data { staff, requesters, tickets }
}

fn filters(data: &Data, dice: &mut Dice) -> Vec<TicketFilter> {
    let any = TicketFilter::default;
    let at = |dice: &mut Dice| Some(data.tickets[dice.below(data.tickets.len())].facts.created_at);
    let (user, employee): (UserId, EmployeeId) = (data.staff[0].id, data.requesters[0].1);
    let mut filters = vec![
        any(),
        TicketFilter { status: vec![Status::Open], ..any() },
        TicketFilter { status: vec![Status::New, Status::Solved], ..any() },
        TicketFilter { priority: vec![Priority::High], ..any() },
        TicketFilter { priority: vec![Priority::Low, Priority::Urgent], ..any() },
        TicketFilter { assignee: Some(None), ..any() },
        TicketFilter { assignee: Some(Some(user)), ..any() },
        TicketFilter { requester: Some(employee), ..any() },
        TicketFilter { opened_by: Some(user), ..any() },
        TicketFilter { tag: Some("vpn".to_owned()), ..any() },
        TicketFilter { tag: Some("vp".to_owned()), ..any() },
        TicketFilter { created_after: at(dice), ..any() },
        TicketFilter { created_before: at(dice), ..any() },
        TicketFilter { updated_after: at(dice), ..any() },
        TicketFilter { overdue: Some(true), ..any() },
        TicketFilter { overdue: Some(false), ..any() },
    ];
    // Any two of them together, too.
    for _ in 0..12 {
        let (a, b) = (filters[dice.below(16)].clone(), filters[dice.below(16)].clone());
        filters.push(TicketFilter {
            status: if a.status.is_empty() { b.status } else { a.status },
            priority: if a.priority.is_empty() { b.priority } else { a.priority },
            assignee: a.assignee.or(b.assignee),
            requester: a.requester.or(b.requester),
            opened_by: a.opened_by.or(b.opened_by),
            tag: a.tag.or(b.tag),
            created_after: a.created_after.or(b.created_after),
            created_before: a.created_before.or(b.created_before),
            updated_after: a.updated_after.or(b.updated_after),
            overdue: a.overdue.or(b.overdue),
        });
    }
    filters
}

fn holds(filter: &TicketFilter, facts: &TicketFacts, now: Timestamp) -> bool {
    let done = matches!(facts.status, Status::Solved | Status::Closed);
    let overdue = !done && facts.due_at.is_some_and(|due| due < now);
    (filter.status.is_empty() || filter.status.contains(&facts.status))
        && (filter.priority.is_empty() || filter.priority.contains(&facts.priority))
        && filter.assignee.is_none_or(|assignee| assignee == facts.assignee_id)
        && filter.requester.is_none_or(|requester| requester == facts.requester_id)
        && filter.opened_by.is_none_or(|user| user == facts.opened_by)
        && filter.tag.as_ref().is_none_or(|tag| facts.tags.contains(tag))
        && filter.created_after.is_none_or(|at| facts.created_at > at)
        && filter.created_before.is_none_or(|at| facts.created_at < at)
        && filter.updated_after.is_none_or(|at| facts.updated_at > at)
        && filter.overdue.is_none_or(|wanted| wanted == overdue)
}

fn sorted(mut tickets: Vec<TicketRecord>, sort: TicketSort, descending: bool) -> Vec<TicketRecord> {
    let key = |ticket: &TicketRecord| {
        let facts = &ticket.facts;
        let value = match sort {
            TicketSort::CreatedAt => facts.created_at.millis(),
            TicketSort::UpdatedAt => facts.updated_at.millis(),
            TicketSort::Priority => PRIORITIES.iter().position(|p| *p == facts.priority).unwrap().try_into().unwrap(),
            TicketSort::DueAt => facts.due_at.map_or(i64::MAX, Timestamp::millis),
            TicketSort::Number => facts.number.try_into().unwrap(),
        };
        (value, ticket.id.to_string())
    };
    if descending {
        tickets.sort_by_key(|ticket| Reverse(key(ticket)));
    } else {
        tickets.sort_by_key(key);
    }
    tickets
}

async fn tickets_are_filtered_sorted_and_paged(desk: Desk) {
    let dice = &mut Dice(42);
    let data = data(&desk, dice).await;
    let now = desk.clock.now();
    let sorts =
        [TicketSort::CreatedAt, TicketSort::UpdatedAt, TicketSort::Priority, TicketSort::DueAt, TicketSort::Number];
    for filter in filters(&data, dice) {
        for (sort, descending) in sorts.into_iter().flat_map(|sort| [(sort, false), (sort, true)]) {
            let fitting = data.tickets.iter().filter(|ticket| holds(&filter, &ticket.facts, now)).cloned().collect();
            let wanted = sorted(fitting, sort, descending);
            let limit = 1 + dice.below(20);
            let (caller, queries) = (asking(&root()), &desk.queries);
            let (found, total) = all_pages!(limit, |page| queries.tickets(&caller, &filter, sort, descending, &page));
            assert_eq!(total, wanted.len() as u64, "{filter:?}");
            assert_eq!(found, wanted, "{filter:?} {sort:?} {descending}");
        }
    }
}

async fn who_is_not_staff_lists_their_own_tickets(desk: Desk) {
    let dice = &mut Dice(7);
    let data = data(&desk, dice).await;
    for (caller, employee) in &data.requesters {
        let filter = TicketFilter::default();
        let (caller, queries) = (asking(caller), &desk.queries);
        let (found, _) = all_pages!(7, |page| queries.tickets(&caller, &filter, TicketSort::Number, false, &page));
        let own = data.tickets.iter().filter(|ticket| ticket.facts.requester_id == *employee).cloned().collect();
        let own = sorted(own, TicketSort::Number, false);
        assert_eq!(found.iter().map(|t| t.id).collect::<Vec<_>>(), own.iter().map(|t| t.id).collect::<Vec<_>>());
        // Asking for somebody else's finds nothing.
        let others = data.requesters.iter().find(|(_, other)| other != employee).unwrap().1;
        let filter = TicketFilter { requester: Some(others), ..filter };
        let (found, total) = all_pages!(7, |page| queries.tickets(&caller, &filter, TicketSort::Number, false, &page));
        assert_eq!((found, total), (Vec::new(), 0));
    }
    let nobody = asking(&desk.user(&[Role::Employee]).await);
    let (filter, queries) = (TicketFilter::default(), &desk.queries);
    let (found, _) = all_pages!(7, |page| queries.tickets(&nobody, &filter, TicketSort::Number, false, &page));
    assert_eq!(found, []);
}

async fn messages_are_filtered_and_paged(desk: Desk) {
    let dice = &mut Dice(3);
    let staff = desk.user(&[Role::Support]).await;
    let (requester, employee) = desk.requester().await;
    let (other, others) = desk.requester().await;
    let tickets = [
        desk.ticket(&staff, employee).await.id,
        desk.ticket(&staff, employee).await.id,
        desk.ticket(&staff, others).await.id,
    ];
    let mut posted = Vec::new();
    for _ in 0..40 {
        desk.clock.advance(one(dice, &[0, 1, 10]));
        let ticket = dice.below(3);
        let (caller, visibility) = match dice.below(3) {
            0 => (&staff, Visibility::Internal),
            1 => (&staff, Visibility::Public),
            _ if ticket == 2 => (&other, Visibility::Public),
            _ => (&requester, Visibility::Public),
        };
        let post = PostMessage { visibility, ..post_on(tickets[ticket]) };
        posted.push(desk.run(caller, post).await.unwrap().record);
    }
    desk.project().await;
    posted.sort_by_key(|message| (message.facts.created_at, message.id.to_string()));
    let after = posted[20].facts.created_at;
    let any = MessageFilter::default;
    for (caller, may_note) in [(&staff, true), (&staff, false), (&requester, false), (&other, false)] {
        for filter in [
            any(),
            MessageFilter { ticket: Some(tickets[0]), ..any() },
            MessageFilter { ticket: Some(tickets[2]), ..any() },
            MessageFilter { author: Some(requester.id), ..any() },
            MessageFilter { author: Some(staff.id), after: Some(after), ..any() },
            MessageFilter { visibility: Some(Visibility::Internal), ..any() },
            MessageFilter { visibility: Some(Visibility::Public), ticket: Some(tickets[1]), ..any() },
        ] {
            let filter = MessageFilter { may_note, ..filter };
            let own = if caller.id == other.id { vec![tickets[2]] } else { vec![tickets[0], tickets[1]] };
            let visible = |ticket| caller.is_staff() || own.contains(&ticket);
            let (context, queries) = (asking(caller), &desk.queries);
            if filter.ticket.is_some_and(|ticket| !visible(ticket)) {
                let refused = queries.messages(&context, &filter, &super::first(10)).await;
                assert!(matches!(refused, Err(eventdesk_app::QueryError::NotFound(_))), "{refused:?}");
                continue;
            }
            let fits = |message: &&eventdesk_app::MessageRecord| {
                let facts = &message.facts;
                visible(facts.ticket_id)
                    && filter.ticket.is_none_or(|ticket| facts.ticket_id == ticket)
                    && filter.author.is_none_or(|author| facts.author.id == author)
                    && filter.visibility.is_none_or(|visibility| facts.visibility == visibility)
                    && filter.after.is_none_or(|after| facts.created_at > after)
                    && (may_note || facts.visibility == Visibility::Public)
            };
            let wanted: Vec<_> = posted.iter().filter(fits).map(|message| message.id).collect();
            let limit = 1 + dice.below(12);
            let (found, total) = all_pages!(limit, |page| queries.messages(&context, &filter, &page));
            assert_eq!(total, wanted.len() as u64);
            assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), wanted, "{filter:?}");
        }
    }
}

async fn pages_hang_together_while_others_write(desk: Desk) {
    let employee = desk.employee().await.id;
    let mut ids = Vec::new();
    for _ in 0..30 {
        desk.clock.advance(1);
        ids.push(desk.ticket(&root(), employee).await.id);
    }
    desk.project().await;
    for (sort, descending) in
        [(TicketSort::Number, false), (TicketSort::CreatedAt, true), (TicketSort::Priority, false)]
    {
        let mut request = Some(super::first(4));
        let mut seen = Vec::new();
        let mut writes = 0;
        while let Some(page) = request {
            let page = desk
                .queries
                .tickets(&asking(&root()), &TicketFilter::default(), sort, descending, &page)
                .await
                .unwrap();
            request = super::next(&page, 4);
            seen.extend(page.items.into_iter().map(|ticket| ticket.id).filter(|id| ids.contains(id)));
            if writes < 4 {
                writes += 1;
                desk.clock.advance(1);
                desk.ticket(&root(), employee).await;
                // The last one shown changes, but for what the list is sorted by.
                if let Some(id) = seen.last().copied() {
                    let tag = format!("{sort:?}{writes}").to_lowercase();
                    desk.run(&root(), TagTicket { id, tag }).await.unwrap();
                }
                desk.project().await;
            }
        }
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!((seen.len(), sorted.len()), (ids.len(), ids.len()), "{sort:?}");
        let gone = ids.remove(5);
        desk.run(&root(), DeleteTicket { id: gone }).await.unwrap();
        desk.project().await;
    }
}

async fn a_page_goes_on_behind_a_ticket_that_is_gone(desk: Desk) {
    let employee = desk.employee().await.id;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(desk.ticket(&root(), employee).await.id);
    }
    desk.project().await;
    let filter = TicketFilter::default();
    let ask =
        async |page| desk.queries.tickets(&asking(&root()), &filter, TicketSort::Number, false, &page).await.unwrap();
    let page = ask(super::first(3)).await;
    desk.run(&root(), DeleteTicket { id: ids[2] }).await.unwrap();
    desk.project().await;
    let page = ask(super::next(&page, 3).unwrap()).await;
    assert_eq!(page.items.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), ids[3..]);
    assert_eq!(page.next_cursor, None);
}

scenarios!(
    tickets_are_filtered_sorted_and_paged,
    who_is_not_staff_lists_their_own_tickets,
    messages_are_filtered_and_paged,
    pages_hang_together_while_others_write,
    a_page_goes_on_behind_a_ticket_that_is_gone,
);
