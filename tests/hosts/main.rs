//! The black-box suites that hold wherever the desk stands: each test runs on every host, with the same expectations.
//!
//! A host is started when its first test asks for it, serves all tests that want one, and ends after the last: so tests
//! make records of their own. A test is called `<host>::<suite>::<rule>`; `cargo test --test hosts -- embedded::` runs
//! those that need no services. With `EVENTDESK_TEST_HOSTS=embedded` all others are ignored.

/// Names the tests of a suite.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        /// The suite.
        pub(crate) fn tests() -> Vec<crate::Test> {
            vec![$((stringify!($name), |host| Box::pin($name(host)))),*]
        }
    };
}
mod clients;
mod concurrency;
mod conventions;
mod conversation;
mod docs_login;
mod documents;
mod faults;
mod functions;
mod guards;
mod hosts;
mod identity;
mod jwt;
mod lists;
mod operations;
mod patience;
mod policies;
mod replay;
mod roles;
mod scopes;
mod sessions;
mod story;
mod telemetry;
mod transitions;
mod versions;

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use eventdesk_tests::{Host, Kind};
use libtest_mimic::{Arguments, Trial};

use faults::Benches;
use hosts::Hosts;

/// A test: its rule, and what holds it against a running desk.
type Test = (&'static str, for<'h> fn(&'h Host) -> Pin<Box<dyn Future<Output = ()> + 'h>>);

/// A test that starts what it needs itself.
type Independent = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// The name of a suite, and its tests.
type Suite = (&'static str, fn() -> Vec<Test>);

const EVERYWHERE: [Suite; 15] = [
    ("clients", clients::tests),
    ("concurrency", concurrency::tests),
    ("conventions", conventions::tests),
    ("conversation", conversation::tests),
    ("documents", documents::tests),
    ("guards", guards::tests),
    ("identity", identity::tests),
    ("lists", lists::tests),
    ("replay", replay::tests),
    ("roles", roles::tests),
    ("scopes", scopes::tests),
    ("sessions", sessions::tests),
    ("story", story::tests),
    ("transitions", transitions::tests),
    ("versions", versions::tests),
];

fn main() -> ExitCode {
    let hosts = Arc::new(Hosts::new());
    let mut trials = Vec::new();
    for kind in Kind::ALL {
        for (suite, tests) in EVERYWHERE {
            trials.extend(tests().into_iter().map(|test| on(&hosts, kind, suite, test)));
        }
    }
    for (suite, tests) in [("functions", functions::tests()), ("telemetry", telemetry::tests())] {
        trials.extend(tests.into_iter().map(|test| on(&hosts, Kind::Lambda, suite, test)));
    }
    for (suite, tests) in [
        ("lambda::jwt", jwt::tests as fn() -> Vec<Independent>),
        ("hybrid::operations", operations::tests),
        ("embedded::policies", policies::tests),
        ("embedded::docs_login", docs_login::tests),
    ] {
        let skipped = suite == "embedded::docs_login" && !docs_login::possible();
        trials.extend(tests().into_iter().map(|test| alone(&hosts, suite, test).with_ignored_flag(skipped)));
    }
    let benches = Arc::new(Benches::default());
    for kind in [Kind::Hybrid, Kind::Lambda] {
        trials.extend(faults::tests(kind).into_iter().map(|test| {
            let (hosts, benches) = (Arc::clone(&hosts), Arc::clone(&benches));
            Trial::test(format!("{}::faults::{}", kind.name(), test.0), move || {
                hosts.block_on(benches.run(kind, test));
                Ok(())
            })
        }));
    }
    if std::env::var_os("EVENTDESK_TEST_HOSTS").is_some_and(|hosts| hosts == Kind::Embedded.name()) {
        let elsewhere = |trial: &Trial| !trial.name().starts_with(Kind::Embedded.name());
        trials = trials
            .into_iter()
            .map(|trial| {
                let ignored = elsewhere(&trial) || trial.has_ignored_flag();
                trial.with_ignored_flag(ignored)
            })
            .collect();
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    hosts.block_on(benches.end());
    hosts.end();
    conclusion.exit_code()
}

fn on(hosts: &Arc<Hosts>, kind: Kind, suite: &str, (rule, test): Test) -> Trial {
    let hosts = Arc::clone(hosts);
    Trial::test(format!("{}::{suite}::{rule}", kind.name()), move || {
        hosts.block_on(test(&hosts.get(kind)));
        Ok(())
    })
}

fn alone(hosts: &Arc<Hosts>, suite: &str, (rule, test): Independent) -> Trial {
    let hosts = Arc::clone(hosts);
    Trial::test(format!("{suite}::{rule}"), move || {
        hosts.block_on(test());
        Ok(())
    })
}
