//! Messages.

use eventdesk_domain::message::Message;
use eventdesk_events::{MessageId, TicketId, Timestamp, UserId, Version, message::Visibility};

use super::{
    Page, PageRequest, Queries, QueryContext, TicketKey,
    consistency::Model,
    content,
    cursor::{List, one_of},
    names::Names,
};
use crate::{
    MessageRecord, QueryError, Resource,
    ports::{Filter, Hit, Select, Sort, Value},
    projections::{MESSAGES, MessageDocument, TICKETS, TicketDocument, USERS},
};

/// How many of their own tickets, newest first, an employee's list across tickets reaches.
const OWN_TICKETS: usize = 500;

/// Which messages; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageFilter {
    /// Of this ticket, which must be visible to the caller.
    pub ticket: Option<TicketId>,
    /// By this user.
    pub author: Option<UserId>,
    /// With this visibility.
    pub visibility: Option<Visibility>,
    /// Posted later than this.
    pub after: Option<Timestamp>,
    /// Whether the caller may see internal notes.
    pub may_note: bool,
}

impl Queries {
    /// One message of a ticket.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn message(
        &self,
        context: &QueryContext,
        ticket: TicketId,
        id: MessageId,
        may_note: bool,
    ) -> Result<MessageRecord, QueryError> {
        let unknown = QueryError::NotFound(Resource::Message);
        self.wait_for(Model::Desk, &context.token).await?;
        self.require_ticket(context, ticket).await?;
        let Some(document) = self.views.glance(&MESSAGES, &[&id.to_string()]).await?.pop().flatten() else {
            return Err(unknown);
        };
        let content: MessageDocument = content(&document.body)?;
        let Some(facts) = content.message.facts() else { return Err(unknown) };
        if facts.ticket_id != ticket || (facts.visibility == Visibility::Internal && !may_note) {
            return Err(unknown);
        }
        let names = self.names(&USERS, [facts.author.id.to_string()]).await?;
        record(&document.id, document.version, content, &names)
    }

    /// One page of messages, oldest first; who is not staff sees public ones of their own tickets.
    ///
    /// Across tickets, messages of deleted ones are left out after a page is read: it may be shorter than asked for
    /// though others follow, and the total that staff are told counts them.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn messages(
        &self,
        context: &QueryContext,
        filter: &MessageFilter,
        page: &PageRequest,
    ) -> Result<Page<MessageRecord>, QueryError> {
        self.wait_for(Model::Desk, &context.token).await?;
        let mut filters = Vec::new();
        match filter.ticket {
            Some(ticket) => {
                self.require_ticket(context, ticket).await?;
                filters.push(Filter::Equal("ticket", Value::Text(ticket.to_string())));
            }
            None if context.caller.is_staff() => {}
            None => filters.push(Filter::OneOf("ticket", self.own_tickets(context).await?)),
        }
        filters.extend(filter.author.map(|id| Filter::Equal("author", Value::Text(id.to_string()))));
        filters.extend(filter.after.map(|at| Filter::Greater("created_at", Value::Int(at.millis()))));
        let hidden = (!filter.may_note).then_some(Visibility::Public);
        let visible = filter.visibility.into_iter().chain(hidden);
        filters.extend(visible.filter_map(|v| one_of("visibility", vec![Value::Text(v.as_str().to_owned())])));
        let bound = format!("{filter:?}\n{}", context.caller.id);
        let list = List { view: &MESSAGES, filters, sort: Sort { field: "created_at", descending: false }, bound };
        let page = self.page(list, page).await?.try_map(|hit| {
            let content: MessageDocument = content(&hit.body)?;
            Ok((hit, content))
        })?;
        let gone = if filter.ticket.is_some() { Vec::new() } else { self.gone_tickets(&page.items).await? };
        let authors = page.items.iter().filter_map(|(_, content)| content.message.facts());
        let names = self.names(&USERS, authors.map(|facts| facts.author.id.to_string())).await?;
        let Page { items, next_cursor, total } = page;
        let items = items
            .into_iter()
            .filter(|(_, content)| content.message.facts().is_some_and(|facts| !gone.contains(&facts.ticket_id)))
            .map(|(hit, content)| record(&hit.id, hit.version, content, &names))
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor, total })
    }

    /// A ticket that is deleted or not the caller's does not exist for them.
    async fn require_ticket(&self, context: &QueryContext, ticket: TicketId) -> Result<(), QueryError> {
        let unknown = QueryError::NotFound(Resource::Ticket);
        let Some(document) = self.ticket_document(TicketKey::Id(ticket)).await? else { return Err(unknown) };
        let content: TicketDocument = content(&document.body)?;
        match content.ticket.facts() {
            Some(facts) if !document.deleted && self.may_see(context, facts).await? => Ok(()),
            _ => Err(unknown),
        }
    }

    async fn own_tickets(&self, context: &QueryContext) -> Result<Vec<Value>, QueryError> {
        let Some(own) = self.employee_of(&context.caller).await? else { return Ok(Vec::new()) };
        let select = Select {
            view: &TICKETS,
            filters: vec![Filter::Equal("requester", Value::Text(own.to_string()))],
            sort: Sort { field: "updated_at", descending: true },
            after: None,
            limit: OWN_TICKETS,
        };
        let tickets = self.views.select(&select).await?;
        Ok(tickets.into_iter().map(|ticket| Value::Text(ticket.id)).collect())
    }

    /// The deleted ones among the tickets of a page of messages.
    async fn gone_tickets(&self, items: &[(Hit, MessageDocument)]) -> Result<Vec<TicketId>, QueryError> {
        let mut tickets: Vec<TicketId> =
            items.iter().filter_map(|(_, content)| content.message.facts().map(|facts| facts.ticket_id)).collect();
        tickets.sort_unstable();
        tickets.dedup();
        let ids: Vec<String> = tickets.iter().map(TicketId::to_string).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let found = self.views.glance(&TICKETS, &ids).await?;
        let gone = tickets.into_iter().zip(found).filter(|(_, found)| found.as_ref().is_some_and(|doc| doc.deleted));
        Ok(gone.map(|(id, _)| id).collect())
    }
}

fn record(id: &str, version: u64, content: MessageDocument, names: &Names) -> Result<MessageRecord, QueryError> {
    let id = MessageId::parse(id).map_err(|error| QueryError::Internal(error.into()))?;
    let (Message::Posted(facts) | Message::Retracted(facts)) = content.message else {
        return Err(QueryError::NotFound(Resource::Message));
    };
    let author = names.get(&facts.author.id.to_string()).cloned();
    Ok(MessageRecord { id, version: Version::new(version), facts, body: content.body, author })
}
