//! Tickets.

use eventdesk_domain::ticket::{Ticket, TicketFacts};
use eventdesk_events::{
    EmployeeId, StreamId, TicketId, Timestamp, UserId, Version,
    ticket::{Priority, Status},
};

use super::{
    Page, PageRequest, Queries, QueryContext,
    consistency::Model,
    cursor::{List, one_of},
    names::Names,
};
use crate::{
    Loaded, QueryError, Resource, TicketFed, TicketRecord,
    ports::{Filter, Glance, Sort, Value},
    projections::{EMPLOYEES, TICKETS, Tally, TicketDocument, USERS, priority_rank},
    texts,
};

/// How a ticket is named in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKey {
    /// By id.
    Id(TicketId),
    /// By number.
    Number(u64),
}

/// The order of a list of tickets; ties by id in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TicketSort {
    /// By the time of opening.
    CreatedAt,
    /// By the time of the last event of the ticket itself; the default, newest first.
    #[default]
    UpdatedAt,
    /// By priority.
    Priority,
    /// By due time; tickets without one come last in ascending order.
    DueAt,
    /// By number.
    Number,
}

/// Which tickets; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketFilter {
    /// Any of these; empty = any.
    pub status: Vec<Status>,
    /// Any of these; empty = any.
    pub priority: Vec<Priority>,
    /// `Some(None)` = unassigned.
    pub assignee: Option<Option<UserId>>,
    /// The employee it is about.
    pub requester: Option<EmployeeId>,
    /// The user who opened it.
    pub opened_by: Option<UserId>,
    /// It has this tag.
    pub tag: Option<String>,
    /// Opened later than this.
    pub created_after: Option<Timestamp>,
    /// Opened earlier than this.
    pub created_before: Option<Timestamp>,
    /// Changed later than this.
    pub updated_after: Option<Timestamp>,
    /// Due and not done: `true`; the others: `false`.
    pub overdue: Option<bool>,
}

impl TicketSort {
    const fn field(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Priority => "priority",
            Self::DueAt => "due_order",
            Self::Number => "number",
        }
    }
}

impl Queries {
    /// One ticket; at a version its state as it was, folded from its history, without what other streams feed.
    ///
    /// # Errors
    /// `NotFound` also for versions beyond the newest; else see [`QueryError`].
    pub async fn ticket(
        &self,
        context: &QueryContext,
        key: TicketKey,
        at_version: Option<Version>,
    ) -> Result<TicketRecord, QueryError> {
        self.wait_for(Model::Desk, &context.token).await?;
        let document = self.ticket_document(key).await?.ok_or(QueryError::NotFound(Resource::Ticket))?;
        let content = self.known_tickets.of_one(&document.id, &document.body)?;
        let Ticket::Live(facts) = &content.ticket else { return Err(QueryError::NotFound(Resource::Ticket)) };
        if !self.may_see(context, facts).await? {
            return Err(QueryError::NotFound(Resource::Ticket));
        }
        if let Some(version) = at_version {
            return self.ticket_at(&document.id, version).await;
        }
        let names = self.ticket_names([facts]).await?;
        record(&document.id, document.version, &content, &names, context.caller.is_staff())
    }

