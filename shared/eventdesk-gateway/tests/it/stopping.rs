//! An end that loses nothing.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use eventdesk_gateway::GatewayOptions;
use tokio::{net::TcpStream, sync::Semaphore};

use crate::desk::{Desk, plain, request};

const GOOD: &str = "authorization: Bearer good\r\n";

/// A desk whose functions wait for a permit each, and a count of those that were called and of those that are done.
async fn held() -> (Desk, Arc<Semaphore>, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let gate = Arc::new(Semaphore::new(0));
    let (called, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (held, calls, ends) = (Arc::clone(&gate), Arc::clone(&called), Arc::clone(&done));
    let desk = Desk::acting(GatewayOptions::default(), move |_| {
        calls.fetch_add(1, Ordering::SeqCst);
        let (gate, done) = (Arc::clone(&held), Arc::clone(&ends));
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            done.fetch_add(1, Ordering::SeqCst);
            plain(204).await
        })
    })
    .await;
    (desk, gate, called, done)
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stop_finishes_what_was_accepted_and_accepts_no_more() {
    let (mut desk, gate, called, _) = held().await;
    let (mut reader, mut writer, mut idle) = (desk.client().await, desk.client().await, desk.client().await);
    reader.send(request("GET", "/api/v1/tickets", GOOD, "")).await;
    writer.send(request("POST", "/api/v1/tickets", GOOD, "")).await;
    until(|| called.load(Ordering::SeqCst) == 2).await;
    desk.ask_to_stop();
    assert!(idle.is_closed().await);
    assert!(TcpStream::connect(desk.address).await.is_err());
    gate.add_permits(2);
    for client in [&mut reader, &mut writer] {
        assert_eq!(client.answer().await.is(204).header("connection"), "close");
        assert!(client.is_closed().await);
    }
    desk.stopped().await;
}

#[tokio::test]
async fn a_change_is_finished_though_its_caller_is_gone() {
    let (mut desk, gate, called, done) = held().await;
    let mut writer = desk.client().await;
    writer.send(request("POST", "/api/v1/tickets", GOOD, "")).await;
    until(|| called.load(Ordering::SeqCst) == 1).await;
    drop(writer);
    desk.ask_to_stop();
    gate.add_permits(1);
    desk.stopped().await;
    assert_eq!(done.load(Ordering::SeqCst), 1);
}
