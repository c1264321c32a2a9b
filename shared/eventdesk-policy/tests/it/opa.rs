//! A remote OPA: servers that answer as they should, and servers that do not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use eventdesk_app::ports::{Clock, PolicyEngine, PolicyInput, PolicyPrincipal, PolicyToken};
use eventdesk_events::{Timestamp, user::Role};
use eventdesk_policy::{OpaError, OpaOptions, OpaPolicy};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use crate::question::question;

const TIMEOUT: Duration = Duration::from_millis(600);

#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A server of answers as they are, and what it was asked on how many connections.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    asked: mpsc::UnboundedReceiver<String>,
}

impl Server {
    /// Answers each request with what `answer` makes of its number, from 0.
    async fn start(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/data/eventdesk/authz/allow", listener.local_addr().unwrap());
        let (tell, asked) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let (answer, number) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (tell, answer, number) = (tell.clone(), answer.clone(), number.clone());
                tokio::spawn(async move {
                    while let Some(body) = request(&mut socket).await {
                        let _ = tell.send(body);
                        let text = answer(number.fetch_add(1, Ordering::SeqCst));
                        if socket.write_all(text.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, connections, asked }
    }

    async fn saying(body: &'static str) -> Self {
        Self::start(move |_| ok(body)).await
    }

    fn policy(&self, remember: Duration) -> (OpaPolicy, Arc<SetClock>) {
        let clock = Arc::new(SetClock::default());
        let options = OpaOptions { url: self.url.clone(), timeout: TIMEOUT, remember };
        (OpaPolicy::new(&options, clock.clone()).unwrap(), clock)
    }

    async fn body(&mut self) -> Value {
        serde_json::from_str(&self.asked.recv().await.unwrap()).unwrap()
    }

    fn count(&mut self) -> usize {
        std::iter::from_fn(|| self.asked.try_recv().ok()).count()
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The body of the next request.
async fn request(socket: &mut tokio::net::TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text.split("content-length:").nth(1)?.lines().next()?.trim().parse::<usize>().ok()?;
            if bytes.len() >= head + 4 + length {
                return Some(String::from_utf8_lossy(&bytes[head + 4..]).into_owned());
            }
        }
        let mut part = [0; 4_096];
        let read = socket.read(&mut part).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
    }
}

#[tokio::test]
async fn a_server_is_asked_with_the_documented_input() {
    let mut server = Server::saying(r#"{"result": true}"#).await;
    let (policy, _) = server.policy(Duration::ZERO);
    let asked = PolicyInput { jwt: Some(PolicyToken { token_value: "a.b.c" }), ..question() };
    assert!(policy.allows(&asked).await.unwrap());
    let wanted = json!({ "input": {
        "method": "GET",
        "path": "/api/v1/tickets/17",
        "route": "/api/v1/tickets/{ticket_id}",
        "principal": {
            "id": "00000000-0000-0000-0000-000000000007",
            "roles": ["admin"],
            "groups": [],
            "scopes": ["tickets:read"],
        },
        "resource": { "permission": "tickets.read", "ticket_id": "17" },
        "jwt": { "tokenValue": "a.b.c" },
    } });
    assert_eq!(server.body().await, wanted);
}

#[tokio::test]
async fn nothing_but_true_opens_a_door() {
    for body in [
        r#"{"result": false}"#,
        "{}",
        r#"{"result": null}"#,
        r#"{"result": "true"}"#,
        r#"{"result": 1}"#,
        r#"{"result": [true]}"#,
        r#"{"result": {"allow": true}}"#,
        r#"{"allow": true}"#,
    ] {
        let (policy, _) = Server::saying(body).await.policy(Duration::ZERO);
        assert!(!policy.allows(&question()).await.unwrap(), "{body}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_as_one_is_no_answer() {
    let huge: &str = Box::leak(format!(r#"{{"result": true, "x": "{}"}}"#, "x".repeat(100_000)).into_boxed_str());
    let broken = |head: &str| format!("HTTP/1.1 {head}\r\nContent-Length: 16\r\n\r\n{{\"result\": true}}");
    let answers: Vec<String> = vec![
        ok("true"),
        ok("not json"),
        ok("[]"),
        ok(""),
        ok(r#"{"result": true"#),
        ok(huge),
        broken("500 Internal Server Error"),
        broken("503 Service Unavailable"),
        broken("404 Not Found"),
        broken("401 Unauthorized"),
        broken("201 Created"),
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_owned(),
        "this is not HTTP\r\n\r\n".to_owned(),
        // Silence.
        String::new(),
    ];
    for answer in answers {
        let sent = answer.clone();
        let (policy, _) = Server::start(move |_| sent.clone()).await.policy(Duration::from_secs(5));
        let start = Instant::now();
        let said = policy.allows(&question()).await;
        assert!(said.is_err(), "{}", &answer[..answer.len().min(80)]);
        assert!(start.elapsed() < TIMEOUT * 5, "{:?}", start.elapsed());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/data/x", listener.local_addr().unwrap());
    drop(listener);
    let options = OpaOptions { url, timeout: TIMEOUT, remember: Duration::ZERO };
    assert!(OpaPolicy::new(&options, Arc::new(SetClock::default())).unwrap().allows(&question()).await.is_err());
}

#[test]
fn a_server_elsewhere_is_asked_over_tls_alone() {
    for (url, good) in [
        ("https://opa.example/v1/data/a", true),
        ("http://127.0.0.1:8181/v1/data/a", true),
        ("http://opa.example/v1/data/a", false),
        ("http://10.0.0.1/v1/data/a", false),
        ("opa", false),
    ] {
        let options = OpaOptions { url: url.to_owned(), timeout: TIMEOUT, remember: Duration::ZERO };
        let made: Result<_, OpaError> = OpaPolicy::new(&options, Arc::new(SetClock::default()));
        assert_eq!(made.is_ok(), good, "{url}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let mut server = Server::saying(r#"{"result": true}"#).await;
    let (policy, _) = server.policy(Duration::ZERO);
    for _ in 0..10 {
        assert!(policy.allows(&question()).await.unwrap());
    }
    assert_eq!((server.count(), server.connections.load(Ordering::SeqCst)), (10, 1));
}

#[tokio::test]
async fn an_answer_stands_for_the_same_question_and_not_for_long() {
    let mut server = Server::start(|number| ok(&format!(r#"{{"result": {}}}"#, number == 0))).await;
    let (policy, clock) = server.policy(Duration::from_secs(2));
    assert!(policy.allows(&question()).await.unwrap());
    clock.0.store(1_999, Ordering::SeqCst);
    assert!(policy.allows(&question()).await.unwrap());
    assert_eq!(server.count(), 1);
    clock.0.store(2_000, Ordering::SeqCst);
    assert!(!policy.allows(&question()).await.unwrap(), "the policy has changed meanwhile");
    assert_eq!(server.count(), 1);
    // A clock that was set back makes no answer young again.
    clock.0.store(0, Ordering::SeqCst);
    assert!(!policy.allows(&question()).await.unwrap());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn another_question_is_asked_anew() {
    let mut server = Server::saying(r#"{"result": true}"#).await;
    let (policy, _) = server.policy(Duration::from_secs(5));
    let principal = question().principal;
    let others = [
        question(),
        PolicyInput { method: "PUT", ..question() },
        PolicyInput { path: "/api/v1/tickets/18".into(), ..question() },
        PolicyInput { route: "/api/v1/tickets".into(), ..question() },
        PolicyInput { jwt: Some(PolicyToken { token_value: "a.b.c" }), ..question() },
        // A role taken away, a group gained, a scope more.
        PolicyInput { principal: PolicyPrincipal { roles: &[], ..principal.clone() }, ..question() },
        PolicyInput { principal: PolicyPrincipal { roles: &[Role::Support], ..principal.clone() }, ..question() },
        PolicyInput { principal: PolicyPrincipal { groups: vec!["x".into()], ..principal.clone() }, ..question() },
        PolicyInput { principal: PolicyPrincipal { scopes: vec![], ..principal }, ..question() },
    ];
    for _ in 0..2 {
        for input in &others {
            assert!(policy.allows(input).await.unwrap());
        }
    }
    assert_eq!(server.count(), others.len());
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let server = Server::start(|number| match number {
        0 => "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n".to_owned(),
        _ => ok(r#"{"result": true}"#),
    });
    let (policy, _) = server.await.policy(Duration::from_secs(5));
    assert!(policy.allows(&question()).await.is_err());
    assert!(policy.allows(&question()).await.unwrap());
}
