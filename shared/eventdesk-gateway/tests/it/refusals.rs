//! What never reaches a function.

use eventdesk_gateway::GatewayOptions;

use crate::desk::{Desk, plain, ready, request};

/// A desk whose functions must not be called.
async fn guarded() -> Desk {
    Desk::acting(GatewayOptions::default(), |event| panic!("{:?} got through", event.route_key)).await
}

const TOKENS: [&str; 3] = ["", "authorization: Bearer good\r\n", "authorization: Bearer bad\r\n"];

#[tokio::test]
async fn an_unknown_path_is_404_whoever_asks() {
    let desk = guarded().await;
    for token in TOKENS {
        for path in [
            "/",
            "/api/v1",
            "/api/v1/nothing",
            "/api/v1/tickets/a/b/c",
            "/api/v2/tickets",
            "/tickets",
            "/api/v1//tickets",
        ] {
            desk.ask_as(token, "GET", path, "", "").await.problem(404, "not-found");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_right_ones_whoever_asks() {
    let desk = guarded().await;
    for token in TOKENS {
        let answer = desk.ask_as(token, "DELETE", "/api/v1/tickets", "", "").await.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), "GET, HEAD, POST");
        desk.ask_as(token, "OPTIONS", "/api/v1/tickets", "", "").await.problem(405, "method-not-allowed");
    }
}

#[tokio::test]
async fn no_token_is_401_with_a_bare_challenge() {
    let answer = guarded().await.ask_as("", "GET", "/api/v1/tickets", "", "").await.problem(401, "unauthenticated");
    assert_eq!(answer.json()["message"], "Unauthorized");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer") && !challenge.contains("error"), "{challenge}");
}

#[tokio::test]
async fn a_bad_token_is_401_and_says_so() {
    let desk = guarded().await;
    let twice = "authorization: Bearer good\r\nauthorization: Bearer good\r\n";
    for token in ["authorization: Bearer bad\r\n", "authorization: Basic YTpi\r\n", "authorization: B\u{e9}\r\n", twice]
    {
        let answer = desk.ask_as(token, "GET", "/api/v1/tickets", "", "").await.problem(401, "unauthenticated");
        assert_eq!(answer.json()["message"], "Unauthorized");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Bearer") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
}

#[tokio::test]
async fn a_token_without_the_scope_is_403_and_names_it() {
    let desk = guarded().await;
    let answer = desk.ask_as("authorization: Bearer narrow\r\n", "GET", "/api/v1/tickets", "", "").await.is(403);
    assert_eq!(answer.json()["message"], "Forbidden");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains("insufficient_scope") && challenge.contains("tickets:read"), "{challenge}");
}

#[tokio::test]
async fn a_token_that_cannot_be_checked_now_is_503() {
    let answer = guarded().await.ask_as("authorization: Bearer keyless\r\n", "GET", "/api/v1/tickets", "", "").await;
    assert_ne!(answer.problem(503, "unavailable").header("retry-after"), "");
}

#[tokio::test]
async fn a_path_parameter_that_is_no_utf8_is_400() {
    guarded().await.ask("GET", "/api/v1/tickets/%ff", "", "").await.problem(400, "malformed-request");
}

#[tokio::test]
async fn what_is_no_http_is_400_and_the_next_caller_is_served() {
    let desk = Desk::acting(GatewayOptions::default(), |_| plain(204)).await;
    let mut client = desk.client().await;
    client.send("\u{16}\u{3}\u{1} no HTTP\r\n\r\n").await;
    client.answer().await.problem(400, "malformed-request");
    assert!(client.is_closed().await);
    desk.ask("GET", "/api/v1/tickets", "", "").await.is(204);
}

#[tokio::test]
async fn what_the_parser_refuses_is_a_problem_document_with_all_headers() {
    let desk = Desk::acting(GatewayOptions::default(), |_| plain(204)).await;
    let many = "x-one-more: 1\r\n".repeat(300);
    for (sent, status, code) in [
        ("GET\r\n\r\n".to_owned(), 400, "malformed-request"),
        ("GET / HTTP/9.9\r\nhost: x\r\n\r\n".to_owned(), 400, "malformed-request"),
        ("GET / HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n".to_owned(), 400, "malformed-request"),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n".to_owned(), 400, "malformed-request"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n"), 431, "headers-too-large"),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(70_000)), 431, "headers-too-large"),
    ] {
        let mut client = desk.client().await;
        client.send(&sent).await;
        let answer = client.answer().await.problem(status, code);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        for header in ["content-security-policy", "referrer-policy", "x-frame-options", "date"] {
            assert_ne!(answer.header(header), "", "{header}");
        }
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn a_connection_that_was_served_gets_the_same_refusal() {
    let desk = Desk::acting(GatewayOptions::default(), |_| plain(204)).await;
    let mut client = desk.client().await;
    let good = request("GET", "/api/v1/tickets", "authorization: Bearer good\r\n", "");
    client.send(&good).await;
    client.answer().await.is(204);
    // Both at once, too: the answer to the first is not lost.
    client.send(format!("{good}nonsense\r\n\r\n")).await;
    client.answer().await.is(204);
    client.answer().await.problem(400, "malformed-request");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_function_that_panics_is_500_and_the_connection_goes_on() {
    let desk = Desk::acting(GatewayOptions::default(), |event| {
        assert_ne!(event.raw_query_string.as_deref(), Some("boom"));
        plain(204)
    })
    .await;
    let mut client = desk.client().await;
    for method in ["GET", "POST"] {
        client.send(request(method, "/api/v1/tickets?boom", "authorization: Bearer good\r\n", "")).await;
        client.answer().await.problem(500, "internal-error");
        client.send(request(method, "/api/v1/tickets", "authorization: Bearer good\r\n", "")).await;
        client.answer().await.is(204);
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_500() {
    let desk = Desk::acting(GatewayOptions::default(), |_| ready(99, http::HeaderMap::new(), "lost".into())).await;
    let answer = desk.ask("GET", "/api/v1/tickets", "", "").await.problem(500, "internal-error");
    assert!(!String::from_utf8_lossy(&answer.body).contains("lost"));
}

#[tokio::test]
async fn every_refusal_carries_the_security_headers() {
    let desk = guarded().await;
    for answer in [
        desk.ask("GET", "/nothing", "", "").await.is(404),
        desk.ask_as("", "GET", "/api/v1/tickets", "", "").await.is(401),
        desk.ask("DELETE", "/api/v1/tickets", "", "").await.is(405),
    ] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_ne!(answer.header("content-security-policy"), "");
    }
}

#[tokio::test]
async fn a_request_names_one_host() {
    let desk = Desk::echoing(GatewayOptions::default()).await;
    for (version, hosts, status) in [
        ("1.1", "", 400),
        ("1.1", "host: a.example\r\nhost: b.example\r\n", 400),
        ("1.1", "host: a.example\r\n", 200),
        ("1.0", "", 200),
    ] {
        let mut client = desk.client().await;
        client.send(format!("GET /health HTTP/{version}\r\n{hosts}\r\n")).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, status, "HTTP/{version} {hosts:?}");
    }
}
