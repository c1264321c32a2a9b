//! Calls to servers of others: issuers of tokens, policy servers.
//!
//! Whoever answers is not trusted with this process: a call ends in time, an answer is read up to a size and never
//! unpacked, redirects are not followed, and plain http is for loopback addresses alone. Connections are kept and used
//! again.
//! Deliberately absent: retries and caches, which are the caller's to choose.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::Serialize;
use tokio::time::timeout;
use url::{Host, Url};

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_mins(1);
/// How many unused connections are kept to one server.
const MOST_IDLE: usize = 16;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NAME: HeaderValue = HeaderValue::from_static("eventdesk");

/// How much one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// For the connection, TLS with it.
    pub connect: Duration,
    /// For the whole call, from the first byte sent to the last one read.
    pub total: Duration,
    /// Most bytes of an answer's body.
    pub body: usize,
}

impl Default for Bounds {
    /// 2 s, 5 s and 256 KiB.
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), total: Duration::from_secs(5), body: 256 * 1024 }
    }
}

/// Why a call brought nothing. None of the texts holds an address, a body or a secret.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// Neither https, nor http on a loopback address.
    #[error("the address is not https")]
    NotSecure,
    /// No connection, or it broke.
    #[error("no whole answer came")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than [`Bounds::total`].
    #[error("the answer did not come in time")]
    TooSlow,
    /// The body is longer than [`Bounds::body`].
    #[error("the answer is too long")]
    TooLarge,
    /// The system's certificates cannot be read.
    #[error("no TLS client can be made")]
    Client(#[source] io::Error),
    /// What was to be sent cannot be written.
    #[error("the request cannot be written")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A whole answer, of any status.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// At most [`Bounds::body`] bytes.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("bytes", &self.body.len()).finish()
    }
}

/// A client with a pool of connections; clones share it.
#[derive(Clone)]
pub struct Outbound {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    bounds: Bounds,
}

impl Outbound {
    /// A client. Certificates are those of the system (`SSL_CERT_FILE` names others).
    ///
    /// # Errors
    /// `Client` only.
    pub fn new(bounds: Bounds) -> Result<Self, OutboundError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(bounds.connect));
        tcp.set_nodelay(true);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls =
            HttpsConnectorBuilder::new().with_provider_and_native_roots(provider).map_err(OutboundError::Client)?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(tcp);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .build(connector);
        Ok(Self { http, bounds })
    }

    /// GET, of JSON.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn get(&self, url: &Url) -> Result<Answer, OutboundError> {
        self.call(Method::GET, url, HeaderMap::new(), Bytes::new()).await
    }

    /// POST of a form, as a client with id and secret (`client_secret_basic`, RFC 6749, section 2.3.1).
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn post_form(
        &self,
        url: &Url,
        (id, secret): (&str, &str),
        fields: &[(&str, &str)],
    ) -> Result<Answer, OutboundError> {
        // Both are form-encoded before they are joined, which also keeps a colon in the id from parting them.
        let client = STANDARD.encode(format!("{}:{}", form_encoded(id), form_encoded(secret)));
        let mut client =
            HeaderValue::try_from(format!("Basic {client}")).map_err(|error| OutboundError::Request(error.into()))?;
        client.set_sensitive(true);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, FORM), (header::AUTHORIZATION, client)]);
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.call(Method::POST, url, headers, form.into()).await
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn post_json(&self, url: &Url, body: &(impl Serialize + Sync)) -> Result<Answer, OutboundError> {
        let body = serde_json::to_vec(body).map_err(|error| OutboundError::Request(error.into()))?;
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, JSON)]);
        self.call(Method::POST, url, headers, body.into()).await
    }

    async fn call(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, OutboundError> {
        require_secure(url)?;
        headers.insert(header::ACCEPT, JSON);
        headers.insert(header::USER_AGENT, NAME);
        let request = Request::builder().method(method).uri(url.as_str()).body(Full::new(body));
        let mut request = request.map_err(|error| OutboundError::Request(error.into()))?;
        *request.headers_mut() = headers;
        timeout(self.bounds.total, self.answer(request)).await.unwrap_or(Err(OutboundError::TooSlow))
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Answer, OutboundError> {
        let answer = self.http.request(request).await.map_err(|error| OutboundError::Unreachable(error.into()))?;
        let (head, mut parts) = answer.into_parts();
        let most = self.bounds.body;
        if parts.size_hint().lower() > most as u64 {
            return Err(OutboundError::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(frame) = parts.frame().await {
            let frame = frame.map_err(|error| OutboundError::Unreachable(error.into()))?;
            let Some(data) = frame.data_ref() else { continue };
            if body.len() + data.remaining() > most {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(data);
        }
        Ok(Answer { status: head.status.as_u16(), body })
    }
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Refuses an address to which nothing may be sent: neither https, nor http on a loopback address.
///
/// # Errors
/// [`OutboundError::NotSecure`].
pub fn require_secure(url: &Url) -> Result<(), OutboundError> {
    let loopback = match url.host() {
        None => return Err(OutboundError::NotSecure),
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err(OutboundError::NotSecure),
    }
}

#[cfg(test)]
mod tests;
