//! The committed JSON Schemas are those of the types, and a published one only ever gains optional properties.
//!
//! `UPDATE_SCHEMAS=1 cargo test -p eventdesk-events --test it` writes them anew, unless that would break a
//! consumer: then the event needs the next schema version, and the one before an upcasting step.

use std::{collections::BTreeSet, fs, path::PathBuf};

use eventdesk_events::{Event, envelope_schema};
use serde_json::Value;

use crate::{breaks::breaks, samples::folder};

/// File name and content of every schema that this build publishes.
fn generated() -> Vec<(String, Value)> {
    let events = Event::catalogue().map(|entry| (format!("{}.json", entry.file_stem()), entry.schema()));
    std::iter::once(("envelope.v1.json".to_owned(), envelope_schema())).chain(events).collect()
}

fn path(name: &str) -> PathBuf {
    folder("schemas").join(name)
}

fn committed(name: &str) -> Option<Value> {
    let text = fs::read_to_string(path(name)).ok()?;
    Some(serde_json::from_str(&text).expect("a JSON file"))
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some_and(|value| value == "1");
    for (name, schema) in generated() {
        let before = committed(&name);
        let broken = before.as_ref().map_or_else(Vec::new, |before| breaks(before, &schema));
        assert!(broken.is_empty(), "{name} is published and may not change so:\n{}", broken.join("\n"));
        if update && before.as_ref() != Some(&schema) {
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            fs::write(path(&name), text).unwrap();
        } else {
            assert_eq!(before, Some(schema), "{name} is not up to date; see the head of this file");
        }
    }
}

#[test]
fn every_committed_schema_is_of_a_type() {
    // Schemas of older versions stay: their events are still in stores and archives.
    for file in fs::read_dir(folder("schemas")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let stem = name.strip_suffix(".json").unwrap_or_else(|| panic!("{name} is no schema"));
        let (event_type, version) = stem.rsplit_once(".v").unwrap();
        let newest = if event_type == "envelope" { Some(1) } else { Event::current_schema_version(event_type) };
        let version: u16 = version.parse().unwrap();
        assert!(newest.is_some_and(|newest| (1..=newest).contains(&version)), "{name} is of no known type");
    }
}

#[test]
fn names_are_unique() {
    let names: Vec<String> = generated().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn nothing_published_is_null() {
    for (name, schema) in generated() {
        assert!(!schema.to_string().contains("\"null\""), "{name} admits null");
    }
}
