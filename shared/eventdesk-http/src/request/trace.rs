//! Ids that tie a request to what it causes.

use uuid::Uuid;

use super::Request;
use crate::headers;

impl Request<'_> {
    /// The request id as a UUID: itself if it is one, else one derived from it.
    pub(crate) fn correlation_id(&self) -> Uuid {
        Uuid::try_parse(self.request_id)
            .unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, self.request_id.as_bytes()))
    }

    /// The trace id of a valid `traceparent`.
    pub(crate) fn trace_id(&self) -> Option<String> {
        let header = self.event.headers.get(&headers::TRACEPARENT)?.to_str().ok()?;
        trace_id(header).map(ToOwned::to_owned)
    }
}

/// The trace id in a `traceparent` (W3C Trace Context, section 3.2); what is malformed or all zeros is ignored.
pub(super) fn trace_id(header: &str) -> Option<&str> {
    let mut parts = header.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let shaped = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    // Version 00 ends here; later ones may go on.
    let ended = version != "00" || parts.next().is_none();
    let nothing = |text: &str| text.bytes().all(|byte| byte == b'0');
    (shaped && ended && version != "ff" && !nothing(trace) && !nothing(parent)).then_some(trace)
}
