//! One route as an operation.

use eventdesk_app::access::AccessMatrix;
use http::Method;
use serde_json::{Map, Value, json};

use super::{Offered, Schemas};
use crate::routes::{Access, Answer, Media, Owner, Parameter, ParameterKind, Route};

pub(super) fn of(route: &Route, login: &Offered, schemas: &mut Schemas) -> Value {
    let mut operation = json!({
        "operationId": route.operation_id(),
        "tags": [route.tag],
        "summary": route.summary,
        "description": description(route),
        "parameters": parameters(route),
        "responses": responses(route, schemas),
    });
    if let Some((media, schema)) = route.request {
        let schema = schema(&mut schemas.requests);
        let content: Map<String, Value> =
            media_types(media).iter().map(|name| ((*name).to_owned(), json!({ "schema": schema }))).collect();
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation["security"] = match route.access {
        Access::Public => json!([]),
        Access::Authenticated | Access::Needs(_) => schemes(login, route.scopes),
    };
    operation
}

/// Who may call it, in words; roles are those of the default matrix.
fn description(route: &Route) -> String {
    match route.access {
        Access::Public => "Open to everyone.".to_owned(),
        Access::Authenticated => {
            "Open to everyone with a valid token, also when disabled or without a role.".to_owned()
        }
        Access::Needs(permission) => {
            let matrix = AccessMatrix::default();
            let roles: Vec<_> = matrix.roles(permission).iter().map(|role| role.as_str()).collect();
            let (permission, roles, scopes) = (permission.as_str(), roles.join(", "), route.scopes.join("`, `"));
            format!("Needs the permission `{permission}`; by default of: {roles}. Needs one of the scopes: `{scopes}`.")
        }
    }
}

/// Any one of the ways to have a token, with any of these scopes.
pub(super) fn schemes(login: &Offered, scopes: &[&str]) -> Value {
    let offered = [("bearer", true), ("password", login.builtin), ("oidc", login.issuer.is_some())];
    offered.into_iter().filter(|(_, offered)| *offered).map(|(name, _)| json!({ name: scopes })).collect()
}

const fn media_types(media: Media) -> &'static [&'static str] {
    match media {
        Media::Json => &["application/json"],
        Media::MergePatch => &["application/merge-patch+json", "application/json"],
        Media::Form => &["application/x-www-form-urlencoded"],
    }
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut all: Vec<Value> = route.path_parameters().map(in_path).collect();
    all.extend(route.parameters.iter().map(in_query));
    let mut header = |name: &str| all.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
    if route.is_command() {
        header("IdempotencyKey");
        if route.method != Method::POST {
            header("IfMatch");
        }
    }
    if route.is_query() {
        header("ConsistencyToken");
        if has_tag(route) {
            header("IfNoneMatch");
        }
    }
    all
}

fn in_path(name: &str) -> Value {
    let (schema, description) = match name {
        "ticket_id" => (json!({ "type": "string" }), "The ticket's id; for reading also its number."),
        "tag" => (json!({ "type": "string", "pattern": "^[a-z0-9._-]{1,40}$" }), "The tag."),
        "asset" => (json!({ "type": "string" }), "The file's name."),
        _ => (json!({ "type": "string", "format": "uuid" }), "The id."),
    };
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
}

fn in_query(parameter: &Parameter) -> Value {
    let Parameter { name, kind, description } = parameter;
    let schema = match kind {
        ParameterKind::Text => json!({ "type": "string" }),
        ParameterKind::Integer(min, u64::MAX) => json!({ "type": "integer", "minimum": min }),
        ParameterKind::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        ParameterKind::Boolean => json!({ "type": "boolean" }),
        ParameterKind::Time => json!({ "type": "string", "format": "date-time" }),
        ParameterKind::Id => json!({ "type": "string", "format": "uuid" }),
        ParameterKind::IdOr(words) => {
            json!({ "anyOf": [{ "type": "string", "format": "uuid" }, { "type": "string", "enum": words }] })
        }
        ParameterKind::OneOf(words) => json!({ "type": "string", "enum": words }),
        ParameterKind::SomeOf(words) => json!({ "type": "array", "items": { "type": "string", "enum": words } }),
    };
    let mut value = json!({ "name": name, "in": "query", "description": description, "schema": schema });
    if matches!(kind, ParameterKind::SomeOf(_)) {
        value["style"] = json!("form");
        value["explode"] = json!(false);
    }
    value
}

