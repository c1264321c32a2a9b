//! Sizes, times and rates.

use std::time::Duration;

use eventdesk_gateway::GatewayOptions;

use crate::desk::{Desk, plain, request};

const GOOD: &str = "authorization: Bearer good\r\n";
const LIMIT: usize = 256 * 1024;

async fn desk() -> Desk {
    Desk::acting(GatewayOptions::default(), |_| plain(204)).await
}

#[tokio::test]
async fn a_body_of_256_kib_is_read_and_one_byte_more_is_413() {
    let desk = desk().await;
    let json = "content-type: application/json\r\n";
    desk.ask("POST", "/api/v1/tickets", json, &"x".repeat(LIMIT)).await.is(204);
    desk.ask("POST", "/api/v1/tickets", json, &"x".repeat(LIMIT + 1)).await.problem(413, "payload-too-large");
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_413_before_it_is_sent() {
    let desk = desk().await;
    let mut client = desk.client().await;
    client.send(request("POST", "/api/v1/tickets", &format!("{GOOD}content-length: 1000000000\r\n"), "")).await;
    client.answer().await.problem(413, "payload-too-large");
}

#[tokio::test]
async fn a_body_without_a_length_is_413_when_it_gets_too_long() {
    let desk = desk().await;
    let mut client = desk.client().await;
    client.send(request("POST", "/api/v1/tickets", &format!("{GOOD}transfer-encoding: chunked\r\n"), "")).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..5 {
        client.send(&chunk).await;
    }
    client.answer().await.problem(413, "payload-too-large");
}

#[tokio::test]
async fn a_caller_refused_before_the_body_was_read_still_gets_the_answer() {
    let desk = desk().await;
    for _ in 0..20 {
        let body = "x".repeat(LIMIT);
        desk.ask_as("", "POST", "/api/v1/tickets", "", &body).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    let options = GatewayOptions { time_limit: Duration::from_millis(50), ..GatewayOptions::default() };
    let desk = Desk::acting(options, |_| plain(204)).await;
    let mut client = desk.client().await;
    client.send(request("POST", "/api/v1/tickets", &format!("{GOOD}content-length: 10\r\n"), "")).await;
    client.send("{").await;
    client.answer().await.problem(408, "request-timeout");
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_503() {
    let options = GatewayOptions { time_limit: Duration::from_millis(50), ..GatewayOptions::default() };
    let desk = Desk::acting(options, |_| Box::pin(std::future::pending())).await;
    for method in ["GET", "POST"] {
        let answer = desk.ask(method, "/api/v1/tickets", "", "").await.problem(503, "unavailable");
        assert_ne!(answer.header("retry-after"), "");
    }
}

#[tokio::test]
async fn a_head_above_10_kb_is_431() {
    let desk = desk().await;
    let header = format!("x-long: {}\r\n", "x".repeat(10_240));
    desk.ask("GET", "/api/v1/tickets", &header, "").await.problem(431, "headers-too-large");
    let path = format!("/api/v1/tickets?q={}", "x".repeat(10_240));
    desk.ask("GET", &path, "", "").await.problem(431, "headers-too-large");
    let header = format!("x-long: {}\r\n", "x".repeat(9_000));
    desk.ask("GET", "/api/v1/tickets", &header, "").await.is(204);
}

#[tokio::test]
async fn each_principal_has_so_many_requests_a_minute() {
    let options = GatewayOptions { requests_per_minute: 3, ..GatewayOptions::default() };
    let desk = Desk::acting(options, |_| plain(204)).await;
    for _ in 0..3 {
        desk.ask("GET", "/api/v1/tickets", "", "").await.is(204);
    }
    let answer = desk.ask("GET", "/api/v1/tickets", "", "").await.problem(429, "too-many-requests");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    desk.ask_as("authorization: Bearer other\r\n", "GET", "/api/v1/tickets", "", "").await.is(204);
    desk.ask("GET", "/health", "", "").await.is(204);
}

#[tokio::test]
async fn requests_without_the_scope_count_too() {
    let options = GatewayOptions { requests_per_minute: 3, ..GatewayOptions::default() };
    let desk = Desk::acting(options, |_| plain(204)).await;
    for status in [403, 403, 403, 429] {
        desk.ask_as("authorization: Bearer narrow\r\n", "GET", "/api/v1/tickets", "", "").await.is(status);
    }
}
