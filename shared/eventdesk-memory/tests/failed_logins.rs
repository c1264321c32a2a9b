//! The counters of one process keep their port's contract.

use std::sync::Arc;

use eventdesk_app::{identity::LocalFailedLogins, ports::FailedLogins};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_of_failed_logins() {
    eventdesk_contract::failed_logins::run_all(async || {
        Arc::new(LocalFailedLogins::default()) as Arc<dyn FailedLogins>
    })
    .await;
}
