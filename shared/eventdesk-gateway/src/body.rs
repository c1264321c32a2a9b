//! Reading requests' bodies, and getting rid of those nobody wants.

use std::time::Duration;

use bytes::Buf;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than is allowed.
    TooLong,
    /// It did not arrive in time.
    TooSlow,
    /// The caller broke off, or sent what is no body.
    Broken,
}

/// Most that is thrown away to let a caller who is still sending see the answer.
const MOST_DISCARDED: usize = 1024 * 1024;
const DISCARD_FOR: Duration = Duration::from_secs(2);

/// Reads a body of at most `most` bytes, and takes it away if it was read to its end.
///
/// One that announces more is refused before any of it is read.
pub(crate) async fn read(body: &mut Option<Incoming>, most: usize, time: Duration) -> Result<Vec<u8>, Unread> {
    let Some(unread) = body.as_mut().filter(|body| !body.is_end_stream()) else { return Ok(Vec::new()) };
    let announced = usize::try_from(unread.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(Unread::TooLong);
    }
    let bytes = timeout(time, collect(unread, most, announced)).await.unwrap_or(Err(Unread::TooSlow))?;
    *body = None;
    Ok(bytes)
}

async fn collect(body: &mut Incoming, most: usize, announced: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Broken)?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.remaining() > most {
                return Err(Unread::TooLong);
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

/// Throws away what a refused caller is still sending, a bounded part of it for a bounded time: closing a socket with
/// unread bytes resets the connection, and the answer may be lost with it.
pub(crate) fn discard(mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(timeout(DISCARD_FOR, async move {
        let mut left = MOST_DISCARDED;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Buf::remaining));
            if left == 0 {
                break;
            }
        }
    }));
}
