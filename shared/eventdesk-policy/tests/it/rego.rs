//! Rego within the process.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use eventdesk_app::ports::{PolicyEngine, PolicyInput};
use eventdesk_policy::{RegoError, RegoPolicy};

use crate::question::{question, with_token};

const SAMPLE: &str = include_str!("../../policies/samples/scope.rego");

fn compiled(text: &str) -> Result<RegoPolicy, RegoError> {
    RegoPolicy::compile("own.rego", text)
}

async fn says(text: &str, input: &PolicyInput<'_>) -> bool {
    compiled(text).unwrap().allows(input).await.unwrap()
}

/// A token with these claims that nobody has signed.
fn token(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature"))
}

#[tokio::test]
async fn the_sample_opens_one_route_to_one_scope() {
    let policy = compiled(SAMPLE).unwrap();
    let good = token(r#"{"scp":["openid","read_sayhello"]}"#);
    assert!(policy.allows(&with_token("GET", "/sayhello", Some(&good))).await.unwrap());
    for (method, path, token) in [
        ("POST", "/sayhello", Some(good.clone())),
        ("get", "/sayhello", Some(good.clone())),
        ("GET", "/saysecret", Some(good.clone())),
        ("GET", "/sayhello/", Some(good.clone())),
        ("GET", "/sayhello#messages.internal", Some(good.clone())),
        ("GET", "/sayhello", None),
        ("GET", "/sayhello", Some(String::new())),
        ("GET", "/sayhello", Some("no.token".to_owned())),
        ("GET", "/sayhello", Some("a.b.c".to_owned())),
        ("GET", "/sayhello", Some(token(r#"{"scope":"read_sayhello"}"#))),
        ("GET", "/sayhello", Some(token(r#"{"scp":[]}"#))),
        ("GET", "/sayhello", Some(token(r#"{"scp":["read_sayhello2"]}"#))),
        ("GET", "/sayhello", Some(token(r#"["read_sayhello"]"#))),
    ] {
        let input = with_token(method, path, token.as_deref());
        assert!(!policy.allows(&input).await.unwrap(), "{method} {path} {token:?}");
    }
}

#[tokio::test]
async fn a_policy_reads_every_member_of_the_input() {
    for condition in [
        r#"input.method == "GET""#,
        r#"input.path == "/api/v1/tickets/17""#,
        r#"input.route == "/api/v1/tickets/{ticket_id}""#,
        r#"input.principal.id == "00000000-0000-0000-0000-000000000007""#,
        r#"input.principal.roles == ["admin"]"#,
        "input.principal.groups == []",
        r#""tickets:read" in input.principal.scopes"#,
        r#"input.resource.permission == "tickets.read""#,
        r#"input.resource.ticket_id == "17""#,
        "not input.jwt",
    ] {
        assert!(says(&format!("package own\nallow if {{ {condition} }}"), &question()).await, "{condition}");
    }
}

#[tokio::test]
async fn nothing_but_true_opens_a_door() {
    for rule in [
        "allow := false",
        "allow if { input.nothing }",
        "allow := \"true\"",
        "allow := 1",
        "allow := [true]",
        "allow := {\"allow\": true}",
        "allow := null",
        "allow contains \"x\" if { true }",
        "default allow := false",
        // Two answers are none.
        "allow := true if { input.method == \"GET\" }\nallow := false if { input.method == \"GET\" }",
        "allow if { nosuch.function(input.method) }",
        "allow if { to_number(input.method) == 1 }",
        "allow if { count(input.method, 1) == 1 }",
    ] {
        match compiled(&format!("package own\n{rule}")) {
            Ok(policy) => assert!(!policy.allows(&question()).await.unwrap(), "{rule}"),
            Err(error) => assert!(matches!(error, RegoError::Broken(_) | RegoError::Syntax(_)), "{rule}: {error}"),
        }
    }
}

#[test]
fn what_is_no_policy_is_refused_with_the_reason() {
    for (text, wanted) in [
        ("", "not a policy"),
        ("package", "not a policy"),
        ("package own\nallow if {", "own.rego:2"),
        ("package own\nallow { input.method == \"GET\" }", "own.rego:2"),
        ("package own\ndeny := true", "no rule data.own.allow"),
        ("package own", "no rule data.own.allow"),
    ] {
        let error = compiled(text).err().unwrap_or_else(|| panic!("{text} is taken")).to_string();
        assert!(error.contains(wanted) && !error.contains('\n'), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_policy_without_end_is_no_answer_and_soon_over() {
    let endless = "package own\nallow if { input.method == \"GET\"\n\
        count([1 | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i * j == 0]) == 0 }";
    let policy = compiled(endless).unwrap();
    let start = Instant::now();
    assert!(policy.allows(&question()).await.is_err());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // The next question finds a policy that works.
    let other = PolicyInput { method: "PUT", ..question() };
    assert!(!policy.allows(&other).await.unwrap());
}

#[tokio::test]
async fn an_input_without_measure_is_denied() {
    let policy = compiled("package own\nallow := true").unwrap();
    assert!(policy.allows(&question()).await.unwrap());
    let mut input = question();
    input.principal.groups = (0..10_000).map(|number| format!("group-{number}")).collect();
    assert!(!policy.allows(&input).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_ask_at_once_and_each_gets_their_own_answer() {
    let policy = std::sync::Arc::new(compiled("package own\nallow if { input.method == \"GET\" }").unwrap());
    let asking = (0..64).map(|number| {
        let policy = policy.clone();
        tokio::spawn(async move {
            for round in 0..20 {
                let method = if (number + round) % 2 == 0 { "GET" } else { "PUT" };
                let input = PolicyInput { method, ..question() };
                assert_eq!(policy.allows(&input).await.unwrap(), method == "GET");
            }
        })
    });
    for one in asking.collect::<Vec<_>>() {
        one.await.unwrap();
    }
}
