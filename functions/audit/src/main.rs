//! The operators' functions on Lambda: `audit` is called by a schedule and mends what never reached its consumers;
//! `operations` answers who asks how they stand.

mod report;

use std::{process::ExitCode, sync::Arc};

use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_http::{Function, Services, routes};
use eventdesk_lambda::{closing, run, serve, start};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |config| {
        let name = handler(&["audit", "operations"])?;
        let cloud = Cloud::new(&config);
        if name == "operations" {
            let (desk, operations) = tokio::try_join!(cloud.desk(), cloud.operations())?;
            let views = Arc::clone(&operations.letters.views);
            let services = Services { operations: Some(Arc::new(operations)), ..desk.services(Some(views)) };
            closing(&config, cloud.close()).await;
            return serve(Function::new::<routes::program::Audit>(routes::Owner::Operations, Arc::new(services))).await;
        }
        let audit = cloud.audit().await?;
        closing(&config, cloud.close()).await;
        run(async |_: LambdaEvent<Value>| {
            let report = audit.run().await?;
            report::measure(&report);
            Ok::<_, Error>(report::answer(&report))
        })
        .await
    })
    .await
}
