//! What a consumer of a schema would trip over in its next edition.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Keywords that say nothing about which documents fit.
const REMARKS: [&str; 5] = ["$schema", "title", "description", "examples", "$comment"];

/// Every difference from `old` to `new` other than new optional properties, new definitions and other remarks.
pub(crate) fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", old, new, &mut found);
    found
}

fn compare(at: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        if old != new {
            found.push(format!("{at}: {old} became {new}"));
        }
        return;
    };
    required(at, old, new, found);
    let keywords: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for keyword in keywords {
        let inside = format!("{at}/{keyword}");
        match keyword.as_str() {
            "required" => {}
            remark if REMARKS.contains(&remark) => {}
            "properties" | "$defs" => named(&inside, old.get(keyword), new.get(keyword), found),
            // One schema, or a list of them whose length counts.
            _ => match (old.get(keyword), new.get(keyword)) {
                (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
                    for (index, (old, new)) in old.iter().zip(new).enumerate() {
                        compare(&format!("{inside}/{index}"), old, new, found);
                    }
                }
                (Some(old @ Value::Object(_)), Some(new)) => compare(&inside, old, new, found),
                (old, new) if old == new => {}
                (old, new) => found.push(format!("{inside}: {old:?} became {new:?}")),
            },
        }
    }
}

/// Schemas by name: those that were there must stay and fit; others may come.
fn named(at: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<String>) {
    let entries = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let new = entries(new);
    for (name, old) in entries(old) {
        match new.get(&name) {
            Some(new) => compare(&format!("{at}/{name}"), &old, new, found),
            None => found.push(format!("{at}/{name} is gone")),
        }
    }
}

fn required(at: &str, old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<String>) {
    let names = |schema: &Map<String, Value>| -> BTreeSet<String> {
        let list = schema.get("required").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (old, new) = (names(old), names(new));
    found.extend(new.difference(&old).map(|name| format!("{at}/required: {name} was optional or new")));
    found.extend(old.difference(&new).map(|name| format!("{at}/required: {name} was promised")));
}
