//! The comparison of schema editions finds what breaks a consumer, and nothing else.

use serde_json::{Value, json};

use crate::breaks::breaks;

fn published() -> Value {
    json!({
        "type": "object",
        "properties": {
            "tags": { "type": "array", "items": { "type": "string" } },
            "status": { "$ref": "#/$defs/Status" },
            "due_at": { "type": "string", "format": "date-time" },
        },
        "required": ["status", "tags"],
        "$defs": { "Status": { "oneOf": [{ "const": "new" }, { "const": "open" }] } },
    })
}

/// The published schema with one place changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut schema = published();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    schema.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    schema
}

fn without(pointer: &str) -> Value {
    let mut schema = published();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    schema.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    schema
}

#[test]
fn what_only_adds_breaks_nothing() {
    for new in [
        published(),
        with("/properties/channel", json!({ "type": "string" })),
        with("/$defs/Channel", json!({ "type": "string" })),
        with("/description", json!("Other words.")),
        with("/properties/due_at/description", json!("Other words.")),
        with("/required", json!(["tags", "status"])),
    ] {
        assert_eq!(breaks(&published(), &new), [] as [String; 0]);
    }
}

#[test]
fn what_changes_or_goes_breaks() {
    for new in [
        without("/properties/due_at"),
        without("/$defs/Status"),
        without("/required"),
        with("/required", json!(["status", "tags", "due_at"])),
        with("/required", json!(["status"])),
        with("/properties/due_at/type", json!("integer")),
        with("/properties/due_at/format", json!("date")),
        with("/properties/tags/items/type", json!("integer")),
        with("/properties/tags/items", json!({ "type": "string", "pattern": "^[a-z]+$" })),
        with("/properties/status", json!({ "type": "string" })),
        with("/$defs/Status/oneOf", json!([{ "const": "new" }])),
        with("/$defs/Status/oneOf", json!([{ "const": "new" }, { "const": "open" }, { "const": "closed" }])),
        with("/$defs/Status/oneOf", json!([{ "const": "fresh" }, { "const": "open" }])),
        with("/additionalProperties", json!(false)),
    ] {
        assert_ne!(breaks(&published(), &new), [] as [String; 0], "{new:#}");
    }
}
