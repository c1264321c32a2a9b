//! What operations refer to.

use eventdesk_app::identity::Scope;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::Offered;
use crate::{
    docs::{LoginEndpoints, STANDARD_SCOPES},
    handlers::token::TokenErrorView,
    problem::Kind,
};

pub(super) fn all(mut schemas: Map<String, Value>, base: &str, login: &Offered) -> Value {
    schemas.insert("Problem".to_owned(), problem());
    schemas.insert("FieldProblem".to_owned(), field_problem());
    schemas.insert("Page".to_owned(), page());
    schemas.insert("TokenError".to_owned(), token_error());
    json!({
        "schemas": schemas,
        "responses": responses(),
        "parameters": parameters(),
        "headers": headers(),
        "securitySchemes": security_schemes(base, login),
    })
}

fn security_schemes(base: &str, login: &Offered) -> Value {
    let mut schemes = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of a configured issuer.",
        },
    });
    if login.builtin {
        schemes["password"] = json!({
            "type": "oauth2",
            "description": "The built-in issuer: a user's name and password.",
            "flows": { "password": { "tokenUrl": format!("{base}/token"), "scopes": scopes() } },
        });
    }
    if let Some(LoginEndpoints { authorization, token, .. }) = &login.issuer {
        let standard = STANDARD_SCOPES.into_iter().map(|(name, words)| (name.to_owned(), json!(words)));
        let scopes: Map<String, Value> = standard.chain(scopes()).collect();
        schemes["oidc"] = json!({
            "type": "oauth2",
            "description": "The configured issuer: a login there, by authorization code and PKCE, without a secret.",
            "flows": {
                "authorizationCode": { "authorizationUrl": authorization, "tokenUrl": token, "scopes": scopes },
            },
        });
    }
    schemes
}

fn scopes() -> Map<String, Value> {
    let words = |scope| match scope {
        Scope::TicketsRead => "Read tickets.",
        Scope::TicketsWrite => "Open, change, move and delete tickets.",
        Scope::MessagesRead => "Read messages.",
        Scope::MessagesWrite => "Post, edit and retract messages.",
        Scope::DirectoryRead => "Read users and employees.",
        Scope::DirectoryWrite => "Create, change and delete users and employees.",
        Scope::EventsRead => "Read the event feed, manage webhooks.",
        Scope::Admin => "Operate the desk.",
    };
    Scope::ALL.into_iter().map(|scope| (scope.as_str().to_owned(), json!(words(scope)))).collect()
}

fn token_error() -> Value {
    let mut generator = SchemaGenerator::default();
    TokenErrorView::json_schema(&mut generator).to_value()
}

fn problem() -> Value {
    let codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
    json!({
        "type": "object",
        "description": "Why a request was refused or failed (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "code"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "Stable; ends in the code." },
            "title": { "type": "string", "description": "The same for every occurrence of the type." },
            "status": { "type": "integer", "description": "The HTTP status code." },
            "detail": { "type": "string", "description": "What is wrong with this very request." },
            "instance": { "type": "string", "description": "The request's id." },
            "code": { "type": "string", "enum": codes, "description": "For programs." },
            "errors": {
                "type": "array",
                "items": { "$ref": "#/components/schemas/FieldProblem" },
                "description": "Bad or taken fields.",
            },
            "message": { "type": "string", "description": "What the gateway itself would say; with 401 and 403." },
            "current_status": { "type": "string", "description": "With `invalid-transition`." },
            "allowed_statuses": {
                "type": "array",
                "items": { "type": "string" },
                "description": "With `invalid-transition`: where the caller may move the ticket.",
            },
            "expected": { "type": "integer", "description": "With `version-mismatch`." },
            "found": { "type": "integer", "description": "With `version-mismatch`: the version that stands." },
            "parameter": { "type": "string", "description": "The query parameter that is wrong." },
            "header": { "type": "string", "description": "The header that is wrong." },
        },
    })
}

fn field_problem() -> Value {
    json!({
        "type": "object",
        "description": "What is wrong with one field.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": { "type": "string", "description": "JSON pointer into the request's body (RFC 6901)." },
            "code": { "type": "string", "description": "For programs: `required`, `too_short`, `unknown_field`, …" },
            "detail": { "type": "string", "description": "For people." },
        },
    })
}

fn page() -> Value {
    json!({
        "type": "object",
        "description": "Where the list goes on.",
        "required": ["next_cursor", "has_more"],
        "properties": {
            "next_cursor": { "type": ["string", "null"], "description": "To be sent as `cursor`." },
            "has_more": { "type": "boolean", "description": "Whether there is a next page." },
        },
    })
}

/// One response for each status that a problem can have, with the codes that come with it.
fn responses() -> Map<String, Value> {
    let mut statuses: Vec<u16> = Kind::ALL.iter().map(|kind| kind.status()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let reference = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let mut responses: Map<String, Value> = statuses
        .into_iter()
        .map(|status| {
            let kinds = Kind::ALL.iter().filter(|kind| kind.status() == status);
            let words: Vec<_> = kinds.map(|kind| format!("`{}`: {}.", kind.slug(), kind.title())).collect();
            let mut headers = json!({ "X-Request-Id": reference("RequestId") });
            match status {
                401 => headers["WWW-Authenticate"] = reference("WwwAuthenticate"),
                405 => headers["Allow"] = json!({ "schema": { "type": "string" } }),
                429 | 503 => headers["Retry-After"] = reference("RetryAfter"),
                _ => {}
            }
            let content =
                json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
            let response = json!({ "description": words.join(" "), "headers": headers, "content": content });
            (format!("Problem{status}"), response)
        })
        .collect();
    let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/TokenError" } } });
    let error = json!({ "description": "No token (RFC 6749, section 5.2).", "content": content });
    responses.insert("TokenError".to_owned(), error);
    responses
}

fn parameters() -> Value {
    let header = |name: &str, description: &str, more: Value| {
        let mut schema = json!({ "type": "string" });
        if let (Some(schema), Value::Object(more)) = (schema.as_object_mut(), more) {
            schema.extend(more);
        }
        json!({ "name": name, "in": "header", "description": description, "schema": schema })
    };
    json!({
        "IdempotencyKey": header(
            "Idempotency-Key",
            "Makes a repeat harmless: the same key with the same request gives the same answer, and with another 422.",
            json!({ "minLength": 1, "maxLength": 255 }),
        ),
        "IfMatch": header("If-Match", "`ETag`s of versions, one of which must stand; else 412.", json!({})),
        "IfNoneMatch": header("If-None-Match", "`ETag`s that the caller has; 304 if one still stands.", json!({})),
        "ConsistencyToken": header(
            "Consistency-Token",
            "What the answer must have seen, from a command's answer; several parted by commas.",
            json!({ "examples": ["ticket-0190a8c0-0000-7000-8000-000000000000@1"] }),
        ),
    })
}

fn headers() -> Value {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "RequestId": text("The request's id, for questions about it."),
        "ETag": text("The version: `\"7\"`, or `\"7.3\"` once others changed the representation."),
        "ConsistencyToken": text("What a query must send to see this change."),
        "IdempotencyReplayed": text("`true` if this repeats an earlier answer."),
        "Location": text("Where the created thing is."),
        "Link": text("The next page, `rel=\"next\"`, if there is one."),
        "WwwAuthenticate": text("What is wrong with the token (RFC 6750)."),
        "RetryAfter": { "description": "Seconds to wait.", "schema": { "type": "integer" } },
    })
}
