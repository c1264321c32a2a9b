//! Tickets' documents that were read before: lists are asked for again and again, and most of a page is as it was.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::content;
use crate::{QueryError, projections::TicketDocument};

/// How many bytes of documents are remembered, about.
const MOST_BYTES: u64 = 6 * 1024 * 1024;

/// Documents in their parsed form. One is used only while its text is, byte for byte, what the read model says now, so
/// nothing has to be told of changes.
pub struct KnownTickets(Cache<String, Arc<Known>, Bytes>);

struct Known {
    body: String,
    content: Arc<TicketDocument>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<String, Arc<Known>> for Bytes {
    fn weight(&self, id: &String, known: &Arc<Known>) -> u64 {
        // The parsed form holds the same texts once more.
        (id.len() + 2 * known.body.len() + 500) as u64
    }
}

impl Default for KnownTickets {
    fn default() -> Self {
        Self(Cache::with_weighter(2_000, MOST_BYTES, Bytes))
    }
}

impl KnownTickets {
    /// The document of a page's row, remembered from then on.
    pub(super) fn of_row(&self, id: &str, body: String) -> Result<Arc<TicketDocument>, QueryError> {
        if let Some(content) = self.find(id, &body) {
            return Ok(content);
        }
        let parsed: Arc<TicketDocument> = Arc::new(content(&body)?);
        self.0.insert(id.to_owned(), Arc::new(Known { body, content: Arc::clone(&parsed) }));
        Ok(parsed)
    }

    /// The document of a ticket asked for alone: such ones are too many to remember.
    pub(super) fn of_one(&self, id: &str, body: &str) -> Result<Arc<TicketDocument>, QueryError> {
        self.find(id, body).map_or_else(|| content(body).map(Arc::new), Ok)
    }

    fn find(&self, id: &str, body: &str) -> Option<Arc<TicketDocument>> {
        let known = self.0.get(id)?;
        (known.body == body).then(|| Arc::clone(&known.content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_document_is_read_anew() {
        let known = KnownTickets::default();
        let body = |count: u64| {
            let mut document = TicketDocument::default();
            document.messages.public.count = count;
            serde_json::to_string(&document).unwrap()
        };
        for count in [1, 1, 2, 1] {
            assert_eq!(known.of_row("id", body(count)).unwrap().messages.public.count, count);
            assert_eq!(known.of_one("id", &body(count)).unwrap().messages.public.count, count);
            assert_eq!(known.of_one("id", &body(7)).unwrap().messages.public.count, 7);
        }
        assert!(known.of_row("id", "{}".to_owned()).is_err());
    }
}
