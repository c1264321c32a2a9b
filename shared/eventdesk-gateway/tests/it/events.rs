//! What a function gets, and what becomes of its answer.

use aws_lambda_events::{apigw::ApiGatewayV2httpRequest, encodings::Body};
use eventdesk_gateway::GatewayOptions;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::desk::{Desk, plain, ready, request};

/// Strips what the type adds for events of other kinds, which an HTTP API never sends.
fn sent(answer: &crate::client::Answer) -> Value {
    let mut event = answer.json();
    let members = event.as_object_mut().unwrap();
    for foreign in ["type", "methodArn", "httpMethod", "identitySource", "authorizationToken", "resource"] {
        members.remove(foreign);
    }
    event
}

#[tokio::test]
async fn a_function_gets_payload_format_2_0() {
    let desk = Desk::echoing(GatewayOptions::default()).await;
    let headers = "user-agent: tests\r\ncontent-type: application/json\r\nx-two: a\r\nx-two: b\r\ncookie: a=1; b=2\r\n";
    let answer =
        desk.ask("PATCH", "/api/v1/tickets/a%20b?x=1&y=a%2Cb&x=2&z", headers, "{\"title\":\"ü\"}").await.is(200);
    let id = answer.header("x-request-id").to_owned();
    assert_eq!(
        sent(&answer),
        json!({
            "version": "2.0",
            "routeKey": "PATCH /api/v1/tickets/{ticket_id}",
            "rawPath": "/api/v1/tickets/a%20b",
            "rawQueryString": "x=1&y=a%2Cb&x=2&z",
            "queryStringParameters": { "x": "1,2", "y": "a,b", "z": "" },
            "pathParameters": { "ticket_id": "a b" },
            "cookies": ["a=1", "b=2"],
            "headers": {
                "host": "desk.example:8080",
                "user-agent": "tests",
                "content-type": "application/json",
                "content-length": "14",
                "authorization": "Bearer good",
                "x-two": "a,b",
            },
            "requestContext": {
                "routeKey": "PATCH /api/v1/tickets/{ticket_id}",
                "accountId": null,
                "apiId": "local",
                "stage": "$default",
                "requestId": id,
                "domainName": "desk.example",
                "domainPrefix": null,
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_584_039_838_390_u64,
                "http": {
                    "method": "PATCH",
                    "path": "/api/v1/tickets/a%20b",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "tests",
                },
                "authorizer": {
                    "jwt": {
                        "claims": { "iss": "https://issuer.example", "sub": "u-1", "groups": "[admin support]" },
                        "scopes": ["tickets:write"],
                    },
                },
            },
            "stageVariables": {},
            "body": "{\"title\":\"ü\"}",
            "isBase64Encoded": false,
        })
    );
}

#[tokio::test]
async fn an_event_is_the_one_that_its_json_reads_as() {
    let desk = Desk::acting(GatewayOptions::default(), |event| {
        let json = serde_json::to_string(&event).unwrap();
        let read: ApiGatewayV2httpRequest = serde_json::from_str(&json).unwrap();
        assert_eq!(read, event);
        plain(204)
    })
    .await;
    let headers = "content-type: application/json\r\nx-two: a\r\nx-two: b\r\ncookie: a=1\r\ncookie: b=2; c=3\r\n";
    desk.ask("GET", "/api/v1/tickets?x=1&x=2,3&y=%C3%BC&=&&z", headers, "").await.is(204);
    desk.ask("POST", "/api/v1/tickets", headers, "{}").await.is(204);
}

#[tokio::test]
async fn a_public_route_has_no_authorizer_and_a_root_route_its_own_key() {
    let desk = Desk::echoing(GatewayOptions::default()).await;
    for (path, key) in [("/health", "GET /health"), ("/api/v1/health", "GET /api/v1/health")] {
        // Not even a token that is worth nothing matters there.
        let answer = desk.ask_as("authorization: Bearer bad\r\n", "GET", path, "", "").await.is(200);
        let event = answer.json();
        assert_eq!(event["routeKey"], key);
        assert!(event["requestContext"].get("authorizer").is_none(), "{event}");
        assert!(event.get("body").is_none() && event.get("cookies").is_none(), "{event}");
    }
}

