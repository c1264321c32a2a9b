//! Ids that tie a request to what it causes.

use http::{HeaderMap, HeaderName};
use uuid::Uuid;

use super::Request;
use crate::headers;

impl Request<'_> {
    /// The request id as a UUID: itself if it is one, else one derived from it.
    pub(crate) fn correlation_id(&self) -> Uuid {
        Uuid::try_parse(self.request_id)
            .unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, self.request_id.as_bytes()))
    }

    /// The trace that the request belongs to.
    pub(crate) fn trace_id(&self) -> Option<String> {
        trace_id(&self.event.headers)
    }
}

/// The trace that a request belongs to, 32 hexadecimal digits: what `traceparent` says, else what AWS's gateway has put
/// into `x-amzn-trace-id`.
pub fn trace_id(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let of_caller = text(headers::TRACEPARENT).and_then(w3c_trace_id).map(ToOwned::to_owned);
    of_caller.or_else(|| text(headers::X_AMZN_TRACE_ID).and_then(x_ray_trace_id))
}

/// The trace id in a `traceparent` (W3C Trace Context, section 3.2); what is malformed or all zeros is ignored.
pub(super) fn w3c_trace_id(header: &str) -> Option<&str> {
    let mut parts = header.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let shaped = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    // Version 00 ends here; later ones may go on.
    let ended = version != "00" || parts.next().is_none();
    let nothing = |text: &str| text.bytes().all(|byte| byte == b'0');
    (shaped && ended && version != "ff" && !nothing(trace) && !nothing(parent)).then_some(trace)
}

/// The trace id in a header of X-Ray, `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1`, as W3C writes it.
///
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>
pub fn x_ray_trace_id(header: &str) -> Option<String> {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
    let (time, unique) = root.strip_prefix("1-")?.split_once('-')?;
    (hex(time, 8) && hex(unique, 24)).then(|| format!("{time}{unique}"))
}

fn hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
