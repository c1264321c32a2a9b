//! The projector functions on Lambda: `projector-ticket`, `projector-history` and `projector-directory`.

mod batch;

use aws_lambda_events::sqs::SqsEvent;
use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_runtime::{Config, telemetry};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::load()?;
    telemetry::init(config.log.format, &config.log.level)?;
    let name = handler(&["projector-ticket", "projector-history", "projector-directory"])?;
    let cloud = &Cloud::new(&config);
    let projectors = cloud.projectors().await?;
    let projector = &projectors.into_iter().find(|projector| projector.name() == name).ok_or("no such projector")?;
    let failures = async || Ok(cloud.failures(name).await?);
    // Boxed: how deep its futures lie in each other is more than the compiler follows.
    let work = |event: LambdaEvent<SqsEvent>| Box::pin(batch::work_through(projector, event.payload, failures));
    lambda_runtime::run(service_fn(work)).await
}
