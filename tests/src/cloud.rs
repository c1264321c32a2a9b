//! The desk's template, deployed to an emulation of AWS, with a database of its own beside it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eventdesk_app::ports::Ids as _;
use eventdesk_runtime::RandomIds;
use serde::Deserialize;
use serde_json::Value;

use crate::aws::{Aws, Message, REGION};
use crate::desk::quick_settings;
use crate::emulator::Emulator;
use crate::{Oidc, bin};

/// A stack, the secret and the database that belong to one desk. [`Cloud::remove`] takes them away again.
pub struct Cloud {
    pub(crate) aws: Aws,
    /// Where the stack lives, for as long as this does.
    _emulator: Emulator,
    name: String,
    deployed: Deployed,
    /// Where desks are told that AWS is.
    endpoint: String,
    /// The URI of the database.
    database: String,
    /// The URI that desks are told.
    views: String,
}

/// What `tests/template-check --deploy` tells.
#[derive(Deserialize)]
struct Deployed {
    outputs: BTreeMap<String, String>,
    functions: BTreeMap<String, DeployedFunction>,
    routes: BTreeMap<String, DeployedRoute>,
}

#[derive(Deserialize)]
pub(crate) struct DeployedFunction {
    pub(crate) binary: String,
    name: String,
    settings: BTreeMap<String, String>,
    pub(crate) queue: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct DeployedRoute {
    pub(crate) function: String,
    pub(crate) guarded: bool,
    pub(crate) scopes: Vec<String>,
}

impl Cloud {
    /// Deploys a stack of its own.
    pub async fn deploy() -> Self {
        Self::deploy_with(&[]).await
    }

    /// Deploys a stack of its own, with these parameters of the template.
    pub async fn deploy_with(parameters: &[(&str, &str)]) -> Self {
        let emulator = Emulator::start();
        let aws = Aws::at(emulator.url());
        let views = service("EVENTDESK_TEST_MONGODB_URI", "tests/services/mongodb, which prints its URI");
        let name = format!("it-{}", &RandomIds.next().simple().to_string()[20..]);
        let secret = format!("/{name}/secret");
        let mut random = [0; 32];
        RandomIds.fill(&mut random);
        aws.put_secret(&secret, &STANDARD.encode(random)).await;
        let deployed = deploy(aws.url(), &name, &secret, parameters);
        let endpoint = aws.url().to_owned();
        Self { aws, _emulator: emulator, name, deployed, endpoint, database: views.clone(), views }
    }

    /// An output of the stack.
    pub fn output(&self, name: &str) -> &str {
        self.deployed.outputs.get(name).unwrap_or_else(|| panic!("the stack has no output {name}"))
    }

    pub(crate) fn functions(&self) -> &BTreeMap<String, DeployedFunction> {
        &self.deployed.functions
    }

    pub(crate) fn routes(&self) -> &BTreeMap<String, DeployedRoute> {
        &self.deployed.routes
    }

    /// What a function is told: by the template, but for addresses of what is elsewhere here.
    pub(crate) fn settings_of(&self, handler: &str, issuer: &str) -> BTreeMap<String, String> {
        let function = self.deployed.functions.get(handler);
        let function = function.unwrap_or_else(|| panic!("the stack has no function {handler}"));
        let mut settings = function.settings.clone();
        settings.insert("AWS_LAMBDA_FUNCTION_NAME".into(), function.name.clone());
        for (key, value) in [("EVENTDESK_BUILTIN_ISSUER_URL", issuer), ("EVENTDESK_VIEWS_URI", self.views.as_str())] {
            settings.entry(key.to_owned()).and_modify(|told| value.clone_into(told));
        }
        if handler == "authorizer" {
            settings.extend(Oidc::settings_if_here().into_iter().filter(|(key, _)| !key.contains("_DOCS_")));
        }
        settings.extend(self.emulation());
        settings
    }

    /// What a server on the same services is told.
    pub(crate) fn server_settings(&self) -> BTreeMap<String, String> {
        let told = &self.deployed.functions["projector-ticket"].settings;
        let mut settings: BTreeMap<_, _> =
            told.iter().filter(|(key, _)| key.contains("_VIEWS_")).map(|(k, v)| (k.clone(), v.clone())).collect();
        let identity = &self.deployed.functions["identity"].settings;
        let of_stack = |key: &str| key.contains("_STORE_") || key.contains("_SECRET_");
        settings.extend(identity.iter().filter(|(key, _)| of_stack(key)).map(|(k, v)| (k.clone(), v.clone())));
        for (key, value) in [
            ("EVENTDESK_BUS_KIND", "eventbridge"),
            ("EVENTDESK_BUS_NAME", self.output("BusName")),
            ("EVENTDESK_VIEWS_URI", &self.views),
        ] {
            settings.insert(key.to_owned(), value.to_owned());
        }
        settings.extend(Oidc::settings_if_here());
        settings.extend(self.emulation());
        settings
    }

    /// A command for the program on these services, without a server; its log is silent.
    pub fn command(&self, data: &Path) -> Command {
        let mut command = bin::start("eventdesk");
        command.envs(quick_settings(data)).envs(self.server_settings()).env("EVENTDESK_LOG_LEVEL", "error");
        command
    }

    /// A queue of somebody else's behind a rule of this name and pattern on the bus.
    pub async fn subscribe(&self, name: &str, pattern: &Value) -> String {
        self.aws.subscribe(self.output("BusName"), &format!("{}-{name}", self.name), pattern).await
    }

