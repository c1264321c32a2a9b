//! The command functions on Lambda: `command-ticket`, `command-message` and `command-directory`.

use std::{process::ExitCode, sync::Arc};

use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_http::{
    Function, Services,
    routes::program::{self, Program},
};
use eventdesk_lambda::{serve, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |config| {
        let owner = handler(program::Command::FUNCTIONS)?;
        let desk = Cloud::new(&config).desk().await?;
        let services = Services { commands: Some(desk.commands()), ..desk.services(None) };
        serve(Function::new::<program::Command>(owner, Arc::new(services))).await
    })
    .await
}
