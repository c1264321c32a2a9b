//! JSON Schemas of what is published, as consumers will read it.

use schemars::{
    Schema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
    transform::{Transform, transform_subschemas},
};
use serde_json::{Map, Value, json};

use crate::{Envelope, EventTypeEntry};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Takes `null` from what is optional: an absent value is left out, never written as `null`.
#[derive(Clone, Copy)]
struct AbsentNotNull;

impl Transform for AbsentNotNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".into(), only);
            }
        }
        let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
        choices.retain(|choice| choice != &json!({ "type": "null" }));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (keyword, value) in only {
                schema.insert(keyword, value);
            }
        }
    }
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.contract = Contract::Serialize;
            settings.meta_schema = None;
        })
        .with_transform(AbsentNotNull)
        .into_generator()
}

/// The frame that all events travel in, without the shape of their parts.
pub fn envelope_schema() -> Value {
    let mut schema = generator().into_root_schema_for::<Envelope>();
    schema.insert("$schema".into(), DRAFT.into());
    schema.insert("$id".into(), "envelope.v1.json".into());
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        // Any JSON text to the envelope; every event has an object in both.
        for part in ["data", "private"] {
            let description = properties.get(part).and_then(|schema| schema.get("description")).cloned();
            properties.insert(part.into(), json!({ "type": "object", "description": description }));
        }
    }
    schema.to_value()
}

impl EventTypeEntry {
    /// The file name of the schema and of the golden sample, without its extension: `ticket.opened.v1`.
    pub fn file_stem(&self) -> String {
        format!("{}.v{}", self.event_type, self.schema_version)
    }

    /// The schema of the whole envelope of one event type at today's version.
    pub fn schema(&self) -> Value {
        let mut generator = generator();
        let mut properties = Map::new();
        properties.insert("type".into(), json!({ "const": self.event_type }));
        properties.insert("schema_version".into(), json!({ "const": self.schema_version }));
        properties.insert("data".into(), (self.data)(&mut generator).to_value());
        if let Some(private) = self.private {
            properties.insert("private".into(), private(&mut generator).to_value());
        }
        json!({
            "$schema": DRAFT,
            "$id": format!("{}.json", self.file_stem()),
            "title": self.event_type,
            "allOf": [{ "$ref": "envelope.v1.json" }],
            "type": "object",
            "properties": properties,
            "required": ["type", "schema_version", "data"],
            "$defs": generator.take_definitions(true),
        })
    }
}
