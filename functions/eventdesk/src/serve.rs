//! The server: every function in one process, behind the local gateway.

use std::{sync::Arc, time::Duration};

use eventdesk_app::{
    CommandError, Commands,
    identity::{BOOTSTRAP_USERNAME, Bootstrap, bootstrap},
    operations::Operations,
    ports::{Clock, Queue, ReadStore},
    projections::{Projector, VIEWS},
};
use eventdesk_gateway::{Functions, Gateway, GatewayOptions, Server};
use eventdesk_http::{
    Function, MAX_BODY_BYTES, Services,
    routes::{BASE_PATH, Owner, program},
};
use eventdesk_local::LocalError;
use eventdesk_runtime::{Config, config::Secret};
use eventdesk_sqlite::DataFolder;
use tokio::{sync::watch, task::JoinSet};
use tracing::{error, info, warn};

use crate::{console, failure::Failure, machine, opened::Opened};

/// How long a stop waits for requests that were accepted, and again for the projectors.
const PATIENCE: Duration = Duration::from_secs(15);

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn serve(config: Config) -> Result<(), Failure> {
    machine::raise_descriptor_limit();
    machine::survive_file_size_limit().map_err(Failure::Signals)?;
    if !config.builtin_issuer.enabled && config.issuers.is_empty() {
        let reason = "must be true where no other issuer is configured, for nobody could log in".to_owned();
        return Err(Failure::Value { key: "builtin_issuer.enabled", reason });
    }
    let folder = DataFolder::open(&config.data).map_err(LocalError::from)?;
    let listen = |source| Failure::Listen { address: config.listen, source };
    let server = Server::bind(config.listen).await.map_err(listen)?;
    let address = server.address().map_err(listen)?;
    let issuer = config.issuer_url(address);
    if config.builtin_issuer.enabled && config.issuers.iter().any(|other| other.url == issuer) {
        let reason = "must not be the URL of the built-in issuer, unless that is switched off".to_owned();
        return Err(Failure::Value { key: "issuer.url", reason });
    }
    let opened = Box::pin(Opened::new(config, folder, issuer)).await?;

    let commands = opened.desk.commands();
    // Nobody could log in as the first admin elsewhere.
    if opened.desk.config().builtin_issuer.enabled {
        make_first_admin(&commands, opened.desk.config()).await?;
    }
    let operations = Box::pin(opened.operations()).await?;
    let gateway = gateway(&opened, commands, operations)?;
    let mut projectors = Projectors::start(opened.projectors().await?, &opened.views, &opened.desk.clock());
    say_what_is_due(&*opened.views).await;
    let mut stop = machine::Stop::listen().map_err(Failure::Signals)?;

    let base = format!("http://{address}");
    console::say(&format!("eventdesk is ready at {base} (documentation: {base}{BASE_PATH}/docs)"));
    let mut broken = None;
    let end = async {
        tokio::select! {
            () = stop.asked() => {}
            () = projectors.broken() => broken = Some(Failure::Projector),
            () = opened.store_broken() => broken = Some(Failure::Store),
        }
    };
    server.run(gateway, end, PATIENCE).await;
    projectors.stop().await;
    drop(opened);
    info!("stopped");
    broken.map_or(Ok(()), Err)
}

/// Read models of another version are used as they are, and somebody should make them anew.
async fn say_what_is_due(views: &dyn ReadStore) {
    for view in VIEWS {
        if let Ok(shape) = views.live_shape(view).await
            && shape != view.shape
        {
            let name = view.name;
            warn!(view = name, shape, wanted = view.shape, "a rebuild is due: run eventdesk replay");
        }
    }
}

async fn make_first_admin(commands: &Commands, config: &Config) -> Result<(), Failure> {
    let configured = config.bootstrap.admin_password.as_ref().map(Secret::reveal);
    match bootstrap(commands, configured).await {
        Ok(Bootstrap::RegisteredWith(_, password)) => {
            let password = password.reveal();
            console::say(&format!("The first user is {BOOTSTRAP_USERNAME} with the password {password}"));
            console::say("It is shown this once and kept nowhere: note it now.");
            Ok(())
        }
        Ok(Bootstrap::NotNeeded | Bootstrap::Registered(_)) => Ok(()),
        Err(CommandError::Invalid(fields)) if fields.iter().any(|field| field.pointer == "/password") => {
            let reason = "breaks the rules that passwords must keep".to_owned();
            Err(Failure::Value { key: "bootstrap.admin_password", reason })
        }
        Err(error) => Err(Failure::Bootstrap(error)),
    }
}

/// Every function that answers HTTP, behind the gateway.
fn gateway(opened: &Opened, commands: Arc<Commands>, operations: Operations) -> Result<Gateway, Failure> {
    let Opened { desk, keys, views, .. } = opened;
    let services = Arc::new(Services {
        commands: Some(Arc::clone(&commands)),
        queries: Some(desk.queries(Arc::clone(views))),
        identity: Some(desk.identity(keys)),
        operations: Some(Arc::new(operations)),
        ..desk.services(Some(Arc::clone(views))).admitting(commands)
    });
    let functions = Owner::ALL.into_iter().fold(Functions::default(), |functions, owner| {
        functions.with(owner, Arc::new(Function::new::<program::Whole>(owner, Arc::clone(&services))))
    });
    let config = desk.config();
    let options = GatewayOptions {
        base_path: config.base_path.clone(),
        origins: config.cors.origins.clone(),
        requests_per_minute: config.limits.requests_per_minute_per_principal,
        body_limit: MAX_BODY_BYTES,
        ..GatewayOptions::default()
    };
    let believed = desk.believed(Arc::clone(keys))?;
    believed.warm_beside();
    Ok(Gateway::new(options, functions, Arc::new(believed.authorizer), desk.clock(), desk.ids()))
}

/// The running projectors, one consumer each.
struct Projectors {
    stop: watch::Sender<bool>,
    running: JoinSet<()>,
}

impl Projectors {
    fn start(projectors: Vec<(Projector, Arc<dyn Queue>)>, views: &Arc<dyn ReadStore>, clock: &Arc<dyn Clock>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut running = JoinSet::new();
        for (projector, queue) in projectors {
            let (views, clock, stopped) = (Arc::clone(views), Arc::clone(clock), stopped.clone());
            running.spawn(async move {
                let (name, wrote, pulse) = (projector.name(), projector.views(), projector.pulse());
                let beats = pulse.keep((name, wrote), &*views, &*clock, stopped.clone());
                tokio::join!(projector.run(&*queue, stopped), beats);
            });
        }
        Self { stop, running }
    }

    /// Returns when one has ended though nobody asked it to: read models that stand still for good must not go
    /// unnoticed.
    async fn broken(&mut self) {
        if let Some(Err(error)) = self.running.join_next().await {
            error!(error = &error as &dyn std::error::Error, "a projector broke");
        }
    }

    /// Each finishes the batch it has in hand; what is left is found at the next start.
    async fn stop(mut self) {
        // All may have ended already.
        let _ = self.stop.send(true);
        let all = async { while self.running.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(PATIENCE, all).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_projector_that_breaks_is_noticed_and_the_others_still_stop() {
        let (stop, mut stopped) = watch::channel(false);
        let mut running = JoinSet::new();
        running.spawn(async { panic!("a mistake in a projection") });
        running.spawn(async move { drop(stopped.wait_for(|stop| *stop).await) });
        let mut projectors = Projectors { stop, running };
        projectors.broken().await;
        assert_eq!(projectors.running.len(), 1);
        projectors.stop().await;
    }
}
