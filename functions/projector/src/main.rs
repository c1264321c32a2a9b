//! The projector functions on Lambda: `projector-ticket`, `projector-history` and `projector-directory`.

mod batch;

use std::process::ExitCode;

use aws_lambda_events::sqs::SqsEvent;
use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_lambda::{closing, run, start};
use lambda_runtime::LambdaEvent;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |config| {
        let name = handler(&["projector-ticket", "projector-history", "projector-directory"])?;
        let cloud = &Cloud::new(&config);
        let projectors = cloud.projectors().await?;
        let projector =
            &projectors.into_iter().find(|projector| projector.name() == name).ok_or("no such projector")?;
        let failures = async || Ok(cloud.failures(name).await?);
        closing(&config, cloud.close()).await;
        // Boxed: how deep its futures lie in each other is more than the compiler follows.
        run(|event: LambdaEvent<SqsEvent>| Box::pin(batch::work_through(projector, event.payload, failures))).await
    })
    .await
}
