//! Pages of lists.

use eventdesk_app::queries::Page;
use http::{StatusCode, header};
use serde::{Serialize, Serializer};

use crate::{Problem, reply::Reply, request::Request};

#[derive(Serialize)]
struct PageBody<'p, D> {
    data: D,
    page: PageInfo<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

#[derive(Serialize)]
struct PageInfo<'p> {
    next_cursor: Option<&'p str>,
    has_more: bool,
}

/// Rows that are turned into their representation while they are written.
struct Rows<'p, R, F>(&'p [R], F);

impl<'p, R, V: Serialize, F: Fn(&'p R) -> V> Serialize for Rows<'p, R, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// About as long as a row is, so that the buffer seldom grows.
const ROW_BYTES: usize = 900;

/// The answer to a list request: rows, page, and the link to the next page with all other parameters kept.
pub(crate) fn page<'p, R, V: Serialize>(
    request: &Request<'_>,
    page: &'p Page<R>,
    view: impl Fn(&'p R) -> V,
) -> Result<Reply, Problem> {
    let next_cursor = page.next_cursor.as_deref();
    let body = PageBody {
        data: Rows(&page.items, view),
        page: PageInfo { next_cursor, has_more: next_cursor.is_some() },
        total: page.total,
    };
    let mut reply = Reply::json_sized(StatusCode::OK, &body, 128 + ROW_BYTES * page.items.len())?;
    if let Some(cursor) = next_cursor {
        let query = request.query.with_cursor(cursor);
        let path = request.path.trim_end_matches('/');
        reply.set_text(header::LINK, &format!("<{}{path}?{query}>; rel=\"next\"", request.prefix));
    }
    Ok(reply)
}
