//! The identity functions on Lambda: `identity` gives tokens, the caller, documents and health; `authorizer` stands
//! before every other function and believes or refuses tokens.

mod authorizer;

use std::{process::ExitCode, sync::Arc, time::Duration};

use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_http::{
    Function, Services,
    routes::{Owner, program},
};
use eventdesk_lambda::{run, serve, start};

/// How long a start waits for issuers elsewhere. Lambda allows ten seconds for all of it.
const ISSUERS_PATIENCE: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |config| {
        let name = handler(&["identity", "authorizer"])?;
        let cloud = Cloud::new(&config);
        let desk = cloud.desk().await?;
        let keys = cloud.keys(desk.secret()).await?;
        if name == "authorizer" {
            let believed = desk.believed(keys)?;
            believed.warm(ISSUERS_PATIENCE).await;
            let callers = desk.services(None).admitting(desk.commands()).callers;
            return run(async |event| authorizer::answer(&believed.authorizer, &callers, event).await).await;
        }
        let (commands, identity) = (Some(desk.commands()), Some(desk.identity(&keys)));
        let services = Services { commands, identity, ..desk.services(None).admitting(desk.commands()) };
        serve(Function::new::<program::Identity>(Owner::Identity, Arc::new(services))).await
    })
    .await
}
