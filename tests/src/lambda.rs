//! The desk as functions: every binary a process under the Runtime API, a gateway in front, pollers behind.

mod gateway;
mod jwt;
mod poller;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::aws::Message;
use crate::cloud::Cloud;
use crate::events::batch_of;
use crate::{Desk, Function};

pub use jwt::Issuer;

const WORKED_THROUGH_WITHIN: Duration = Duration::from_secs(30);

/// A deployed stack whose functions run.
pub struct Lambdas {
    cloud: Arc<Cloud>,
    functions: Arc<Functions>,
    base: String,
    tasks: Vec<JoinHandle<()>>,
}

/// Every function of the stack, by its handler.
type Functions = BTreeMap<String, Fleet>;

/// As many processes of one function as there are invocations at the same time, as the service does it.
pub(crate) struct Fleet {
    binary: String,
    handler: String,
    settings: BTreeMap<String, String>,
    idle: Mutex<Vec<Function>>,
}

impl Fleet {
    /// Invokes the function in an idle process or a new one.
    pub(crate) async fn invoke(&self, event: Value) -> Result<Value, String> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let function = match idle {
            Some(function) => function,
            None => Function::start(&self.binary, &self.handler, &self.settings).await,
        };
        match function.try_invoke(event).await {
            Ok(answer) => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(function);
                Ok(answer)
            }
            // Whatever went wrong, the service would not use that process again.
            Err(error) => Err(format!("{}: {error}\n{}", self.handler, function.printed())),
        }
    }
}

impl Lambdas {
    /// Runs the functions of a stack of their own, and registers the first admin as the project tells operators to: by
    /// a server that is started once on the same services.
    pub async fn start() -> Self {
        let mut lambdas = Self::start_on(Cloud::deploy().await).await;
        lambdas.poll_queues();
        lambdas
    }

    /// Runs the functions of a stack of their own behind the gateway's own authorizer, which trusts this issuer alone.
    /// `roles` says which group has which role, as the template's parameter does.
    pub async fn start_for(issuer: &Issuer, roles: &str) -> Self {
        let parameters = [
            ("AuthorizerMode", "jwt"),
            ("IssuerUrl", Issuer::URL),
            ("IssuerAudience", Issuer::AUDIENCE),
            ("IssuerRoles", roles),
        ];
        let mut lambdas = Self::start_behind(Cloud::deploy_with(&parameters).await, Some(issuer.clone())).await;
        lambdas.poll_queues();
        lambdas
    }

    /// As [`Lambdas::start`], on this stack, and with nobody who polls its queues: tests deliver what they hold.
    pub async fn start_on(cloud: Cloud) -> Self {
        Self::start_behind(cloud, None).await
    }

    async fn start_behind(cloud: Cloud, issuer: Option<Issuer>) -> Self {
        let cloud = Arc::new(cloud);
        let server = Desk::start_on(&cloud);
        // What a server has received when it stops would stay hidden for minutes.
        for queue in cloud.functions().values().filter_map(|function| function.queue.as_deref()) {
            let start = Instant::now();
            while cloud.waiting(queue).await > 0 {
                assert!(start.elapsed() < WORKED_THROUGH_WITHIN, "{queue} is never empty:\n{}", server.log());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        assert!(server.stop().success(), "{}", server.log());
        let (socket, base) = gateway::bind().await;
        let functions: Arc<Functions> =
            Arc::new(cloud.functions().keys().map(|name| (name.clone(), fleet(&cloud, name, &base))).collect());
        let tasks = vec![tokio::spawn(gateway::serve(socket, &cloud, Arc::clone(&functions), issuer))];
        Self { cloud, functions, base, tasks }
    }

    fn poll_queues(&mut self) {
        for (name, function) in self.cloud.functions() {
            if let Some(queue) = function.queue.clone() {
                let (cloud, functions) = (Arc::clone(&self.cloud), Arc::clone(&self.functions));
                self.tasks.push(tokio::spawn(poller::poll(cloud, queue, functions, name.clone())));
            }
        }
    }

    /// `http://address:port` of the gateway.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What it stands on.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// The handlers of all functions that the template declares.
    pub fn handlers(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// Invokes a function past the gateway; an error report fails the test.
    pub async fn invoke(&self, handler: &str, event: Value) -> Value {
        self.try_invoke(handler, event).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Invokes a function past the gateway.
    ///
    /// # Errors
    /// The function's own error report, or how its process ended.
    pub async fn try_invoke(&self, handler: &str, event: Value) -> Result<Value, String> {
        let function = self.functions.get(handler).unwrap_or_else(|| panic!("the stack has no function {handler}"));
        function.invoke(event).await
    }

    /// A process of a function that nobody else invokes, with these settings besides the template's.
    pub async fn another(&self, handler: &str, settings: &[(&str, &str)]) -> Function {
        let fleet = self.functions.get(handler).unwrap_or_else(|| panic!("the stack has no function {handler}"));
        let mut all = fleet.settings.clone();
        all.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        Function::start(&fleet.binary, handler, &all).await
    }

    /// Hands messages to the function that a queue feeds, as one batch; the ids of those that must come again. All
    /// must, if the function reports an error.
    pub async fn deliver(&self, handler: &str, messages: &[Message]) -> Vec<String> {
        let batch = batch_of(&self.cloud.queue(handler, false), messages);
        match self.functions[handler].invoke(batch).await {
            Ok(answer) => poller::failures(&answer),
            Err(error) => {
                report(&error);
                messages.iter().map(|message| message.id.clone()).collect()
            }
        }
    }

    /// Everything that the idle processes of a function have printed.
    pub fn printed(&self, handler: &str) -> String {
        let idle = self.functions[handler].idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().map(Function::printed).collect()
    }

    /// Ends every function and takes the stack away.
    pub async fn end(mut self) {
        self.stop();
        self.cloud.remove().await;
    }

    fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

impl Drop for Lambdas {
    fn drop(&mut self) {
        self.stop();
    }
}

fn fleet(cloud: &Cloud, handler: &str, issuer: &str) -> Fleet {
    let function = &cloud.functions()[handler];
    Fleet {
        binary: function.binary.clone(),
        handler: handler.to_owned(),
        settings: cloud.settings_of(handler, issuer),
        idle: Mutex::default(),
    }
}

/// Callers learn nothing of what breaks inside, but whoever reads a failed test has to.
fn report(error: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{error}\n").as_bytes());
}
