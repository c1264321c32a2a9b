//! Queries: what lists, details and tokens promise.

mod consistency;
mod cursors;
mod directory;
mod histories;
mod lists;
mod revisions;
mod visibility;

use eventdesk_app::queries::{Page, PageRequest};

use crate::desk::Dice;

/// The first page of up to so many.
fn first(limit: usize) -> PageRequest {
    PageRequest { limit, cursor: None, total: true }
}

/// The page after one, if there is any.
fn next<R>(page: &Page<R>, limit: usize) -> Option<PageRequest> {
    let cursor = page.next_cursor.clone()?;
    Some(PageRequest { limit, cursor: Some(cursor), total: false })
}

/// All items of a list, page by page, with the total that the first page tells.
macro_rules! all_pages {
    ($limit:expr, |$page:ident| $ask:expr) => {{
        let limit = $limit;
        let mut request = Some(crate::queries::first(limit));
        let (mut items, mut total) = (Vec::new(), None);
        while let Some($page) = request {
            let page = $ask.await.unwrap();
            assert!(page.items.len() <= limit);
            total = total.or(page.total);
            request = crate::queries::next(&page, limit);
            items.extend(page.items);
        }
        (items, total.unwrap())
    }};
}
use all_pages;

fn one<T: Copy>(dice: &mut Dice, of: &[T]) -> T {
    of[dice.below(of.len())]
}
