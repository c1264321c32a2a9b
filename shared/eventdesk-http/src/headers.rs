//! Header values, and the headers that every answer carries.

use http::{HeaderMap, HeaderName, HeaderValue, header};

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
pub(crate) const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
pub(crate) const GZIP: HeaderValue = HeaderValue::from_static("gzip");
pub(crate) const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
pub(crate) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
pub(crate) const REVALIDATED: HeaderValue = HeaderValue::from_static("public, no-cache");
pub(crate) const PUBLIC_FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
pub(crate) const PUBLIC_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

pub(crate) const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const X_AMZN_TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// An answer that is data and must never run as a page.
const API_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The page that ends a login runs one script and loads nothing else.
pub(crate) const REDIRECT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The docs page: Swagger UI styles elements inline and draws icons from data URLs. It calls the desk, and the issuer
/// that turns a code into a token, if there is one.
pub(crate) fn docs_policy(token_origin: Option<&str>) -> HeaderValue {
    let policy = |connect: &str| {
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
             connect-src 'self'{connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    };
    let whole = policy(&token_origin.map(|origin| format!(" {origin}")).unwrap_or_default());
    HeaderValue::from_str(&whole).unwrap_or(API_POLICY)
}

/// Adds what every answer carries, unless the answer has its own: the request's id and the security headers.
pub fn complete(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(API_POLICY);
    // The page that ends a login in a pop-up must reach the window that opened it: it says `unsafe-none`.
    let opener = HeaderValue::from_static("same-origin-allow-popups");
    headers.entry(CROSS_ORIGIN_OPENER_POLICY).or_insert(opener);
}

/// Lets the page keep its hold on the window that opened it.
pub(crate) fn keep_opener(headers: &mut HeaderMap) {
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("unsafe-none"));
}

/// A tag made of the bytes of a document that is the same for everybody.
pub(crate) fn etag_of(bytes: &[u8]) -> HeaderValue {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, bytes);
    HeaderValue::from_str(&format!("\"{}\"", id.simple())).expect("hexadecimal digits are header text")
}
