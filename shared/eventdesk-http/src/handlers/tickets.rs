//! Reading tickets and their histories.

use eventdesk_app::{
    Resource,
    access::Permission,
    queries::{HistoryFilter, TicketFilter, TicketKey, TicketSort},
};
use eventdesk_events::{
    EmployeeId, TicketId, UserId, Version,
    ticket::{Priority, Status},
};

use super::{Answered, shown};
use crate::{
    Problem,
    represent::{EntryView, TicketView, page},
    request::{Request, etag},
};

pub(crate) async fn get(r: &Request<'_>) -> Answered {
    let at_version = r.query.read("at_version", "a version, 1 or greater", |text| {
        text.parse().ok().filter(|version| *version > 0).map(Version::new)
    })?;
    let context = r.query_context()?;
    let record = r.queries()?.ticket(&context, key(r)?, at_version).await?;
    let tag = etag(record.version, record.fed.as_ref().map_or(0, |fed| fed.revision));
    shown(r, tag, || TicketView::new(&record, &context.caller))
}

/// The ticket in the path, by id or number.
fn key(r: &Request<'_>) -> Result<TicketKey, Problem> {
    let text = r.param("ticket_id")?;
    let number = || text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    TicketId::parse(&text)
        .ok()
        .map(TicketKey::Id)
        .or_else(|| number().map(TicketKey::Number))
        .ok_or_else(|| Resource::Ticket.into())
}

pub(crate) async fn list(r: &Request<'_>) -> Answered {
    let context = r.query_context()?;
    let filter = filter(r, context.caller.id)?;
    let (sort, descending) = sort(r)?;
    let found = r.queries()?.tickets(&context, &filter, sort, descending, &r.query.page()?).await?;
    page(r, &found, |record| TicketView::new(record, &context.caller))
}

fn filter(r: &Request<'_>, me: UserId) -> Result<TicketFilter, Problem> {
    let query = &r.query;
    let user = |text: &str| if text == "me" { Some(me) } else { UserId::parse(text).ok() };
    Ok(TicketFilter {
        status: query.list("status", "a status", |text| Status::ALL.into_iter().find(|s| s.as_str() == text))?,
        priority: query
            .list("priority", "a priority", |text| Priority::ALL.into_iter().find(|p| p.as_str() == text))?,
        assignee: query.read("assignee", "a user's id, me or none", |text| match text {
            "none" => Some(None),
            other => user(other).map(Some),
        })?,
        requester: query.read("requester", "an employee's id", |text| EmployeeId::parse(text).ok())?,
        opened_by: query.read("opened_by", "a user's id or me", user)?,
        tag: query.text("tag"),
        created_after: query.time("created_after")?,
        created_before: query.time("created_before")?,
        updated_after: query.time("updated_after")?,
        overdue: query.boolean("overdue")?,
    })
}

fn sort(r: &Request<'_>) -> Result<(TicketSort, bool), Problem> {
    let sort =
        r.query.read("sort", "created_at, updated_at, priority, due_at or number, with - for descending", |text| {
            let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
            let sort = match name {
                "created_at" => TicketSort::CreatedAt,
                "updated_at" => TicketSort::UpdatedAt,
                "priority" => TicketSort::Priority,
                "due_at" => TicketSort::DueAt,
                "number" => TicketSort::Number,
                _ => return None,
            };
            Some((sort, descending))
        })?;
    Ok(sort.unwrap_or((TicketSort::UpdatedAt, true)))
}

pub(crate) async fn history(r: &Request<'_>) -> Answered {
    let may_see_deleted = r.may(Permission::TicketsHistoryDeleted).await?;
    let filter = HistoryFilter { ticket: r.ticket_id()?, may_see_deleted };
    let found = r.queries()?.history(&r.query_context()?, &filter, &r.query.page()?).await?;
    page(r, &found, EntryView::new)
}
