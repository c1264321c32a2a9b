//! Cross-origin requests: what browsers ask and are told (Fetch standard, "CORS protocol").

use http::{HeaderMap, HeaderValue, Method, header};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, consistency-token, idempotency-key, if-match, if-none-match, traceparent",
);
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "consistency-token, etag, idempotency-replayed, link, location, retry-after, www-authenticate, x-request-id",
);
/// Seconds for which a browser may remember a preflight's answer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origins whose pages may read answers; credentials are never theirs to send, for tokens travel in a header.
#[derive(Debug)]
pub(crate) struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// `*` lets every origin in.
    pub(crate) fn new(origins: Vec<String>) -> Self {
        Self { origins }
    }

    /// Whether the request asks, for a browser, what it may send; nobody does where no origin is configured.
    pub(crate) fn is_preflight(&self, method: &Method, headers: &HeaderMap) -> bool {
        !self.origins.is_empty()
            && method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// The origin to name in the answer: the request's own, if its pages may read it.
    pub(crate) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if self.origins.is_empty() {
            return None;
        }
        let origin = headers.get(header::ORIGIN)?;
        let known = |allowed: &String| allowed == "*" || allowed.as_bytes() == origin.as_bytes();
        self.origins.iter().any(known).then(|| origin.clone())
    }

    /// Marks an answer for the allowed origin.
    pub(crate) fn mark(&self, answer: &mut HeaderMap, allowed: Option<HeaderValue>) {
        if self.origins.is_empty() {
            return;
        }
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = allowed {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
        }
    }

    /// What the preflight of an allowed origin is told besides.
    pub(crate) fn grant(answer: &mut HeaderMap) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
}
