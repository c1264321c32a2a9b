//! What the HTTP parser answers by itself, in our own words.
//!
//! Whoever sends what is no request, or too much of one, is answered by the parser: a status and nothing else. Such an
//! answer is taken back on its way to the socket, and a problem document with everything that answers carry is sent
//! instead. It is known by its form: it is written whole and alone, refuses, and lacks the id that ours have. No body
//! looks like that, for one piece of it would have to be such a head and its blank line, and JSON has no line breaks.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use aws_lambda_events::encodings::Body;
use bytes::{Buf, Bytes};
use eventdesk_app::ports::Ids;
use eventdesk_http::{Kind, Problem};
use http::{HeaderValue, StatusCode, header};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::debug;

/// A connection whose bare refusals become problem documents.
pub(crate) struct Edge<S> {
    stream: S,
    ids: Arc<dyn Ids>,
    head_limit: usize,
    /// What is sent instead, and how many bytes it stands for.
    instead: Option<(Bytes, usize)>,
}

impl<S> Edge<S> {
    /// Around `stream`; `head_limit` is named to those who send more.
    pub(crate) fn new(stream: S, ids: Arc<dyn Ids>, head_limit: usize) -> Self {
        Self { stream, ids, head_limit, instead: None }
    }

    /// What to send instead of these bytes, if they are the parser's own.
    fn take_back(&mut self, written: &[u8]) {
        let Some((status, date)) = bare_refusal(written) else { return };
        let request_id = self.ids.next().to_string();
        debug!(request.id = request_id, http.status = status, "what came is no request");
        let problem = match status {
            414 | 431 => {
                let most = self.head_limit;
                Problem::new(Kind::HeadersTooLarge, format!("request line and headers have at most {most} bytes"))
            }
            _ => Problem::malformed("what was sent is no HTTP request"),
        };
        self.instead = Some((whole(problem, &request_id, date), written.len()));
    }
}

/// Status and date of an answer that the parser made by itself.
fn bare_refusal(written: &[u8]) -> Option<(u16, Option<&str>)> {
    let text = str::from_utf8(written).ok()?;
    let head = text.strip_prefix("HTTP/1.")?.strip_suffix("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok().filter(|status| (400..500).contains(status))?;
    let mut date = None;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("x-request-id") {
            return None;
        }
        if name.eq_ignore_ascii_case("date") {
            date = Some(value.trim());
        }
    }
    Some((status, date))
}

/// The refusal as bytes; it is the connection's last answer.
fn whole(problem: Problem, request_id: &str, date: Option<&str>) -> Bytes {
    let response = problem.into_response(request_id);
    let body = if let Some(Body::Text(text)) = response.body { text } else { String::new() };
    let status = u16::try_from(response.status_code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let mut headers = response.headers;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(date) = date.and_then(|date| HeaderValue::from_str(date).ok()) {
        headers.insert(header::DATE, date);
    }
    let mut bytes = format!("HTTP/1.1 {}\r\n", status.unwrap_or(StatusCode::BAD_REQUEST)).into_bytes();
    for (name, value) in &headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.as_bytes());
    bytes.into()
}

impl<S: AsyncRead + Unpin> AsyncRead for Edge<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> Edge<S> {
    /// Sends what stands for the parser's answer, which counts as written then.
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        while let Some((bytes, stands_for)) = &mut self.instead {
            if bytes.is_empty() {
                let written = *stands_for;
                self.instead = None;
                return Poll::Ready(Ok(Some(written)));
            }
            let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            bytes.advance(sent);
        }
        Poll::Ready(Ok(None))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Edge<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.instead.is_none() {
            this.take_back(buf);
        }
        match ready!(this.poll_instead(cx))? {
            Some(written) => Poll::Ready(Ok(written)),
            None => Pin::new(&mut this.stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let (None, [alone]) = (&this.instead, bufs) {
            this.take_back(alone);
        }
        match ready!(this.poll_instead(cx))? {
            Some(written) => Poll::Ready(Ok(written)),
            None => Pin::new(&mut this.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::bare_refusal;

    #[test]
    fn only_what_the_parser_says_by_itself_is_taken_back() {
        let date = "date: Sun, 22 Nov 2026 06:00:00 GMT\r\n";
        let bare = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n{date}\r\n");
        assert_eq!(bare_refusal(bare.as_bytes()), Some((400, Some("Sun, 22 Nov 2026 06:00:00 GMT"))));
        let large = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n";
        assert_eq!(bare_refusal(large.as_bytes()), Some((431, None)));
        for other in [
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nX-Request-Id: 7\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "{\"title\": \"HTTP/1.1 400 Bad Request\"}",
            "",
        ] {
            assert_eq!(bare_refusal(other.as_bytes()), None, "{other}");
        }
    }
}
