//! The command functions on Lambda: `command-ticket`, `command-message` and `command-directory`.

use std::{process::ExitCode, sync::Arc};

use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_http::{Function, Services, routes::Owner};
use eventdesk_lambda::{serve, start};

#[tokio::main]
async fn main() -> ExitCode {
    start(async |config| {
        let owner = handler(&[Owner::CommandTicket, Owner::CommandMessage, Owner::CommandDirectory])?;
        let desk = Cloud::new(&config).desk().await?;
        let services = Services { commands: Some(desk.commands()), ..desk.services(None) };
        serve(Function::new(owner, Arc::new(services))).await
    })
    .await
}
