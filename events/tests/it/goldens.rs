//! Golden samples: one envelope of each type and schema version ever published, added to, never edited.

use eventdesk_events::{Envelope, Event};
use serde_json::{Value, json};

use crate::{
    fits::misfits,
    samples::{goldens, schema},
};

fn envelope(content: &Value) -> Envelope {
    serde_json::from_str(&content.to_string()).unwrap_or_else(|e| panic!("{e}: {content:#}"))
}

fn event(content: &Value) -> Event {
    envelope(content).event().unwrap_or_else(|e| panic!("{e:?}: {content:#}"))
}

/// `data` and, if there is one, `private`, as this build writes them.
fn parts(event: &Event) -> (Value, Option<Value>) {
    let encoded = event.encode().unwrap();
    let read = |text: &str| serde_json::from_str(text).unwrap();
    (read(encoded.data.get()), encoded.private.map(|part| read(part.get())))
}

fn is_current(content: &Value) -> bool {
    let current = Event::current_schema_version(content["type"].as_str().unwrap());
    content["schema_version"].as_u64() == current.map(u64::from)
}

/// Removes the property from the document at `pointer`; whether it was there.
fn remove(document: &mut Value, pointer: &str, name: &str) -> bool {
    document.pointer_mut(pointer).and_then(Value::as_object_mut).is_some_and(|map| map.remove(name).is_some())
}

#[test]
fn every_published_type_has_a_sample() {
    let samples = goldens();
    for entry in Event::catalogue() {
        for version in 1..=entry.schema_version {
            let name = format!("{}.v{version}", entry.event_type);
            assert!(samples.iter().any(|(sample, _)| *sample == name), "golden/{name}.json is missing");
        }
    }
}

#[test]
fn a_sample_is_named_after_its_type_and_version() {
    for (name, content) in goldens() {
        let envelope = envelope(&content);
        assert_eq!(name, format!("{}.v{}", envelope.event_type, envelope.schema_version));
        assert!(envelope.index < envelope.count, "{name}");
        assert_eq!(envelope.stream.category(), envelope.event_type.split_once('.').unwrap().0, "{name}");
    }
}

#[test]
fn every_sample_decodes_and_todays_encode_to_the_same() {
    for (name, content) in goldens() {
        let event = event(&content);
        assert_eq!(serde_json::to_value(envelope(&content)).unwrap(), content, "{name}");
        assert_eq!(event.event_type(), content["type"], "{name}");
        if is_current(&content) {
            assert_eq!(event.schema_version(), content["schema_version"], "{name}");
            assert_eq!(parts(&event), (content["data"].clone(), content.get("private").cloned()), "{name}");
        }
    }
}

#[test]
fn a_sample_has_a_private_part_if_its_type_has_one() {
    for (name, content) in goldens().into_iter().filter(|(_, content)| is_current(content)) {
        let entry = Event::catalogue().find(|entry| entry.event_type == content["type"]).unwrap();
        assert_eq!(content.get("private").is_some(), entry.private.is_some(), "{name}");
    }
}

#[test]
fn every_sample_decodes_without_its_private_part() {
    for (name, mut content) in goldens() {
        let facts = parts(&event(&content)).0;
        remove(&mut content, "", "private");
        let event = event(&content);
        assert_eq!(parts(&event), (facts, None), "{name}");
    }
}

#[test]
fn every_sample_fits_its_schema() {
    for (name, content) in goldens() {
        assert_eq!(misfits(&content, &schema(&name)), [] as [String; 0], "{name}");
    }
}

#[test]
fn a_sample_of_another_type_does_not_fit() {
    let samples = goldens();
    for ((name, _), (_, other)) in samples.iter().zip(samples.iter().skip(1)) {
        assert_ne!(misfits(other, &schema(name)), [] as [String; 0], "{name}");
    }
}

/// Pointers to all objects in a document, itself included, and the names in each.
fn properties(pointer: &str, document: &Value, found: &mut Vec<(String, String)>) {
    let Value::Object(map) = document else { return };
    for (name, inner) in map {
        found.push((pointer.to_owned(), name.clone()));
        properties(&format!("{pointer}/{name}"), inner, found);
    }
}

#[test]
fn what_the_schema_promises_is_what_decoding_needs() {
    for (name, content) in goldens().into_iter().filter(|(_, content)| is_current(content)) {
        let schema = schema(&name);
        let mut places = Vec::new();
        properties("", &content, &mut places);
        for (pointer, property) in places {
            let mut reduced = content.clone();
            assert!(remove(&mut reduced, &pointer, &property));
            let optional = misfits(&reduced, &schema).is_empty();
            let decodes =
                serde_json::from_str::<Envelope>(&reduced.to_string()).is_ok_and(|envelope| envelope.event().is_ok());
            assert_eq!(decodes, optional, "{name} without {pointer}/{property}");
        }
    }
}

#[test]
fn what_a_later_edition_adds_is_passed_over() {
    for (name, mut content) in goldens() {
        let before = event(&content);
        for part in ["", "/data", "/private"] {
            if let Some(map) = content.pointer_mut(part).and_then(Value::as_object_mut) {
                map.insert("added_later".to_owned(), json!({ "of": ["any", "shape"] }));
            }
        }
        assert_eq!(event(&content), before, "{name}");
    }
}

#[test]
fn what_this_build_cannot_read_is_told() {
    let (_, sample) = goldens().into_iter().find(|(name, _)| name == "ticket.tagged.v1").unwrap();
    for (pointer, value, expected) in [
        ("/type", json!("ticket.eaten"), "unknown event type ticket.eaten"),
        ("/type", json!("tickets"), "unknown event type tickets"),
        ("/type", json!("desk.moved"), "unknown event type desk.moved"),
        ("/schema_version", json!(99), "ticket.tagged has schema version 99, newer than 1"),
        ("/schema_version", json!(0), "malformed ticket.tagged"),
        ("/data/tags", json!("vpn"), "malformed ticket.tagged"),
    ] {
        let mut content = sample.clone();
        *content.pointer_mut(pointer).unwrap() = value;
        assert_eq!(envelope(&content).event().unwrap_err().to_string(), expected);
    }
}