    /// Takes such a rule and its queue away again.
    pub async fn unsubscribe(&self, name: &str) {
        self.aws.unsubscribe(self.output("BusName"), &format!("{}-{name}", self.name)).await;
    }

    /// Changes the text of an attribute of an item in the event store, as no program ever does.
    pub async fn tamper(&self, stream: &str, version: u64, attribute: &str, change: impl Fn(&str) -> String) {
        let table = self.output("StoreTable");
        let key = serde_json::json!({ "stream": { "S": stream }, "version": { "N": version.to_string() } });
        let asked = serde_json::json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        let mut item = self.aws.call("dynamodb", "DynamoDB_20120810.GetItem", &asked).await["Item"].clone();
        let text = item[attribute]["S"].as_str().unwrap_or_else(|| panic!("no text {attribute}: {item}"));
        item[attribute]["S"] = change(text).into();
        let asked = serde_json::json!({ "TableName": table, "Item": item });
        self.aws.call("dynamodb", "DynamoDB_20120810.PutItem", &asked).await;
    }

    /// Where AWS is.
    pub fn aws_url(&self) -> &str {
        self.aws.url()
    }

    /// AWS is reached at this URL by desks that start from now on.
    pub fn reach_aws_by(&mut self, url: &str) {
        url.clone_into(&mut self.endpoint);
    }

    /// The database of the read models is reached through this address from now on.
    pub fn reach_views_by(&mut self, address: &str) {
        let rest = self.views.strip_prefix("mongodb://").expect("a plain MongoDB URI");
        let options = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
        self.views = format!("mongodb://{address}{options}");
    }

    /// `host:port` of the database of the read models; none if the URI names several or asks for TLS.
    pub fn views_address(&self) -> Option<String> {
        let rest = self.views.strip_prefix("mongodb://")?;
        let host = rest.split(['/', '?']).next()?;
        let plain = !host.contains([',', '@']) && !rest.contains("tls=true") && !rest.contains("ssl=true");
        plain.then(|| if host.contains(':') { host.to_owned() } else { format!("{host}:27017") })
    }

    fn emulation(&self) -> [(String, String); 7] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("EVENTDESK_PASSWORDS_ARGON2_MEMORY_KIB", "64"),
            ("EVENTDESK_PASSWORDS_ARGON2_ITERATIONS", "1"),
            ("EVENTDESK_LIMITS_LOGIN_FAILURES_PER_MINUTE", "0"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
    }

    /// The queue that feeds a projector function, or its dead letters.
    pub fn queue(&self, projector: &str, dead: bool) -> String {
        let function = self.deployed.functions.get(projector);
        let queue = function.and_then(|function| function.queue.clone());
        let queue = queue.unwrap_or_else(|| panic!("nothing feeds {projector}"));
        if dead { format!("{queue}-dead") } else { queue }
    }

    /// Up to ten messages of a queue; each is hidden for the queue's visibility time, unless it is deleted or released.
    pub async fn receive(&self, queue: &str) -> Vec<Message> {
        self.aws.receive(queue).await
    }

    /// Puts a message into a queue.
    pub async fn send(&self, queue: &str, body: &str) {
        self.aws.send(queue, body).await;
    }

    /// Takes a received message out of its queue.
    pub async fn delete(&self, queue: &str, message: &Message) {
        self.aws.delete(queue, message).await;
    }

    /// Shows a received message to receivers again, at once.
    pub async fn release(&self, queue: &str, message: &Message) {
        self.aws.release(queue, message).await;
    }

    /// How many messages a queue holds, hidden ones with them.
    pub async fn waiting(&self, queue: &str) -> u64 {
        self.aws.waiting(queue).await
    }

    /// Messages that are received from a queue are hidden for so many seconds from now on.
    pub async fn hide_received_for(&self, queue: &str, seconds: u32) {
        self.aws.set_visibility(queue, seconds).await;
    }

    /// The database of the read models, to plant damage in.
    pub async fn read_models(&self) -> mongodb::Database {
        let client = mongodb::Client::with_uri_str(&self.database).await.expect("the database answers");
        client.database(&self.name)
    }

    /// Takes the read models away again, as far as the database still answers; the rest goes with the emulator.
    pub async fn remove(&self) {
        if let Ok(client) = mongodb::Client::with_uri_str(&self.database).await {
            // Named after the stack. A server that is not there any more holds nothing to be taken away.
            let _ = client.database(&self.name).drop().await;
        }
    }
}

fn service(variable: &str, start: &str) -> String {
    let told = std::env::var(variable).unwrap_or_default();
    // The program that serves MongoDB prints the URI and what it is.
    let address = told.split_whitespace().next().unwrap_or_default();
    assert!(!address.is_empty(), "{variable} is not set: start the service with {start}, or run tests/run");
    address.to_owned()
}

/// Deploys by the project's own program, so that tests and people stand on the same template.
fn deploy(url: &str, name: &str, secret: &str, more: &[(&str, &str)]) -> Deployed {
    let told = tempfile::NamedTempFile::new().expect("a temporary file");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("template-check");
    let mut command = Command::new(program);
    command.arg("--deploy").arg(told.path()).args(["--url", url, "--stack", name]);
    let own = [("SecretParameter", secret), ("MongoDatabase", name)];
    for (parameter, value) in own.iter().chain(more) {
        command.args(["--parameter", &format!("{parameter}={value}")]);
    }
    let done = command.stdin(Stdio::null()).output().expect("tests/template-check can be started");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(told.path()).expect("the file was written");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    serde_json::from_value(value).expect("outputs, functions and routes")
}
