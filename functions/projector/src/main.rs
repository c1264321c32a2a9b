//! The projector functions on Lambda: `projector-ticket`, `projector-history` and `projector-directory`.

mod batch;

use aws_lambda_events::sqs::SqsEvent;
use eventdesk_local::{LocalDesk, handler};
use eventdesk_runtime::{Config, telemetry};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::load()?;
    telemetry::init(config.log.format, &config.log.level)?;
    let handler = handler(&["projector-ticket", "projector-history", "projector-directory"])?;
    let desk = LocalDesk::open_beside_server(config)?;
    let projector = &match handler {
        "projector-ticket" => desk.ticket_projector(),
        "projector-history" => desk.history_projector(),
        _ => desk.directory_projector(),
    };
    let work = async |event: LambdaEvent<SqsEvent>| batch::work_through(projector, event.payload).await;
    lambda_runtime::run(service_fn(work)).await
}
