//! The template as JSON: short forms written out, conditions decided.

use std::{collections::BTreeMap, path::PathBuf};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// A resource by its logical id.
pub(super) type Resources = BTreeMap<String, Value>;

/// The file.
pub(super) fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/template.yaml"))
}

/// Its text.
pub(super) fn text() -> String {
    std::fs::read_to_string(path()).expect("the template can be read")
}

/// Who checks tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The gateway.
    Jwt,
    /// Our own function.
    Authorizer,
}

/// The template in one mode, with everything that is optional besides.
pub(super) struct Template {
    whole: Value,
    pub(super) resources: Resources,
}

impl Template {
    pub(super) fn read(mode: Mode) -> Self {
        let text = text();
        let documents = Yaml::load_from_str(&text).expect("the template is YAML");
        let [document] = documents.as_slice() else { panic!("the template is one document") };
        let whole = decided(&json(document), &|condition| match condition {
            "JwtMode" => mode == Mode::Jwt,
            "OwnAuthorizer" => mode == Mode::Authorizer,
            _ => true,
        })
        .expect("a template is left");
        let here = |resource: &Value| match resource["Condition"].as_str() {
            Some("JwtMode") => mode == Mode::Jwt,
            Some("OwnAuthorizer") => mode == Mode::Authorizer,
            _ => true,
        };
        let all = whole["Resources"].as_object().expect("there are resources");
        let resources = all.iter().filter(|(_, one)| here(one)).map(|(id, one)| (id.clone(), one.clone())).collect();
        Self { whole, resources }
    }

    pub(super) fn globals(&self) -> &Value {
        &self.whole["Globals"]["Function"]
    }

    /// The properties of every resource of a type.
    pub(super) fn of<'t>(&'t self, kind: &'t str) -> impl Iterator<Item = (&'t str, &'t Value)> {
        let wanted = self.resources.iter().filter(move |(_, one)| one["Type"] == kind);
        wanted.map(|(id, one)| (id.as_str(), &one["Properties"]))
    }

    pub(super) fn properties(&self, id: &str) -> &Value {
        &self.resources.get(id).unwrap_or_else(|| panic!("there is no resource {id}"))["Properties"]
    }

    /// The functions by their names without the stack's.
    pub(super) fn functions(&self) -> BTreeMap<String, (&str, &Value)> {
        let functions = self.of("AWS::Serverless::Function");
        functions.map(|(id, one)| (named(&one["FunctionName"]).to_owned(), (id, one))).collect()
    }
}

/// What follows the stack's name in `!Sub '${AWS::StackName}-…'`.
pub(super) fn named(name: &Value) -> &str {
    let text = name["Fn::Sub"].as_str().unwrap_or_else(|| panic!("not named after the stack: {name}"));
    text.strip_prefix("${AWS::StackName}-").unwrap_or_else(|| panic!("not named after the stack: {text}"))
}

/// The logical id in `!Ref X` or `!GetAtt X.…`.
pub(super) fn target(reference: &Value) -> Option<&str> {
    reference["Ref"].as_str().or_else(|| reference["Fn::GetAtt"].as_str()?.split('.').next())
}

pub(super) fn json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        Yaml::Mapping(members) => members.iter().map(|(key, value)| (key_text(key), json(value))).collect(),
        Yaml::Tagged(tag, value) => {
            let name = match tag.suffix.as_str() {
                "Ref" | "Condition" => tag.suffix.clone(),
                other => format!("Fn::{other}"),
            };
            Value::Object(Map::from_iter([(name, json(value))]))
        }
        other => panic!("nothing that a template may hold: {other:?}"),
    }
}

fn key_text(key: &Yaml<'_>) -> String {
    match json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The value with every `Fn::If` decided; `None` for what is left out by `AWS::NoValue`.
fn decided(value: &Value, holds: &dyn Fn(&str) -> bool) -> Option<Value> {
    match value {
        Value::Object(members) if members.get("Ref").is_some_and(|name| name == "AWS::NoValue") => None,
        Value::Object(members) => {
            if let Some([condition, then, otherwise]) =
                members.get("Fn::If").and_then(Value::as_array).map(Vec::as_slice)
            {
                let condition = condition.as_str().expect("a condition has a name");
                return decided(if holds(condition) { then } else { otherwise }, holds);
            }
            let kept = members.iter().filter_map(|(key, value)| Some((key.clone(), decided(value, holds)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(values) => Some(values.iter().filter_map(|value| decided(value, holds)).collect()),
        plain => Some(plain.clone()),
    }
}
