//! What browsers are told.

use eventdesk_gateway::GatewayOptions;

use crate::desk::{Desk, plain};

const PREFLIGHT: &str = "origin: https://app.example\r\naccess-control-request-method: PATCH\r\n";
const ORIGIN: &str = "origin: https://app.example\r\n";

async fn desk(origins: &[&str]) -> Desk {
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    Desk::acting(GatewayOptions { origins, ..GatewayOptions::default() }, |_| plain(204)).await
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_token() {
    let desk = desk(&["https://other.example", "https://app.example"]).await;
    let answer = desk.ask_as("", "OPTIONS", "/api/v1/tickets/1", PREFLIGHT, "").await.is(204);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    assert!(answer.header("access-control-allow-methods").contains("PATCH"));
    for header in ["authorization", "content-type", "if-match", "idempotency-key", "consistency-token"] {
        assert!(answer.header("access-control-allow-headers").contains(header), "{header}");
    }
    assert_ne!(answer.header("access-control-max-age"), "");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn a_preflight_carries_its_id_and_the_security_headers() {
    let desk = desk(&["https://app.example"]).await;
    for origin in [PREFLIGHT, "origin: https://evil.example\r\naccess-control-request-method: GET\r\n"] {
        let answer = desk.ask_as("", "OPTIONS", "/api/v1/tickets", origin, "").await.is(204);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        for header in ["x-request-id", "content-security-policy", "referrer-policy", "x-frame-options"] {
            assert_ne!(answer.header(header), "", "{header}");
        }
    }
}

#[tokio::test]
async fn an_allowed_page_reads_answers_and_refusals() {
    let desk = desk(&["https://app.example"]).await;
    for answer in [
        desk.ask("GET", "/api/v1/tickets", ORIGIN, "").await.is(204),
        desk.ask_as("", "GET", "/api/v1/tickets", ORIGIN, "").await.is(401),
        desk.ask("GET", "/nothing", ORIGIN, "").await.is(404),
    ] {
        assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
        assert!(answer.header("access-control-expose-headers").contains("consistency-token"));
        assert!(answer.header("vary").contains("Origin"));
    }
}

#[tokio::test]
async fn another_page_is_told_nothing() {
    let desk = desk(&["https://app.example"]).await;
    let other = "origin: https://app.example.evil\r\n";
    let preflight = format!("{other}access-control-request-method: GET\r\n");
    let refused = desk.ask_as("", "OPTIONS", "/api/v1/tickets", &preflight, "").await.is(204);
    let read = desk.ask("GET", "/api/v1/tickets", other, "").await.is(204);
    for answer in [refused, read] {
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert_eq!(answer.header("access-control-allow-methods"), "");
        assert!(answer.header("vary").contains("Origin"), "caches keep the answers apart");
    }
}

#[tokio::test]
async fn a_star_lets_every_page_in() {
    let answer = desk(&["*"]).await.ask("GET", "/api/v1/tickets", ORIGIN, "").await.is(204);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
}

#[tokio::test]
async fn without_origins_nothing_speaks_of_them() {
    let desk = desk(&[]).await;
    desk.ask_as("", "OPTIONS", "/api/v1/tickets", PREFLIGHT, "").await.problem(405, "method-not-allowed");
    let answer = desk.ask("GET", "/api/v1/tickets", ORIGIN, "").await.is(204);
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), ("", ""));
}
