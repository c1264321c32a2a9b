//! The map of the workspace: which crate may know which.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

const MEMORY: &str = "eventdesk-memory";
const ADAPTERS: [&str; 4] = [MEMORY, "eventdesk-sqlite", "eventdesk-aws", "eventdesk-mongo"];
const CONTRACT: &str = "eventdesk-contract";
const TESTS: &str = "eventdesk-tests";
const FUNCTIONS: [&str; 6] = ["command", "projector", "query", "identity", "audit", "eventdesk"];

/// What each crate may depend on among ours; a function may use every crate of `shared/` but the contract suites.
const MAY_USE: [(&str, &[&str]); 18] = [
    ("eventdesk-events", &[]),
    ("eventdesk-domain", &["eventdesk-events"]),
    ("eventdesk-app", &["eventdesk-events", "eventdesk-domain"]),
    ("eventdesk-http", &["eventdesk-events", "eventdesk-domain", "eventdesk-app"]),
    ("eventdesk-memory", &["eventdesk-events", "eventdesk-app"]),
    ("eventdesk-sqlite", &["eventdesk-events", "eventdesk-app"]),
    ("eventdesk-aws", &["eventdesk-events", "eventdesk-app"]),
    ("eventdesk-mongo", &["eventdesk-events", "eventdesk-app"]),
    (CONTRACT, &["eventdesk-events", "eventdesk-app"]),
    ("eventdesk-runtime", &["eventdesk-events", "eventdesk-app"]),
    ("eventdesk-outbound", &[]),
    ("eventdesk-identity", &["eventdesk-events", "eventdesk-app", "eventdesk-outbound"]),
    ("eventdesk-policy", &["eventdesk-events", "eventdesk-app", "eventdesk-outbound"]),
    ("eventdesk-gateway", &["eventdesk-events", "eventdesk-app", "eventdesk-http", "eventdesk-identity"]),
    (
        "eventdesk-desk",
        &[
            "eventdesk-app",
            "eventdesk-http",
            "eventdesk-identity",
            "eventdesk-outbound",
            "eventdesk-policy",
            "eventdesk-runtime",
        ],
    ),
    ("eventdesk-local", &["eventdesk-app", "eventdesk-identity", "eventdesk-runtime", "eventdesk-sqlite"]),
    ("eventdesk-lambda", &["eventdesk-events", "eventdesk-app", "eventdesk-http", "eventdesk-runtime"]),
    (
        "eventdesk-cloud",
        &[
            "eventdesk-events",
            "eventdesk-app",
            "eventdesk-desk",
            "eventdesk-identity",
            "eventdesk-runtime",
            "eventdesk-aws",
            "eventdesk-mongo",
        ],
    ),
];

/// The workspace's own crates; dependencies from elsewhere are not resolved, so this works without a network.
fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo tells about this workspace")
}

fn ours(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    let named = package.dependencies.iter().filter(|dependency| kinds.contains(&dependency.kind));
    named.map(|dependency| dependency.name.clone()).filter(|name| name.starts_with("eventdesk")).collect()
}

fn allowed(crate_name: &str) -> Option<BTreeSet<String>> {
    let table: BTreeMap<_, _> = MAY_USE.into_iter().collect();
    if FUNCTIONS.contains(&crate_name) {
        return Some(table.keys().filter(|name| **name != CONTRACT).map(ToString::to_string).collect());
    }
    table.get(crate_name).map(|names| names.iter().map(ToString::to_string).collect())
}

#[test]
fn arrows_point_from_functions_to_events() {
    for package in metadata().workspace_packages() {
        let name = package.name.as_str();
        if name == TESTS {
            continue;
        }
        let allowed = allowed(name).unwrap_or_else(|| panic!("{name} has no row in the table of arrows"));
        let used = ours(package, &[DependencyKind::Normal, DependencyKind::Build]);
        let wrong: Vec<_> = used.difference(&allowed).collect();
        assert!(wrong.is_empty(), "{name} may not depend on {wrong:?}");
    }
}

#[test]
fn contract_suites_are_only_ever_for_development() {
    for package in metadata().workspace_packages() {
        let shipped = ours(package, &[DependencyKind::Normal, DependencyKind::Build]);
        assert!(!shipped.contains(CONTRACT) || package.name == TESTS, "{} ships the contract suites", package.name);
        assert!(!shipped.contains(TESTS), "{} depends on the tests", package.name);
    }
}

#[test]
fn adapters_never_know_each_other() {
    let any = [DependencyKind::Normal, DependencyKind::Build, DependencyKind::Development];
    for package in metadata().workspace_packages() {
        if ADAPTERS.contains(&package.name.as_str()) {
            let shipped = ours(package, &any[..2]);
            // Tests may stand on memory for the ports that an adapter does not have.
            let known = ours(package, &any);
            let wrong = |other: &&&str| known.contains(**other) && (**other != MEMORY || shipped.contains(MEMORY));
            let wrong: Vec<_> = ADAPTERS.iter().filter(wrong).collect();
            assert!(wrong.is_empty(), "{} knows {wrong:?}", package.name);
        }
    }
}

#[test]
fn events_and_rules_know_no_outside_technology() {
    let outside = ["tokio", "axum", "http", "reqwest", "rusqlite", "aws_lambda_events", "lambda_runtime", "getrandom"];
    for package in metadata().workspace_packages() {
        if matches!(package.name.as_str(), "eventdesk-events" | "eventdesk-domain") {
            for dependency in package.dependencies.iter().filter(|one| one.kind == DependencyKind::Normal) {
                assert!(!outside.contains(&dependency.name.as_str()), "{} uses {}", package.name, dependency.name);
            }
        }
    }
}

#[test]
fn a_folder_is_named_as_its_crate() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let folder = package.manifest_path.parent().expect("a manifest lies in a folder");
        let place = folder.strip_prefix(&metadata.workspace_root).expect("ours lie in the workspace");
        let name = package.name.as_str();
        let wanted = match name {
            "eventdesk-events" => "events".to_owned(),
            TESTS => "tests".to_owned(),
            _ if FUNCTIONS.contains(&name) => format!("functions/{name}"),
            _ => format!("shared/{name}"),
        };
        assert_eq!(place.as_str(), wanted);
    }
}

#[test]
fn every_crate_takes_the_workspace_lints_and_every_entry_point_is_short() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest can be read");
        assert!(
            manifest.contains("[lints]\nworkspace = true") || manifest.contains("lints.workspace = true"),
            "{}",
            package.name
        );
        let name = package.name.as_str();
        if FUNCTIONS.contains(&name) && name != "eventdesk" {
            let main = package.manifest_path.with_file_name("src").join("main.rs");
            let lines = std::fs::read_to_string(&main).expect("a binary has a main.rs").lines().count();
            assert!(lines < 40, "{main} has {lines} lines");
        }
    }
}
