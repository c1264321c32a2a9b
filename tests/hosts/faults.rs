//! Faults between the services, and what callers, operators and subscribers notice of them.
//!
//! One stack of each kind bears all of them, one test after the other. Each test leaves a whole desk with nothing on its
//! way; a desk on which one failed is not used again. Queues of the functions are polled by nobody but the tests.

mod bus;
mod commands;
mod operators;
mod outages;
mod queues;

use std::pin::Pin;
use std::time::{Duration, Instant};

use eventdesk_tests::{Answer, Cloud, Desk, Host, Kind, Lambdas, Message, Proxy, Scene, Wire, samples};
use serde_json::json;
use tokio::sync::Mutex;

/// A test of this suite.
pub(crate) type Test = (&'static str, for<'b> fn(&'b Bench) -> Pin<Box<dyn Future<Output = ()> + 'b>>);

/// Names tests of this suite: those that hold on every host with services, and those that are about the functions.
macro_rules! faults {
    (everywhere: $($everywhere:ident),* $(,)?; functions: $($functions:ident),* $(,)? $(;)?) => {
        pub(super) fn everywhere() -> Vec<super::Test> {
            vec![$((stringify!($everywhere), |bench| Box::pin($everywhere(bench)))),*]
        }

        pub(super) fn functions() -> Vec<super::Test> {
            vec![$((stringify!($functions), |bench| Box::pin($functions(bench)))),*]
        }
    };
}
use faults;

/// The tests for a desk of this kind.
pub(crate) fn tests(kind: Kind) -> Vec<Test> {
    let everywhere = [
        commands::everywhere(),
        bus::everywhere(),
        outages::everywhere(),
        queues::everywhere(),
        operators::everywhere(),
    ];
    let functions =
        [commands::functions(), bus::functions(), outages::functions(), queues::functions(), operators::functions()];
    let functions = functions.into_iter().filter(|_| kind == Kind::Lambda);
    everywhere.into_iter().chain(functions).flatten().collect()
}

const PROJECTORS: [&str; 3] = ["projector-ticket", "projector-history", "projector-directory"];
const PATIENCE: Duration = Duration::from_mins(1);

/// A desk of its own whose ways to AWS and to the read models can be broken.
pub(crate) struct Bench {
    desk: Host,
    proxy: Proxy,
    /// None for a cluster, which is not reached through one wire.
    wire: Option<Wire>,
    scene: Scene,
}

/// One bench of each kind, for one test at a time.
#[derive(Default)]
pub(crate) struct Benches {
    hybrid: Mutex<Option<Bench>>,
    lambda: Mutex<Option<Bench>>,
}

impl Benches {
    /// Runs a test on the desk of this kind, which it has for itself.
    pub(crate) async fn run(&self, kind: Kind, test: Test) {
        let mut place = if kind == Kind::Lambda { &self.lambda } else { &self.hybrid }.lock().await;
        let bench = match place.take() {
            Some(bench) => bench,
            None => Bench::start(kind).await,
        };
        test.1(&bench).await;
        // Not if it failed: nobody knows what is on its way then.
        *place = Some(bench);
    }

    /// Ends the desks.
    pub(crate) async fn end(&self) {
        for place in [&self.hybrid, &self.lambda] {
            if let Some(bench) = place.lock().await.take() {
                bench.desk.end().await;
            }
        }
    }
}

impl Bench {
    async fn start(kind: Kind) -> Self {
        let mut cloud = Cloud::deploy().await;
        let proxy = Proxy::to(cloud.aws_url()).await;
        cloud.reach_aws_by(proxy.url());
        let wire = match cloud.views_address() {
            Some(server) => Some(Wire::to(&server).await),
            None => None,
        };
        if let Some(wire) = &wire {
            cloud.reach_views_by(wire.address());
        }
        let desk = match kind {
            Kind::Lambda => Host::Lambda(Lambdas::start_on(cloud).await),
            _ => Host::Hybrid(Desk::start_on(&cloud), cloud),
        };
        let scene = Scene::on(&desk).await;
        Self { desk, proxy, wire, scene }
    }

    fn cloud(&self) -> &Cloud {
        self.desk.cloud().expect("it stands on services")
    }

    fn lambdas(&self) -> &Lambdas {
        self.desk.lambdas().expect("this test is about functions")
    }

    /// A new ticket, known to all read models.
    async fn ticket(&self) -> Answer {
        let employee = self.scene.admin.post("/employees", samples::employee()).await.is(201).id();
        let ticket = self.scene.ticket(&employee).await;
        self.settle().await;
        self.scene.admin.see(&ticket, &format!("/tickets/{}", ticket.id())).await;
        ticket
    }

    /// Waits until everything that is on its way is worked through.
    async fn settle(&self) {
        let start = Instant::now();
        loop {
            if self.desk.kind() == Kind::Lambda {
                catch_up(self.lambdas()).await;
            }
            let mut waiting = 0;
            for projector in PROJECTORS {
                waiting += self.cloud().waiting(&self.cloud().queue(projector, false)).await;
            }
            if waiting == 0 {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{waiting} messages are never worked through");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The types of a ticket's events as its history tells them.
    async fn history(&self, last: &Answer, ticket_id: &str) -> Vec<String> {
        let path = format!("/tickets/{ticket_id}/history?limit=100");
        self.scene.admin.see(last, &path).await.column("type")
    }

    /// Runs the audit, as its schedule does, until it has published and nudged so much; it leaves the last seconds alone.
    async fn audited(&self, republished: u64, nudged: u64) {
        let (mut done, start) = ((0, 0), Instant::now());
        loop {
            let report = self.lambdas().invoke("audit", json!({})).await;
            let figure = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("no {name}: {report}"));
            done = (done.0 + figure("republished"), done.1 + figure("nudged"));
            assert!(done.0 <= republished && done.1 <= nudged, "too much: {report}");
            assert!(figure("commits_behind") >= figure("republished") + figure("nudged"), "{report}");
            if done == (republished, nudged) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the audit did {done:?}: {report}");
            tokio::time::sleep(Duration::from_millis(200)).await;
            // What it published is worked through, as it is where queues are polled: beside what waits in them, the audit
            // takes what is missing for something that waits, too.
            if figure("republished") > 0 {
                self.settle().await;
            }
        }
    }

    /// When everything is worked through, nothing is behind, and a run of the audit does nothing.
    async fn nothing_is_behind(&self) {
        self.settle().await;
        let report = self.lambdas().invoke("audit", json!({})).await;
        for figure in ["commits_behind", "oldest_behind_seconds", "republished", "nudged", "given_up"] {
            assert_eq!(report[figure], 0, "{report}");
        }
    }
}

/// All messages that can be received from a projector's queue now.
async fn receive_all(lambdas: &Lambdas, projector: &str) -> Vec<Message> {
    let queue = lambdas.cloud().queue(projector, false);
    let mut all = Vec::new();
    loop {
        let more = lambdas.cloud().receive(&queue).await;
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Delivers a batch as the service does: what is worked through goes, the rest stays hidden. The ids of the rest.
async fn deliver(lambdas: &Lambdas, projector: &str, messages: &[Message]) -> Vec<String> {
    let queue = lambdas.cloud().queue(projector, false);
    let failed = lambdas.deliver(projector, messages).await;
    for message in messages.iter().filter(|message| !failed.contains(&message.id)) {
        lambdas.cloud().delete(&queue, message).await;
    }
    failed
}

/// Works through everything that can be received, in the order in which it came.
async fn catch_up(lambdas: &Lambdas) {
    for projector in PROJECTORS {
        let waiting = receive_all(lambdas, projector).await;
        for batch in waiting.chunks(10) {
            assert_eq!(deliver(lambdas, projector, batch).await, [] as [&str; 0], "{projector}");
        }
    }
}
