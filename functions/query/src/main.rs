//! The query functions on Lambda: `query-ticket` and `query-directory`.

use std::{process::ExitCode, sync::Arc};

use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_http::{
    Function, Services,
    routes::program::{self, Program},
};
use eventdesk_lambda::{closing, serve, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |config| {
        let owner = handler(program::Query::FUNCTIONS)?;
        let cloud = Cloud::new(&config);
        let (desk, views) = tokio::try_join!(cloud.desk(), cloud.views())?;
        let services = Services { queries: Some(desk.queries(views)), ..desk.services(None) };
        closing(&config, cloud.close()).await;
        serve(Function::new::<program::Query>(owner, Arc::new(services))).await
    })
    .await
}
