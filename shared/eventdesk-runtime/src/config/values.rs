//! What each key means, its default and what it may be.

mod issuers;

use std::{net::IpAddr, path::PathBuf};

use eventdesk_app::DirectoryRules;
use url::{Host, Url};

use super::{
    Bootstrap, BuiltinIssuer, Bus, Config, Cors, Lambda, Limits, Log, Passwords, Store, Views, policy::policy,
    reader::Reader, secret::Secret,
};
use crate::telemetry::{Format, check_level};

/// More than this is a mistake and not a limit.
const MOST: u32 = 1_000_000_000;

pub(super) fn config(reader: &mut Reader) -> Config {
    Config {
        listen: listen(reader),
        data: data(reader),
        base_path: base_path(reader),
        bootstrap: Bootstrap { admin_password: reader.some_text("bootstrap.admin_password").map(Secret::new) },
        builtin_issuer: BuiltinIssuer {
            enabled: reader.boolean("builtin_issuer.enabled", true),
            token_minutes: reader.number("builtin_issuer.token_minutes", 1..=1_440, 60),
            refresh_hours: reader.number("builtin_issuer.refresh_hours", 0..=8_760, 336),
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
        store: store(reader),
        bus: bus(reader),
        views: views(reader),
        issuers: issuers::issuers(reader),
        secret_parameter: reader.some_text("secret.parameter"),
        cors: cors(reader),
        directory: directory(reader),
        lambda: Lambda { shutdown_signal: reader.boolean("lambda.shutdown_signal", false) },
        log: log(reader),
    }
}

/// What else must be given for a kind, and what must not.
fn of_kind(
    reader: &mut Reader,
    section: &str,
    kind: &str,
    needed: &str,
    others: &[&str],
    chosen: bool,
) -> Option<String> {
    let key = format!("{section}.{needed}");
    let given = reader.some_text(&key);
    if chosen && given.is_none() {
        reader.refuse(&key, format!("must be given with {section}.kind = \"{kind}\""));
    }
    if !chosen {
        for name in [needed].iter().chain(others) {
            let key = format!("{section}.{name}");
            if reader.some_text(&key).is_some() {
                reader.refuse(&key, format!("goes with {section}.kind = \"{kind}\" only"));
            }
        }
    }
    given.filter(|_| chosen)
}

/// Which of two kinds it is: whether it is the second.
fn second_kind(reader: &mut Reader, key: &str, first: &str, second: &str) -> bool {
    match reader.text(key) {
        Some(text) if text == second => true,
        Some(text) if text != first => {
            reader.refuse(key, format!("must be \"{first}\" or \"{second}\""));
            false
        }
        _ => false,
    }
}

fn store(reader: &mut Reader) -> Store {
    let chosen = second_kind(reader, "store.kind", "sqlite", "dynamodb");
    match of_kind(reader, "store", "dynamodb", "table", &["identity_table"], chosen) {
        Some(table) => Store::DynamoDb { table, identity_table: reader.some_text("store.identity_table") },
        None => Store::Sqlite,
    }
}

fn bus(reader: &mut Reader) -> Bus {
    let chosen = second_kind(reader, "bus.kind", "local", "eventbridge");
    if !chosen && reader.text("store.kind").as_deref() == Some("dynamodb") && reader.text("bus.kind").is_some() {
        reader.refuse(
            "bus.kind",
            "must be \"eventbridge\" with store.kind = \"dynamodb\": the local bus reads the SQLite file",
        );
    }
    match of_kind(reader, "bus", "eventbridge", "name", &[], chosen) {
        Some(name) => Bus::EventBridge { name },
        None => Bus::Local,
    }
}

fn views(reader: &mut Reader) -> Views {
    let chosen = second_kind(reader, "views.kind", "sqlite", "mongodb");
    match of_kind(reader, "views", "mongodb", "uri", &["database"], chosen) {
        Some(uri) => Views::MongoDb { uri, database: reader.some_text("views.database") },
        None => Views::Sqlite,
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
    if let Err(reason) = check_url(&text) {
        reader.refuse("builtin_issuer.url", reason);
    }
    Some(text)
}

pub(super) fn check_url(text: &str) -> Result<(), &'static str> {
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
