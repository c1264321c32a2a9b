//! The audit on Lambda, called by a schedule: what never reached its consumers is found and mended.

mod figures;

use std::{env, io::stdout};

use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_runtime::{Config, telemetry};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::load()?;
    telemetry::init(config.log.format, &config.log.level)?;
    handler(&["audit"])?;
    let audit = &Cloud::new(&config).audit().await?;
    let function = &env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let run = async |_: LambdaEvent<Value>| {
        let report = audit.run().await?;
        figures::tell(&report, function, audit.clock.now(), stdout())?;
        Ok::<_, Error>(figures::answer(&report))
    };
    lambda_runtime::run(service_fn(run)).await
}
