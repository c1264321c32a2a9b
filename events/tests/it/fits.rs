//! Whether a document fits a schema, for the keywords that our schemas use.

use serde_json::Value;

use crate::samples::schema;

/// Every place where `document` does not fit `schema`, an unknown keyword included.
pub(crate) fn misfits(document: &Value, schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Check { root: schema }.check("", document, schema, &mut found);
    found
}

struct Check<'a> {
    root: &'a Value,
}

impl Check<'_> {
    fn check(&self, at: &str, document: &Value, schema: &Value, found: &mut Vec<String>) {
        let Value::Object(keywords) = schema else {
            if schema == &Value::Bool(false) {
                found.push(format!("{at}: nothing fits here"));
            }
            return;
        };
        for (keyword, value) in keywords {
            let fits = match keyword.as_str() {
                "$ref" => {
                    self.reference(at, document, value, found);
                    true
                }
                "allOf" => {
                    list(value).for_each(|schema| self.check(at, document, schema, found));
                    true
                }
                "oneOf" | "anyOf" => {
                    let fitting = list(value).filter(|schema| self.fits(document, schema)).count();
                    if keyword == "oneOf" { fitting == 1 } else { fitting > 0 }
                }
                "properties" => {
                    for (name, schema) in value.as_object().unwrap() {
                        if let Some(inner) = document.get(name) {
                            self.check(&format!("{at}/{name}"), inner, schema, found);
                        }
                    }
                    true
                }
                "required" => list(value).all(|name| document.get(name.as_str().unwrap()).is_some()),
                "items" => {
                    for (index, inner) in document.as_array().into_iter().flatten().enumerate() {
                        self.check(&format!("{at}/{index}"), inner, value, found);
                    }
                    true
                }
                "type" => is_of_type(document, value.as_str().unwrap()),
                "const" => document == value,
                "enum" => list(value).any(|choice| choice == document),
                "minimum" => document.as_f64().is_none_or(|number| number >= value.as_f64().unwrap()),
                "maximum" => document.as_f64().is_none_or(|number| number <= value.as_f64().unwrap()),
                "format" | "pattern" | "description" | "title" | "$schema" | "$id" | "$defs" => true,
                _ => false,
            };
            if !fits {
                found.push(format!("{at}: {keyword} {value} is not met"));
            }
        }
    }

    fn fits(&self, document: &Value, schema: &Value) -> bool {
        let mut found = Vec::new();
        self.check("", document, schema, &mut found);
        found.is_empty()
    }

    fn reference(&self, at: &str, document: &Value, reference: &Value, found: &mut Vec<String>) {
        let reference = reference.as_str().unwrap();
        if let Some(name) = reference.strip_prefix("#/$defs/") {
            self.check(at, document, &self.root["$defs"][name], found);
        } else {
            let stem = reference.strip_suffix(".json").unwrap();
            found.extend(misfits(document, &schema(stem)));
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

fn is_of_type(document: &Value, name: &str) -> bool {
    match name {
        "object" => document.is_object(),
        "array" => document.is_array(),
        "string" => document.is_string(),
        "integer" => document.is_i64() || document.is_u64(),
        "number" => document.is_number(),
        "boolean" => document.is_boolean(),
        _ => false,
    }
}
