//! The event a function gets: HTTP API, payload format 2.0.
//!
//! What the service documents at "Working with AWS Lambda proxy integrations for HTTP APIs" is built here, in the
//! very type Lambda decodes it into, so that no JSON is written and read again inside one process.

use std::{collections::HashMap, net::IpAddr};

use aws_lambda_events::{
    apigw::{
        ApiGatewayRequestAuthorizer, ApiGatewayRequestAuthorizerJwtDescription, ApiGatewayV2httpRequest,
        ApiGatewayV2httpRequestContext, ApiGatewayV2httpRequestContextHttpDescription,
    },
    query_map::QueryMap,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use eventdesk_events::Timestamp;
use http::{HeaderMap, HeaderValue, Version, header, request::Parts};
use percent_encoding::percent_decode;

/// What the gateway knows of a request besides its head and body.
pub(crate) struct Context<'a> {
    /// `GET /api/v1/tickets/{ticket_id}`.
    pub(crate) route_key: String,
    /// Name and decoded value of each variable segment.
    pub(crate) path_parameters: HashMap<String, String>,
    /// The claims and the scopes the route asks for, unless it is public.
    pub(crate) jwt: Option<(HashMap<String, String>, Vec<String>)>,
    pub(crate) request_id: String,
    pub(crate) now: Timestamp,
    /// `$default`, or the stage in front of every path.
    pub(crate) stage: &'a str,
    pub(crate) peer: IpAddr,
}

/// The event for one request.
pub(crate) fn event(mut parts: Parts, body: Vec<u8>, context: Context<'_>) -> ApiGatewayV2httpRequest {
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default();

    let mut http = ApiGatewayV2httpRequestContextHttpDescription::default();
    http.path = Some(path.clone());
    http.protocol = Some(if parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" }.to_owned());
    http.source_ip = Some(context.peer.to_string());
    http.user_agent = text(&parts.headers, &header::USER_AGENT);
    http.method = parts.method;

    let mut request = ApiGatewayV2httpRequestContext::default();
    request.route_key = Some(context.route_key.clone());
    request.stage = Some(context.stage.to_owned());
    request.request_id = Some(context.request_id);
    request.apiid = Some("local".to_owned());
    request.domain_name = text(&parts.headers, &header::HOST).map(without_port);
    request.time = Some(common_log_time(context.now));
    request.time_epoch = context.now.millis();
    request.http = http;
    request.authorizer = context.jwt.map(|(claims, scopes)| {
        let mut jwt = ApiGatewayRequestAuthorizerJwtDescription::default();
        jwt.claims = claims;
        jwt.scopes = (!scopes.is_empty()).then_some(scopes);
        let mut authorizer = ApiGatewayRequestAuthorizer::default();
        authorizer.jwt = Some(jwt);
        authorizer
    });

    let mut event = ApiGatewayV2httpRequest::default();
    event.version = Some("2.0".to_owned());
    event.route_key = Some(context.route_key);
    event.raw_path = Some(path);
    event.query_string_parameters = query_parameters(query);
    event.raw_query_string = Some(query.to_owned());
    event.path_parameters = context.path_parameters;
    event.cookies = take_cookies(&mut parts.headers);
    event.headers = one_value_each(parts.headers);
    (event.body, event.is_base64_encoded) = encode(body, &event.headers);
    event.request_context = request;
    event
}

/// `12/Mar/2020:19:03:58 +0000`.
fn common_log_time(now: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(now.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned())
}

fn without_port(mut host: String) -> String {
    // The port follows the last colon, unless that one belongs to a bracketed IPv6 address.
    if let Some(colon) = host.rfind(':').filter(|colon| !host[*colon..].contains(']')) {
        host.truncate(colon);
    }
    host
}

/// Decoded, repeated names together. The service joins their values by commas, and the type splits them there again.
fn query_parameters(query: &str) -> QueryMap {
    let mut parameters: HashMap<String, Vec<String>> = HashMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.entry(decoded(name)).or_default().extend(decoded(value).split(',').map(str::to_owned));
    }
    parameters.into()
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8_lossy().into_owned()
}

/// Cookies stand beside the other headers, one cookie an item.
fn take_cookies(headers: &mut HeaderMap) -> Option<Vec<String>> {
    if !headers.contains_key(header::COOKIE) {
        return None;
    }
    let lines = headers.get_all(header::COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    let cookies = lines.flat_map(|line| line.split(';').map(|one| one.trim().to_owned()).collect::<Vec<_>>());
    let cookies = cookies.filter(|cookie| !cookie.is_empty()).collect();
    headers.remove(header::COOKIE);
    Some(cookies)
}

/// Repeated headers joined by commas, and every value valid UTF-8, as JSON has no other text.
fn one_value_each(headers: HeaderMap) -> HeaderMap {
    let fine = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).is_ok();
    if headers.len() == headers.keys_len() && headers.values().all(fine) {
        return headers;
    }
    let mut joined = HeaderMap::with_capacity(headers.keys_len());
    for name in headers.keys() {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        if let Ok(value) = HeaderValue::from_bytes(values.join(",").as_bytes()) {
            joined.insert(name, value);
        }
    }
    joined
}

/// Text where the media type and the bytes are text, base64 elsewhere, as the service does; nothing for an empty body.
fn encode(body: Vec<u8>, headers: &HeaderMap) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    if is_text(headers.get(header::CONTENT_TYPE)) {
        match String::from_utf8(body) {
            Ok(text) => (Some(text), false),
            Err(error) => (Some(STANDARD.encode(error.as_bytes())), true),
        }
    } else {
        (Some(STANDARD.encode(body)), true)
    }
}

fn is_text(media_type: Option<&HeaderValue>) -> bool {
    let Some(media_type) = media_type else { return true };
    let Ok(media_type) = media_type.to_str() else { return false };
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || ["json", "xml", "javascript"].into_iter().any(|kind| {
            let rest = essence.strip_suffix(kind).unwrap_or_default();
            rest.ends_with('/') || rest.ends_with('+')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_in_the_common_log_format() {
        let at = Timestamp::parse("2020-03-12T19:03:58.390Z").unwrap();
        assert_eq!(common_log_time(at), "12/Mar/2020:19:03:58 +0000");
    }

    #[test]
    fn a_host_loses_its_port_and_nothing_else() {
        for (host, name) in
            [("desk.example:8080", "desk.example"), ("desk", "desk"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")]
        {
            assert_eq!(without_port(host.to_owned()), name);
        }
    }

    #[test]
    fn json_and_its_kin_travel_as_text_forms_and_images_as_base64() {
        for (kind, text) in [
            ("application/json", true),
            ("application/merge-patch+json; charset=utf-8", true),
            ("TEXT/Plain", true),
            ("image/svg+xml", true),
            ("application/x-www-form-urlencoded", false),
            ("application/xjson", false),
            ("image/png", false),
            ("", false),
        ] {
            assert_eq!(is_text(Some(&HeaderValue::from_static(kind))), text, "{kind}");
        }
        let headers = HeaderMap::new();
        assert_eq!(encode(b"\xff".to_vec(), &headers), (Some("/w==".to_owned()), true));
        assert_eq!(encode(Vec::new(), &headers), (None, false));
    }

    #[test]
    fn what_is_no_utf8_in_a_header_still_travels_as_text() {
        let mut headers = HeaderMap::new();
        headers.insert("x-odd", HeaderValue::from_bytes(b"a\xffb").unwrap());
        assert_eq!(one_value_each(headers)["x-odd"].as_bytes(), "a\u{fffd}b".as_bytes());
    }
}