    /// One page of tickets; who is not staff sees those they are the requester of.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn tickets(
        &self,
        context: &QueryContext,
        filter: &TicketFilter,
        sort: TicketSort,
        descending: bool,
        page: &PageRequest,
    ) -> Result<Page<TicketRecord>, QueryError> {
        self.wait_for(Model::Desk, &context.token).await?;
        let mut filters = filter.conditions(self.clock.now());
        let staff = context.caller.is_staff();
        if !staff {
            let own = self.employee_of(&context.caller).await?;
            let own = own.map_or(Value::Null, |id| Value::Text(id.to_string()));
            filters.push(Filter::Equal("requester", own));
        }
        let bound = format!("{filter:?}\n{staff} {}", context.caller.id);
        let list = List { view: &TICKETS, filters, sort: Sort { field: sort.field(), descending }, bound };
        let page = self.page(list, page).await?.try_map(|document| {
            let content = self.known_tickets.of_row(&document.id, document.body)?;
            Ok((document.id, document.version, content))
        })?;
        let names = self.ticket_names(page.items.iter().filter_map(|(_, _, content)| content.ticket.facts())).await?;
        page.try_map(|(id, version, content)| record(&id, version, &content, &names, staff))
    }

    pub(super) async fn ticket_document(&self, key: TicketKey) -> Result<Option<Glance>, QueryError> {
        let number = match key {
            TicketKey::Id(id) => return Ok(self.views.glance(&TICKETS, &[&id.to_string()]).await?.pop().flatten()),
            TicketKey::Number(number) => i64::try_from(number).map_err(|_| QueryError::NotFound(Resource::Ticket))?,
        };
        let select = crate::ports::Select {
            view: &TICKETS,
            filters: vec![Filter::Equal("number", Value::Int(number))],
            sort: Sort { field: "number", descending: false },
            after: None,
            limit: 1,
        };
        let Some(hit) = self.views.select(&select).await?.pop() else { return Ok(None) };
        Ok(self.views.glance(&TICKETS, &[&hit.id]).await?.pop().flatten())
    }

    /// Whether a ticket is the caller's to see.
    pub(super) async fn may_see(&self, context: &QueryContext, facts: &TicketFacts) -> Result<bool, QueryError> {
        Ok(context.caller.is_staff() || self.employee_of(&context.caller).await? == Some(facts.requester_id))
    }

    async fn ticket_at(&self, id: &str, version: Version) -> Result<TicketRecord, QueryError> {
        let unknown = QueryError::NotFound(Resource::Ticket);
        let Ok(id) = TicketId::parse(id) else { return Err(unknown) };
        let stream = StreamId::Ticket(id);
        let Some(commit) = self.store.read_many(&[(stream, version)]).await?.pop().flatten() else {
            return Err(unknown);
        };
        let loaded: Loaded<Ticket> = Loaded::after(&*self.store, commit).await?;
        let Some(facts) = loaded.state.facts().cloned() else { return Err(unknown) };
        let text = texts::ticket_text(&*self.store, &loaded, &facts).await?;
        Ok(TicketRecord { id, version, facts, text, fed: None })
    }

    async fn ticket_names<'f>(
        &self,
        facts: impl IntoIterator<Item = &'f TicketFacts>,
    ) -> Result<TicketNames, QueryError> {
        let (mut requesters, mut assignees) = (Vec::new(), Vec::new());
        for facts in facts {
            requesters.push(facts.requester_id.to_string());
            assignees.extend(facts.assignee_id.map(|id| id.to_string()));
        }
        Ok(TicketNames {
            employees: self.names(&EMPLOYEES, requesters).await?,
            users: self.names(&USERS, assignees).await?,
        })
    }
}

/// The names that tickets show.
struct TicketNames {
    employees: Names,
    users: Names,
}

fn record(
    id: &str,
    version: u64,
    content: &TicketDocument,
    names: &TicketNames,
    staff: bool,
) -> Result<TicketRecord, QueryError> {
    let unknown = || QueryError::NotFound(Resource::Ticket);
    let id = TicketId::parse(id).map_err(|error| QueryError::Internal(error.into()))?;
    let messages = content.messages;
    let (Ticket::Live(facts) | Ticket::Deleted(facts)) = &content.ticket else { return Err(unknown()) };
    let seen = if staff {
        Tally {
            count: messages.public.count + messages.internal.count,
            last_at: messages.public.last_at.max(messages.internal.last_at),
        }
    } else {
        messages.public
    };
    let requester = names.employees.get(&facts.requester_id.to_string());
    let assignee = facts.assignee_id.and_then(|id| names.users.get(&id.to_string()));
    let fed = TicketFed {
        // Each part only grows while the ticket's own version stands, so that the sum tells every change.
        revision: seen.count + requester.map_or(0, |name| name.version) + assignee.map_or(0, |name| name.version),
        requester_name: requester.and_then(|name| name.name.clone()),
        assignee_name: assignee.and_then(|name| name.name.clone()),
        message_count: seen.count,
        last_message_at: seen.last_at,
        first_response_at: messages.first_response_at,
    };
    Ok(TicketRecord {
        id,
        version: Version::new(version),
        facts: facts.clone(),
        text: content.text.clone(),
        fed: Some(fed),
    })
}

impl TicketFilter {
    fn conditions(&self, now: Timestamp) -> Vec<Filter> {
        let text = |text: String| Value::Text(text);
        let time = |at: Timestamp| Value::Int(at.millis());
        let statuses = self.status.iter().map(|status| text(status.as_str().to_owned())).collect();
        let priorities = self.priority.iter().map(|priority| Value::Int(priority_rank(*priority))).collect();
        let mut filters: Vec<Filter> = [one_of("status", statuses), one_of("priority", priorities)]
            .into_iter()
            .chain([
                self.assignee.map(|id| Filter::Equal("assignee", id.map_or(Value::Null, |id| text(id.to_string())))),
                self.requester.map(|id| Filter::Equal("requester", text(id.to_string()))),
                self.opened_by.map(|id| Filter::Equal("opened_by", text(id.to_string()))),
                self.tag.clone().map(|tag| Filter::Holds("tags", tag)),
                self.created_after.map(|at| Filter::Greater("created_at", time(at))),
                self.created_before.map(|at| Filter::Less("created_at", time(at))),
                self.updated_after.map(|at| Filter::Greater("updated_at", time(at))),
            ])
            .flatten()
            .collect();
        filters.extend(self.overdue.map(|overdue| {
            let now = now.millis();
            if overdue {
                Filter::Less("overdue_from", Value::Int(now))
            } else {
                Filter::Greater("overdue_from", Value::Int(now - 1))
            }
        }));
        filters
    }
}
