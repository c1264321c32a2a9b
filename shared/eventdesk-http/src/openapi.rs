//! The OpenAPI 3.1 document, made of the route table and the types.

mod components;
mod operation;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use http::HeaderValue;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    docs::LoginEndpoints,
    headers,
    routes::{BASE_PATH, described},
};

/// The document for one deployment prefix.
pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) etag: HeaderValue,
}

/// How one logs in, as the document tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Offered {
    /// By name and password at the built-in issuer.
    pub(crate) builtin: bool,
    /// At an issuer elsewhere.
    pub(crate) issuer: Option<LoginEndpoints>,
}

/// Most documents that are kept.
const MOST_KEPT: usize = 8;

/// The document; made once for each prefix, of which a deployment has its own and none, and each way to log in.
pub(crate) fn document(prefix: &str, login: &Offered) -> Arc<Document> {
    type Made = HashMap<(String, Offered), Arc<Document>>;
    static MADE: Mutex<Option<Made>> = Mutex::new(None);
    let key = (prefix.to_owned(), login.clone());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    if let Some(document) = made.get(&key) {
        return Arc::clone(document);
    }
    let text = build(prefix, login).to_string();
    let etag = headers::etag_of(text.as_bytes());
    let document = Arc::new(Document { text, etag });
    if made.len() >= MOST_KEPT {
        made.clear();
    }
    made.insert(key, Arc::clone(&document));
    document
}

/// Schemas of what comes in and of what goes out differ in which members must be there.
struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.meta_schema = None;
            settings.definitions_path = "/components/schemas".into();
        });
        let requests = settings.clone().for_deserialize().into_generator();
        Self { requests, answers: settings.for_serialize().into_generator() }
    }

    /// All named schemas. Types that go both ways are the same in both.
    fn named(mut self) -> Map<String, Value> {
        let mut named = self.requests.take_definitions(true);
        let mut answers = self.answers.take_definitions(true);
        answers.values_mut().for_each(never_null);
        named.extend(answers);
        named
    }
}

/// What an answer does not have it leaves out: no member of it is ever `null`.
fn never_null(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for property in properties.values_mut().filter_map(Value::as_object_mut) {
        if let Some(Value::Array(types)) = property.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                property.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(mut choices)) = property.remove("anyOf") {
            choices.retain(|choice| choice["type"] != "null");
            match choices.as_slice() {
                [Value::Object(only)] => property.extend(only.clone()),
                _ => {
                    property.insert("anyOf".to_owned(), Value::Array(choices));
                }
            }
        }
    }
}

fn build(prefix: &str, login: &Offered) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in &described() {
        let path = route.path.strip_prefix(BASE_PATH).unwrap_or(route.path);
        let operations = paths.entry(path).or_insert_with(|| json!({}));
        operations[route.method.as_str().to_ascii_lowercase()] = operation::of(route, login, &mut schemas);
    }
    let base = format!("{prefix}{BASE_PATH}");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "eventdesk",
            "version": "1",
            "description": include_str!("openapi/introduction.md"),
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": base }],
        "tags": [
            { "name": "tickets", "description": "What employees ask for, and how it is going." },
            { "name": "messages", "description": "What is said about a ticket." },
            { "name": "directory", "description": "Users support, employees are supported." },
            { "name": "authentication", "description": "Tokens, and who one is." },
            { "name": "operations", "description": "How the desk itself is." },
            { "name": "documentation", "description": "This document, and a page to read it." },
        ],
        "paths": paths,
        "components": components::all(schemas.named(), &base, login),
        "security": operation::schemes(login, &[]),
    })
}