/// Whether the answer is a single thing with a version.
fn has_tag(route: &Route) -> bool {
    matches!(route.answer, Answer::Json(..)) && (route.is_query() || route.is_command())
}

fn responses(route: &Route, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    let (status, mut success) = success(route, schemas);
    let headers = headers(route);
    if !headers.is_empty() {
        success["headers"] = headers.into_iter().collect();
    }
    responses.insert(status.to_string(), success);
    if has_tag(route) && route.is_query() {
        responses.insert("304".to_owned(), json!({ "description": "The caller has this version." }));
    }
    for status in refusals(route) {
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/Problem{status}") }));
    }
    if route.path.ends_with("/token") {
        responses.insert("400".to_owned(), json!({ "$ref": "#/components/responses/TokenError" }));
    }
    if route.path.ends_with("/ready") {
        let content = responses["200"]["content"].clone();
        responses.insert("503".to_owned(), json!({ "description": "A part is not ready.", "content": content }));
    }
    Value::Object(responses)
}

fn success(route: &Route, schemas: &mut Schemas) -> (u16, Value) {
    let json_content = |schema: Value| json!({ "application/json": { "schema": schema } });
    match route.answer {
        Answer::Json(status, schema) => {
            let schema = schema(&mut schemas.answers).to_value();
            let description = if status == 201 { "It was created." } else { "As asked." };
            (status, json!({ "description": description, "content": json_content(schema) }))
        }
        Answer::Page(schema) => {
            let row = schema(&mut schemas.answers).to_value();
            let page = json!({
                "type": "object",
                "required": ["data", "page"],
                "properties": {
                    "data": { "type": "array", "items": row },
                    "page": { "$ref": "#/components/schemas/Page" },
                    "total": { "type": "integer", "minimum": 0, "description": "With `include=total`." },
                },
            });
            (200, json!({ "description": "One page.", "content": json_content(page) }))
        }
        Answer::Nothing => (204, json!({ "description": "It is done." })),
        Answer::Empty => (200, json!({ "description": "It is done." })),
        Answer::Other(media_type) => {
            let content = json!({ media_type: { "schema": { "type": "string" } } });
            (200, json!({ "description": "As asked.", "content": content }))
        }
    }
}

fn headers(route: &Route) -> Map<String, Value> {
    let mut names: Vec<(&str, &str)> = vec![("X-Request-Id", "RequestId")];
    if has_tag(route) {
        names.push(("ETag", "ETag"));
    }
    if route.is_command() {
        names.push(("Consistency-Token", "ConsistencyToken"));
        names.push(("Idempotency-Replayed", "IdempotencyReplayed"));
    }
    if matches!(route.answer, Answer::Json(201, _)) {
        names.push(("Location", "Location"));
    }
    if matches!(route.answer, Answer::Page(_)) {
        names.push(("Link", "Link"));
    }
    let reference = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    names.into_iter().map(|(name, component)| (name.to_owned(), reference(component))).collect()
}

/// The statuses of the problems that a route can have.
pub(super) fn refusals(route: &Route) -> Vec<u16> {
    let mut statuses = vec![400, 500];
    if route.access != Access::Public {
        statuses.extend([401, 403, 429, 503]);
    }
    if route.path.contains('{') {
        statuses.push(404);
    }
    if route.is_command() {
        statuses.push(409);
        statuses.push(422);
        if route.method != Method::POST {
            statuses.push(412);
        }
    }
    if route.function == Owner::Identity {
        match route.request {
            // Whoever says who they are must prove it.
            Some((Media::Form, _)) => statuses.push(401),
            Some(_) => statuses.push(422),
            None => {}
        }
        if route.path.contains("/clients") && route.method != Method::GET {
            statuses.push(409);
        }
    }
    if route.request.is_some() {
        statuses.extend([413, 415]);
        if route.access == Access::Public {
            statuses.extend([429, 503]);
        }
    }
    statuses.sort_unstable();
    statuses
}
