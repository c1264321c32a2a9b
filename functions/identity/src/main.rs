//! The identity functions on Lambda: `identity` gives tokens, the caller, documents and health; `authorizer` stands
//! before every other function and believes or refuses tokens.

mod authorizer;

use std::{process::ExitCode, sync::Arc};

use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_http::{CallerResolver, Function, Services, routes::Owner};
use eventdesk_lambda::{closing, run, serve, start};

#[tokio::main]
async fn main() -> ExitCode {
    start(async |config| {
        let name = handler(&["identity", "authorizer"])?;
        let cloud = Cloud::new(&config);
        let desk = cloud.desk().await?;
        let keys = cloud.keys(desk.secret()).await?;
        if name == "authorizer" {
            let believed = desk.believed(keys)?;
            believed.warm().await;
            let callers = CallerResolver { admissions: Some(desk.commands()), ..desk.services(None).callers };
            return run(async |event| authorizer::answer(&believed.authorizer, &callers, event).await).await;
        }
        let services = desk.services(Some(cloud.views().await?));
        let (commands, identity) = (Some(desk.commands()), Some(desk.identity(&keys)));
        let services = Services { commands, identity, ..services };
        closing(&config, cloud.close()).await;
        serve(Function::new(Owner::Identity, Arc::new(services))).await
    })
    .await
}
