//! The query functions on Lambda: `query-ticket` and `query-directory`.

use std::{convert::Infallible, sync::Arc};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use eventdesk_cloud::Cloud;
use eventdesk_desk::handler;
use eventdesk_http::{Function, Services, routes::Owner};
use eventdesk_runtime::{Config, telemetry};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::load()?;
    telemetry::init(config.log.format, &config.log.level)?;
    let owner = handler(&[Owner::QueryTicket, Owner::QueryDirectory])?;
    let cloud = Cloud::new(&config);
    let (desk, views) = tokio::try_join!(cloud.desk(), cloud.views())?;
    let services = Services { queries: Some(desk.queries(views)), ..desk.services(None) };
    let function = &Function::new(owner, Arc::new(services));
    let answer =
        async |event: LambdaEvent<ApiGatewayV2httpRequest>| Ok::<_, Infallible>(function.call(event.payload).await);
    lambda_runtime::run(service_fn(answer)).await
}