#[tokio::test]
async fn a_prefix_is_taken_off_by_whole_segments_and_paths_without_it_work() {
    for (base_path, stage) in [("prod", "prod"), ("/prod/", "prod"), ("desk/v2", "$default")] {
        let options = GatewayOptions { base_path: base_path.to_owned(), ..GatewayOptions::default() };
        let desk = Desk::echoing(options).await;
        let prefix = base_path.trim_matches('/');
        for path in
            [format!("/{prefix}/api/v1/tickets"), format!("/{prefix}/api/v1/tickets/"), "/api/v1/tickets".into()]
        {
            let event = desk.ask("GET", &path, "", "").await.is(200).json();
            assert_eq!(event["rawPath"], *path, "the service leaves the prefix in the path");
            assert_eq!(event["requestContext"]["http"]["path"], *path);
            assert_eq!(event["requestContext"]["stage"], stage);
            assert_eq!(event["routeKey"], "GET /api/v1/tickets");
        }
        desk.ask("GET", &format!("/{prefix}uction/api/v1/tickets"), "", "").await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_prefix_that_looks_like_the_base_path_hides_nothing() {
    let desk = Desk::echoing(GatewayOptions { base_path: "api".to_owned(), ..GatewayOptions::default() }).await;
    for path in ["/api/v1/tickets", "/api/api/v1/tickets"] {
        assert_eq!(desk.ask("GET", path, "", "").await.is(200).json()["routeKey"], "GET /api/v1/tickets");
    }
}

#[tokio::test]
async fn forms_and_bytes_come_as_base64() {
    let desk = Desk::echoing(GatewayOptions::default()).await;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let event = desk.ask("POST", "/api/v1/token", form, "grant_type=password").await.is(200).json();
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("Z3JhbnRfdHlwZT1wYXNzd29yZA=="), &json!(true)));
}

#[tokio::test]
async fn a_chunked_body_is_read_whole_and_the_connection_goes_on() {
    let desk = Desk::echoing(GatewayOptions::default()).await;
    let mut client = desk.client().await;
    let head = request("POST", "/api/v1/tickets", "authorization: Bearer good\r\ntransfer-encoding: chunked\r\n", "");
    for _ in 0..2 {
        client.send(format!("{head}5\r\n{{\"a\":\r\n2\r\n1}}\r\n0\r\n\r\n")).await;
        assert_eq!(client.answer().await.is(200).json()["body"], "{\"a\":1}");
    }
}

#[tokio::test]
async fn head_is_answered_as_get_would_without_the_body() {
    let desk = Desk::echoing(GatewayOptions::default()).await;
    let mut client = desk.client().await;
    client.send(request("HEAD", "/api/v1/tickets", "authorization: Bearer good\r\n", "")).await;
    let answer = client.answer_to("HEAD").await.is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    client.send(request("GET", "/api/v1/tickets", "authorization: Bearer good\r\n", "")).await;
    assert_eq!(client.answer().await.is(200).json()["requestContext"]["http"]["method"], "GET");
}

#[tokio::test]
async fn status_headers_cookies_and_bytes_reach_the_caller() {
    let desk = Desk::acting(GatewayOptions::default(), |_| {
        let mut headers = HeaderMap::new();
        for (name, value) in [("content-type", "image/png"), ("content-length", "99"), ("connection", "close")] {
            headers.insert(name, value.parse().unwrap());
        }
        let answer = ready(201, headers, Body::Binary(vec![0, 159, 146, 150]));
        Box::pin(async {
            let mut answer = answer.await;
            answer.is_base64_encoded = true;
            answer.cookies = vec!["a=1; Secure".to_owned(), "b=2".to_owned()];
            answer
        })
    })
    .await;
    let answer = desk.ask("GET", "/api/v1/tickets", "", "").await.is(201);
    assert_eq!(answer.body, [0, 159, 146, 150]);
    assert_eq!(answer.header("set-cookie"), "a=1; Secure\nb=2");
    assert_eq!(answer.header("connection"), "");
}

#[tokio::test]
async fn text_that_says_it_is_base64_is_decoded() {
    let desk = Desk::acting(GatewayOptions::default(), |_| {
        Box::pin(async {
            let mut answer = ready(200, HeaderMap::new(), Body::Text("AJ+Slg==".to_owned())).await;
            answer.is_base64_encoded = true;
            answer
        })
    })
    .await;
    assert_eq!(desk.ask("GET", "/api/v1/tickets", "", "").await.is(200).body, [0, 159, 146, 150]);
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn_each_with_an_id_of_its_own() {
    let desk = Desk::echoing(GatewayOptions::default()).await;
    let mut client = desk.client().await;
    let one = request("GET", "/health", "", "");
    client.send(format!("{one}{one}{one}")).await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..3 {
        ids.insert(client.answer().await.is(200).header("x-request-id").to_owned());
    }
    assert_eq!(ids.len(), 3);
}
