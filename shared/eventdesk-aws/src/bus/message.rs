//! An event in the form in which EventBridge hands it to a queue.

use eventdesk_events::Envelope;
use serde::{Deserialize, Serialize};

/// The `source` of all events on the bus.
pub const SOURCE: &str = "eventdesk";

/// Above this many bytes an event travels without `private`: EventBridge takes 256 KiB, and a queue's message has the
/// wrapping of the bus around it.
pub(super) const LARGEST_DETAIL: usize = 200 * 1024;

/// What EventBridge wraps around an event.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Incoming {
    detail: Envelope,
    /// What EventBridge adds to what it replays from its archive.
    #[serde(default)]
    replay_name: Option<String>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    version: &'static str,
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: &'a str,
    source: &'static str,
    time: String,
    resources: [&'static str; 0],
    detail: &'a serde_json::value::RawValue,
}

/// A message that holds no event of this desk.
///
/// Tells where the reading ended and nothing of the content, so that it can be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event of the bus: {problem} at line {line}, column {column}")]
pub struct NoEvent {
    problem: &'static str,
    line: usize,
    column: usize,
}

/// Reads the body of a queue message. An event from the bus's archive names its replay as one of the desk's own does.
///
/// # Errors
/// [`NoEvent`].
pub fn read_body(body: &str) -> Result<Envelope, NoEvent> {
    let incoming: Incoming = serde_json::from_str(body).map_err(|error| NoEvent {
        problem: match error.classify() {
            serde_json::error::Category::Data => "another shape",
            serde_json::error::Category::Eof => "incomplete",
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => "no JSON",
        },
        line: error.line(),
        column: error.column(),
    })?;
    let Incoming { detail, replay_name } = incoming;
    Ok(Envelope { replay: detail.replay.or(replay_name), ..detail })
}

/// The body that EventBridge would make of an event, for those who send to a queue themselves.
///
/// # Errors
/// As [`serde_json::to_string`].
pub fn write_body(event: &Envelope) -> Result<String, serde_json::Error> {
    let detail = serde_json::value::RawValue::from_string(detail(event)?)?;
    serde_json::to_string(&Outgoing {
        version: "0",
        id: event.id.to_string(),
        detail_type: &event.event_type,
        source: SOURCE,
        time: event.occurred_at.to_string(),
        resources: [],
        detail: &detail,
    })
}

/// The envelope as JSON, without `private` if it would be too large.
pub(super) fn detail(event: &Envelope) -> Result<String, serde_json::Error> {
    let whole = serde_json::to_string(event)?;
    if whole.len() <= LARGEST_DETAIL || event.private.is_none() {
        return Ok(whole);
    }
    serde_json::to_string(&Envelope { private: None, private_omitted: true, ..event.clone() })
}

#[cfg(test)]
mod tests {
    use eventdesk_contract::event_store::samples::{commit, json, ticket};

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let event = commit(ticket(1), 3).envelopes().next().unwrap();
        let read = read_body(&write_body(&event).unwrap()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{event:?}"));
    }

    #[test]
    fn whatever_replays_an_event_it_is_marked() {
        let mut event = commit(ticket(1), 3).envelopes().next().unwrap();
        let archived = |event: &Envelope| {
            let body = write_body(event).unwrap().replacen('{', r#"{"replay-name":"of the archive","#, 1);
            read_body(&body).unwrap().replay
        };
        assert_eq!(read_body(&write_body(&event).unwrap()).unwrap().replay, None);
        assert_eq!(archived(&event).as_deref(), Some("of the archive"));
        event.replay = Some("of the desk".to_owned());
        assert_eq!(archived(&event).as_deref(), Some("of the desk"));
    }

    #[test]
    fn a_refusal_tells_nothing_of_the_content() {
        for body in ["", "no JSON", "{}", r#"{"detail": "a secret"}"#, r#"{"detail": {"type": "a secret"}}"#] {
            let refusal = read_body(body).unwrap_err().to_string();
            assert!(refusal.starts_with("not an event of the bus: ") && !refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn a_large_event_goes_without_its_private_part_and_says_so() {
        let mut event = commit(ticket(1), 1).envelopes().next().unwrap();
        event.private = Some(json(&format!(r#"{{"body":"{}"}}"#, "x".repeat(LARGEST_DETAIL))));
        let sent = detail(&event).unwrap();
        assert!(sent.len() < 2000);
        let sent: Envelope = serde_json::from_str(&sent).unwrap();
        assert!(sent.private_omitted && sent.private.is_none());
        assert_eq!((sent.id, sent.data.get()), (event.id, event.data.get()));
        event.private = Some(json(&format!(r#"{{"body":"{}"}}"#, "x".repeat(LARGEST_DETAIL - 2000))));
        let sent: Envelope = serde_json::from_str(&detail(&event).unwrap()).unwrap();
        assert!(!sent.private_omitted && sent.private.is_some());
    }
}
