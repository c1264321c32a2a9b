//! The audit on Lambda, called by a schedule: what never reached its consumers is found and mended.

mod report;

use std::process::ExitCode;

use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_lambda::{closing, run, start};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

#[tokio::main]
async fn main() -> ExitCode {
    start(async |config| {
        handler(&["audit"])?;
        let cloud = Cloud::new(&config);
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
