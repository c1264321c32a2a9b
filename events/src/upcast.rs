//! Steps that bring older payloads to today's schema, at read time; stored bytes never change.
//!
//! A schema change that cannot be read as it is gets the next version number and one [`Step`] here. Steps run one
//! after the other, so each knows only its own version and the next.

use serde_json::Value;

use crate::{Event, event::Parts};

/// Lifts `data` and `private` of one event type from one schema version to the next.
struct Step {
    event_type: &'static str,
    from: u16,
    lift: fn(&mut Value, Option<&mut Value>),
}

/// All steps ever needed; none is ever removed.
const STEPS: &[Step] = &[];

/// The newest schema version of a type, `None` if no such type exists.
pub(crate) fn current_version(event_type: &str) -> Option<u16> {
    Event::current_schema_version(event_type)
}

/// The parts of an older event in today's schema.
pub(crate) fn to_current(
    event_type: &str,
    from: u16,
    parts: Parts<'_>,
) -> Result<(String, Option<String>), serde_json::Error> {
    run(STEPS, event_type, from, parts)
}

fn run(
    steps: &[Step],
    event_type: &str,
    from: u16,
    parts: Parts<'_>,
) -> Result<(String, Option<String>), serde_json::Error> {
    let mut data: Value = serde_json::from_str(parts.data)?;
    let mut private: Option<Value> = parts.private.map(serde_json::from_str).transpose()?;
    let mut version = from;
    while let Some(step) = steps.iter().find(|s| s.event_type == event_type && s.from == version) {
        (step.lift)(&mut data, private.as_mut());
        version += 1;
    }
    Ok((data.to_string(), private.map(|p| p.to_string())))
}
