//! The identity functions on Lambda: `identity` gives tokens, the caller, documents and health; `authorizer` stands
//! before every other function and believes or refuses tokens.

mod authorizer;

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
    let name = handler(&["identity", "authorizer"])?;
    let cloud = Cloud::new(&config);
    let desk = cloud.desk().await?;
    let keys = cloud.keys(desk.secret()).await?;
    if name == "authorizer" {
        let (authorizer, callers) = (&desk.authorizer(keys), &desk.services(None).callers);
        let judge = async |event| authorizer::answer(authorizer, callers, event).await;
        return lambda_runtime::run(service_fn(judge)).await;
    }
    let services = desk.services(Some(cloud.views().await?));
    let (commands, identity) = (Some(desk.commands()), Some(desk.identity(&keys)));
    let function = &Function::new(Owner::Identity, Arc::new(Services { commands, identity, ..services }));
    let answer =
        async |event: LambdaEvent<ApiGatewayV2httpRequest>| Ok::<_, Infallible>(function.call(event.payload).await);
    lambda_runtime::run(service_fn(answer)).await
}
