//! The bus on EventBridge and SQS keeps the contract of every bus, and behaves when the services do not.
//!
//! The emulator is moto. Its queues know no faults of single entries and its bus takes everything well-formed; those
//! answers are put on the wire. It holds one request at a time, so nothing here polls long.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bed;
mod consumers;
mod poison;
mod publishing;
mod settling;

use bed::AwsBus;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_bus_contract() {
    Box::pin(eventdesk_contract::bus::run_all(AwsBus::new)).await;
}
