//! Steps that bring older payloads to today's schema, at read time; stored bytes never change.
//!
//! A schema change that cannot be read as it is gets the next version number and one `Step` here. Steps run one
//! after the other, so each knows only its own version and the next.

use serde::de::Error;
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
    let current = current_version(event_type).unwrap_or(from);
    run(STEPS, event_type, from, current, parts)
}

fn run(
    steps: &[Step],
    event_type: &str,
    from: u16,
    to: u16,
    parts: Parts<'_>,
) -> Result<(String, Option<String>), serde_json::Error> {
    let mut data: Value = serde_json::from_str(parts.data)?;
    let mut private: Option<Value> = parts.private.map(serde_json::from_str).transpose()?;
    for version in from..to {
        let step = steps
            .iter()
            .find(|step| step.event_type == event_type && step.from == version)
            .ok_or_else(|| serde_json::Error::custom(format_args!("no step leads on from schema version {version}")))?;
        (step.lift)(&mut data, private.as_mut());
    }
    Ok((data.to_string(), private.map(|p| p.to_string())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Step, run};
    use crate::event::Parts;

    /// A made-up type that was renamed a field of, and then had a text moved to its private part.
    const STEPS: &[Step] = &[
        Step { event_type: "desk.moved", from: 2, lift: |data, _| data["floor"] = json!(0) },
        Step {
            event_type: "desk.moved",
            from: 1,
            lift: |data, private| {
                data["room"] = data["place"].take();
                data.as_object_mut().unwrap().remove("place");
                if let Some(private) = private {
                    private["note"] = json!(private["text"].as_str().unwrap_or_default().trim());
                }
            },
        },
        Step { event_type: "desk.sold", from: 1, lift: |_, _| panic!("a step of another type") },
    ];

    fn lifted(from: u16, data: &Value, private: Option<&Value>) -> Result<(Value, Option<Value>), String> {
        let (data, private) = (data.to_string(), private.map(ToString::to_string));
        let parts = Parts { data: &data, private: private.as_deref() };
        let (data, private) = run(STEPS, "desk.moved", from, 3, parts).map_err(|e| e.to_string())?;
        let read = |text: String| serde_json::from_str(&text).unwrap();
        Ok((read(data), private.map(read)))
    }

    #[test]
    fn steps_run_one_after_the_other() {
        assert_eq!(
            lifted(1, &json!({ "place": "4.12" }), Some(&json!({ "text": " by the window " }))),
            Ok((
                json!({ "room": "4.12", "floor": 0 }),
                Some(json!({ "text": " by the window ", "note": "by the window" }))
            ))
        );
    }

    #[test]
    fn a_younger_event_takes_the_later_steps_only() {
        assert_eq!(lifted(2, &json!({ "room": "4.12" }), None), Ok((json!({ "room": "4.12", "floor": 0 }), None)));
    }

    #[test]
    fn steps_cope_without_the_private_part() {
        assert_eq!(lifted(1, &json!({ "place": "4.12" }), None), Ok((json!({ "room": "4.12", "floor": 0 }), None)));
    }

    #[test]
    fn a_version_that_no_step_leads_on_from_is_refused() {
        assert_eq!(lifted(0, &json!({}), None), Err("no step leads on from schema version 0".into()));
    }
}
