//! An answer on its way out.

use aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{Problem, headers};

/// Status, headers and body.
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::with_capacity(16), body: Body::Empty }
    }

    /// Text of a media type.
    pub(crate) fn text(status: StatusCode, media_type: HeaderValue, text: String) -> Self {
        let mut reply = Self { body: Body::Text(text), ..Self::empty(status) };
        reply.set(header::CONTENT_TYPE, media_type);
        reply
    }

    /// Bytes of a media type.
    pub(crate) fn bytes(status: StatusCode, media_type: HeaderValue, bytes: Vec<u8>) -> Self {
        let mut reply = Self { body: Body::Binary(bytes), ..Self::empty(status) };
        reply.set(header::CONTENT_TYPE, media_type);
        reply
    }

    /// JSON for the caller alone.
    pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, Problem> {
        Self::json_sized(status, body, 1024)
    }

    /// As [`Reply::json`], into a buffer of about the right size.
    pub(crate) fn json_sized<T: Serialize>(status: StatusCode, body: &T, size: usize) -> Result<Self, Problem> {
        let mut buffer = Vec::with_capacity(size);
        serde_json::to_writer(&mut buffer, body).map_err(|error| Problem::internal().because(&error))?;
        let text = String::from_utf8(buffer).map_err(|error| Problem::internal().because(&error))?;
        let mut reply = Self::text(status, headers::JSON, text);
        reply.keep_private();
        Ok(reply)
    }

    /// For the caller alone: caches ask again, and never for somebody else.
    pub(crate) fn keep_private(&mut self) {
        self.set(header::CACHE_CONTROL, headers::PRIVATE);
        self.set(header::VARY, HeaderValue::from_static("Authorization"));
    }

    /// Sets a header.
    pub(crate) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    /// Sets a header made of text; text that is no header value is left out.
    pub(crate) fn set_text(&mut self, name: HeaderName, text: &str) {
        if let Ok(value) = HeaderValue::from_str(text) {
            self.headers.insert(name, value);
        }
    }

    /// The headers.
    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// Drops the body, as an answer to `HEAD` does.
    pub(crate) fn without_body(mut self) -> Self {
        self.body = Body::Empty;
        self
    }

    /// The answer in the form in which functions give it.
    pub(crate) fn into_response(mut self, request_id: &str) -> ApiGatewayV2httpResponse {
        headers::complete(&mut self.headers, request_id);
        let mut response = ApiGatewayV2httpResponse::default();
        response.status_code = i64::from(self.status.as_u16());
        response.headers = self.headers;
        response.is_base64_encoded = matches!(self.body, Body::Binary(_));
        response.body = Some(self.body).filter(|body| !matches!(body, Body::Empty));
        response
    }
}
