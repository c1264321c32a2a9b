//! Servers that do not answer as they should.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const QUICK: Bounds = Bounds { connect: Duration::from_millis(300), total: Duration::from_millis(600), body: 1_000 };

/// A server that sends `head` to whoever connects, then `part` for as long as anybody reads, and tells what it was asked.
async fn server(head: &'static str, part: Option<&'static str>) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4_096];
        let read = socket.read(&mut asked).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        while let Some(part) = part
            && socket.write_all(part.as_bytes()).await.is_ok()
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        String::from_utf8_lossy(&asked[..read]).into_owned()
    });
    (url, served)
}

async fn asked(head: &'static str, part: Option<&'static str>) -> Result<Answer, OutboundError> {
    let (url, _server) = server(head, part).await;
    Outbound::new(QUICK).unwrap().get(&url).await
}

#[tokio::test]
async fn an_answer_of_any_status_is_an_answer() {
    let answer = asked("HTTP/1.1 503 Away\r\nContent-Length: 2\r\n\r\n{}", None).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (503, &b"{}"[..]));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer = asked("HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", None).await;
    assert_eq!(answer.unwrap().status, 302);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_not_read_to_its_end() {
    let announced = asked("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", Some("x")).await;
    assert!(matches!(announced, Err(OutboundError::TooLarge)), "{announced:?}");
    let endless = asked("HTTP/1.1 200 OK\r\n\r\n", Some("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")).await;
    assert!(matches!(endless, Err(OutboundError::TooLarge)), "{endless:?}");
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let answer =
        asked("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x08\x00", None).await;
    assert_eq!(answer.unwrap().body, b"\x1f\x08\x00");
}

#[tokio::test]
async fn an_answer_that_trickles_ends_in_time() {
    let slow = asked("HTTP/1.1 200 OK\r\n\r\n", Some("")).await;
    assert!(matches!(slow, Err(OutboundError::TooSlow)), "{slow:?}");
    let silent = asked("", Some("")).await;
    assert!(matches!(silent, Err(OutboundError::TooSlow)), "{silent:?}");
}

#[tokio::test]
async fn nobody_there_and_half_an_answer_are_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let nobody = Outbound::new(QUICK).unwrap().get(&url).await;
    assert!(matches!(nobody, Err(OutboundError::Unreachable(_))), "{nobody:?}");
    let half = asked("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", None).await;
    assert!(matches!(half, Err(OutboundError::Unreachable(_))), "{half:?}");
}

#[tokio::test]
async fn a_client_proves_itself_in_the_header_and_its_parts_are_encoded() {
    let (url, server) = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", None).await;
    let client = Outbound::new(QUICK).unwrap();
    client.post_form(&url, ("a:b", "c d"), &[("token", "x&y")]).await.unwrap();
    let asked = server.await.unwrap();
    // a%3Ab:c+d
    assert!(asked.contains("Basic YSUzQWI6Yytk"), "{asked}");
    assert!(asked.ends_with("token=x%26y"), "{asked}");
}

#[test]
fn plain_http_is_for_loopback_alone() {
    for (text, good) in [
        ("https://issuer.example/keys", true),
        ("http://127.0.0.1:9000/keys", true),
        ("http://[::1]/", true),
        ("http://localhost/", true),
        ("http://issuer.example/", false),
        ("http://127.0.0.1.issuer.example/", false),
        ("http://169.254.169.254/latest", false),
        ("ftp://127.0.0.1/", false),
        ("file:///etc/passwd", false),
        ("data:application/json,{}", false),
    ] {
        assert_eq!(require_secure(&text.parse().unwrap()).is_ok(), good, "{text}");
    }
}
