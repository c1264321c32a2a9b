//! What the services hand to functions.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::aws::{Message, REGION};

/// An API Gateway HTTP API event (payload format 2.0) with the claims its JWT authorizer handed over.
///
/// `target` is path and query; a JSON `body` stands as text, a form (text) as the service sends it: in base64.
pub fn gateway_event(method: &str, target: &str, claims: &Value, body: Option<&Value>) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (kind, text, encoded) = match body {
        Some(Value::String(form)) => ("application/x-www-form-urlencoded", Some(STANDARD.encode(form)), true),
        Some(body) => ("application/json", Some(body.to_string()), false),
        None => ("application/json", None, false),
    };
    let mut headers = json!({
        "accept": "application/json",
        "content-length": text.as_ref().map_or(0, String::len).to_string(),
        "content-type": kind,
        "host": "abcdef1234.execute-api.eu-central-1.amazonaws.com",
        "user-agent": "eventdesk-tests",
        "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    });
    let mut context = context(method, path, "$default");
    if claims.is_object() {
        headers["authorization"] = json!("Bearer checked.by.gateway");
        context["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": encoded,
    });
    if let Some(text) = text {
        event["body"] = json!(text);
    }
    event
}

/// The event that the service makes of a request, before an authorizer has said anything.
pub(crate) fn http_event(parts: &Parts, body: &[u8], route_key: &str, path_parameters: &Value) -> Value {
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    // Repeated headers joined by commas; cookies stand beside them, one an item.
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut cookies = Vec::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name == "cookie" {
            cookies.extend(value.split(';').map(|cookie| json!(cookie.trim())));
        } else if let Some(known) = headers.get_mut(name.as_str()) {
            known.push(',');
            known.push_str(&value);
        } else {
            headers.insert(name.to_string(), value.into_owned());
        }
    }
    headers.insert("x-forwarded-for".into(), "192.0.2.7".into());
    headers.insert("x-forwarded-proto".into(), "https".into());
    let media_type = headers.get("content-type").map(String::as_str).unwrap_or_default();
    let is_text = ["application/json", "application/merge-patch+json", "text/"]
        .iter()
        .any(|known| media_type.to_ascii_lowercase().starts_with(known));
    let (text, encoded) = match std::str::from_utf8(body) {
        Ok(text) if is_text => (text.to_owned(), false),
        _ => (STANDARD.encode(body), !body.is_empty()),
    };
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context(parts.method.as_str(), path, route_key),
        "isBase64Encoded": encoded,
    });
    // What is empty is left out.
    if !cookies.is_empty() {
        event["cookies"] = Value::Array(cookies);
    }
    if path_parameters.as_object().is_some_and(|parameters| !parameters.is_empty()) {
        event["pathParameters"] = path_parameters.clone();
    }
    if !query.is_empty() {
        event["queryStringParameters"] = Value::Object(query_parameters(query));
    }
    if !body.is_empty() {
        event["body"] = json!(text);
    }
    event
}

/// Repeated names joined by commas.
fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    parameters.into_iter().map(|(name, values)| (name, json!(values.join(",")))).collect()
}

fn context(method: &str, path: &str, route_key: &str) -> Value {
    json!({
        "accountId": "123456789012",
        "apiId": "abcdef1234",
        "domainName": "abcdef1234.execute-api.eu-central-1.amazonaws.com",
        "domainPrefix": "abcdef1234",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.7",
            "userAgent": "eventdesk-tests",
        },
        "requestId": format!("JKJaXmPLvHcESHA{}=", crate::samples::unique()),
        "routeKey": route_key,
        "stage": "$default",
        "time": "21/Nov/2026:12:00:00 +0000",
        "timeEpoch": 1_795_262_400_000_u64,
    })
}

/// The batch that the service makes of received messages.
pub fn batch_of(queue: &str, messages: &[Message]) -> Value {
    let name = queue.rsplit('/').next().unwrap_or_default();
    let record = |message: &Message| {
        json!({
            "messageId": message.id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": message.attributes,
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:123456789012:{name}"),
            "awsRegion": REGION,
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}
