//! What each key means, its default and what it may be.

use std::{net::IpAddr, path::PathBuf};

use eventdesk_app::{DirectoryRules, access::AccessMatrix};
use url::{Host, Url};

use super::{
    Bootstrap, BuiltinIssuer, BusKind, Config, Cors, Limits, Log, Passwords, Policy, StoreKind, ViewsKind,
    reader::Reader, secret::Secret,
};
use crate::telemetry::{Format, check_level};

/// More than this is a mistake and not a limit.
const MOST: u32 = 1_000_000_000;

pub(super) fn config(reader: &mut Reader) -> Config {
    choose(reader, "store.kind", "sqlite", &["dynamodb"]);
    choose(reader, "bus.kind", "local", &["eventbridge"]);
    choose(reader, "views.kind", "sqlite", &["mongodb"]);
    choose(reader, "policy.engine", "matrix", &["rego", "opa"]);
    Config {
        listen: listen(reader),
        data: data(reader),
        base_path: base_path(reader),
        bootstrap: Bootstrap { admin_password: reader.some_text("bootstrap.admin_password").map(Secret::new) },
        builtin_issuer: BuiltinIssuer {
            enabled: reader.boolean("builtin_issuer.enabled", true),
            token_minutes: reader.number("builtin_issuer.token_minutes", 1..=1_440, 60),
            url: issuer_url(reader),
            audience: audience(reader),
        },
        passwords: passwords(reader),
        limits: Limits {
            requests_per_minute_per_principal: reader.number(
                "limits.requests_per_minute_per_principal",
                0..=MOST,
                6_000,
            ),
            login_failures_per_minute: reader.number("limits.login_failures_per_minute", 0..=MOST, 10),
        },
        policy: policy(reader),
        store: StoreKind::Sqlite,
        bus: BusKind::Local,
        views: ViewsKind::Sqlite,
        cors: cors(reader),
        directory: directory(reader),
        log: log(reader),
    }
}

/// A key that has one value in this build and others elsewhere.
fn choose(reader: &mut Reader, key: &str, here: &str, elsewhere: &[&str]) {
    match reader.text(key) {
        None => {}
        Some(text) if text == here => {}
        Some(text) if elsewhere.contains(&text.as_str()) => reader.refuse(key, "not available in this build"),
        Some(_) => reader.refuse(key, format!("must be \"{here}\"")),
    }
}

fn listen(reader: &mut Reader) -> std::net::SocketAddr {
    let default = ([127, 0, 0, 1], 8080).into();
    let Some(text) = reader.text("listen") else { return default };
    text.parse().unwrap_or_else(|_| {
        reader.refuse("listen", "must be an IP address and a port, such as 127.0.0.1:8080");
        default
    })
}

fn data(reader: &mut Reader) -> PathBuf {
    let text = reader.text("data").unwrap_or_else(|| ".eventdesk".to_owned());
    if text.is_empty() || text.contains('\0') {
        reader.refuse("data", "must name a folder");
    }
    PathBuf::from(text)
}

fn base_path(reader: &mut Reader) -> String {
    let text = reader.text("base_path").unwrap_or_default();
    let trimmed = text.trim_matches('/');
    if trimmed.is_empty() {
        return String::new();
    }
    let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let good = |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(unreserved);
    if !trimmed.split('/').all(good) {
        reader.refuse("base_path", "must be path segments of letters, digits, '-', '.', '_' and '~', such as /stage");
    }
    format!("/{trimmed}")
}

fn issuer_url(reader: &mut Reader) -> Option<String> {
    let text = reader.some_text("builtin_issuer.url")?;
    if let Err(reason) = check_issuer(&text) {
        reader.refuse("builtin_issuer.url", reason);
    }
    Some(text)
}

fn check_issuer(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "must be a URL such as https://desk.example")?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must have neither a query nor a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must name no user");
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(()),
        ("http", Some(host)) if is_loopback(&host) => Ok(()),
        ("http", Some(_)) => Err("must be https; plain http is for loopback addresses only"),
        _ => Err("must be a URL such as https://desk.example"),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => IpAddr::V4(*ip).is_loopback(),
        Host::Ipv6(ip) => IpAddr::V6(*ip).is_loopback(),
    }
}

fn audience(reader: &mut Reader) -> String {
    let text = reader.text("builtin_issuer.audience").unwrap_or_else(|| "eventdesk".to_owned());
    if text.is_empty() || text.chars().any(char::is_control) {
        reader.refuse("builtin_issuer.audience", "must be a text such as \"eventdesk\"");
    }
    text
}

fn passwords(reader: &mut Reader) -> Passwords {
    // The defaults are the least that OWASP advises for Argon2id.
    let cost = Passwords {
        argon2_memory_kib: reader.number("passwords.argon2_memory_kib", 8..=1_048_576, 19_456),
        argon2_iterations: reader.number("passwords.argon2_iterations", 1..=64, 2),
        argon2_lanes: reader.number("passwords.argon2_lanes", 1..=64, 1),
    };
    if cost.argon2_memory_kib < 8 * cost.argon2_lanes {
        reader.refuse("passwords.argon2_memory_kib", "must be at least 8 for each lane");
    }
    cost
}

fn policy(reader: &mut Reader) -> Policy {
    let Some(file) = reader.some_text("policy.file") else {
        return Policy { file: None, matrix: AccessMatrix::default() };
    };
    let read = std::fs::read_to_string(&file).map_err(|error| format!("{file} cannot be read: {error}"));
    let matrix = read.and_then(|text| AccessMatrix::from_toml(&text).map_err(|error| format!("{file}: {error}")));
    let matrix = matrix.unwrap_or_else(|reason| {
        reader.refuse("policy.file", reason.trim_end());
        AccessMatrix::default()
    });
    Policy { file: Some(file.into()), matrix }
}

fn cors(reader: &mut Reader) -> Cors {
    let origins = reader.list("cors.origins");
    for origin in &origins {
        // What a browser sends is the URL's own origin, and is compared letter by letter.
        let good = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin && url.has_host());
        if !good {
            reader.refuse("cors.origins", format!("{origin:?} is not an origin such as \"https://desk.example\""));
        }
    }
    Cors { origins }
}

fn directory(reader: &mut Reader) -> DirectoryRules {
    let rules = reader.section("directory").try_into::<DirectoryRules>();
    let rules = rules.unwrap_or_else(|error| {
        reader.refuse("directory", error.message().to_owned());
        DirectoryRules::default()
    });
    if let Err(error) = rules.validate() {
        reader.refuse(&format!("directory.{}", error.key), error.reason);
    }
    rules
}

fn log(reader: &mut Reader) -> Log {
    let format = match reader.text("log.format").as_deref() {
        None | Some("text") => Format::Text,
        Some("json") => Format::Json,
        Some(_) => {
            reader.refuse("log.format", "must be \"text\" or \"json\"");
            Format::Text
        }
    };
    let level = reader.text("log.level").unwrap_or_else(|| "info".to_owned());
    if level.is_empty() {
        reader.refuse("log.level", "must be a level such as \"info\"");
    } else if let Err(error) = check_level(&level) {
        reader.refuse("log.level", error.to_string());
    }
    Log { format, level }
}
