//! Defaults, every key from both sources, and refusals.

mod issuers;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use eventdesk_app::access::AccessMatrix;

use super::*;

const ALL: &str = r#"
listen = "[::1]:9000"
data = "/var/lib/eventdesk"
base_path = "prod/desk/"
[bootstrap]
admin_password = "passWord@1"
[builtin_issuer]
enabled = false
token_minutes = 5
url = "https://desk.example/prod"
audience = "api://desk"
[passwords]
argon2_memory_kib = 65536
argon2_iterations = 3
argon2_lanes = 4
[limits]
requests_per_minute_per_principal = 0
login_failures_per_minute = 3
[policy]
engine = "matrix"
[store]
kind = "sqlite"
[bus]
kind = "local"
[views]
kind = "sqlite"
[cors]
origins = ["https://desk.example", "http://localhost:5173"]
[log]
format = "json"
level = "warn,eventdesk_app=debug"
[directory.users.username]
min = 5
pattern = "[a-z]+"
[directory.employees.city]
max = 60
[directory.password]
min = 12
require_special = false
"#;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect()
}

fn problems(text: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    match Config::read(text, variables(pairs)) {
        Ok(_) => Vec::new(),
        Err(ConfigError(problems)) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn nothing_configured_is_the_documented_default() {
    let config = Config::read("", []).unwrap();
    let expected = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        data: PathBuf::from(".eventdesk"),
        base_path: String::new(),
        bootstrap: Bootstrap { admin_password: None },
        builtin_issuer: BuiltinIssuer {
            enabled: true,
            token_minutes: 60,
            refresh_hours: 336,
            url: None,
            audience: "eventdesk".to_owned(),
        },
        passwords: Passwords { argon2_memory_kib: 19_456, argon2_iterations: 2, argon2_lanes: 1 },
        limits: Limits { requests_per_minute_per_principal: 6_000, login_failures_per_minute: 10 },
        policy: Policy { engine: PolicyEngine::Matrix { file: None }, matrix: AccessMatrix::default() },
        store: Store::Sqlite,
        bus: Bus::Local,
        views: Views::Sqlite,
        issuers: Vec::new(),
        secret_parameter: None,
        lambda: Lambda::default(),
        cors: Cors::default(),
        directory: DirectoryRules::default(),
        log: Log { format: Format::Text, level: "info".to_owned() },
    };
    assert_eq!(config, expected);
}

#[test]
fn every_section_is_read_from_the_file() {
    let config = Config::read(ALL, []).unwrap();
    assert_eq!(config.listen, "[::1]:9000".parse().unwrap());
    assert_eq!(config.base_path, "/prod/desk");
    assert_eq!(config.bootstrap.admin_password.as_ref().unwrap().reveal(), "passWord@1");
    assert_eq!(config.builtin_issuer.url.as_deref(), Some("https://desk.example/prod"));
    assert_eq!((config.builtin_issuer.enabled, config.builtin_issuer.token_minutes), (false, 5));
    assert_eq!(config.passwords, Passwords { argon2_memory_kib: 65_536, argon2_iterations: 3, argon2_lanes: 4 });
    assert_eq!(config.limits.requests_per_minute_per_principal, 0);
    assert_eq!(config.cors.origins, ["https://desk.example", "http://localhost:5173"]);
    assert_eq!(config.log.format, Format::Json);
    assert_eq!(config.directory.users.username.min, Some(5));
    assert_eq!(config.directory.employees.city.max, Some(60));
    assert_eq!((config.directory.password.min, config.directory.password.require_special), (12, false));
    assert!(config.directory.password.require_upper, "what is left out keeps its default");
}

#[test]
fn every_key_can_be_a_variable_and_a_variable_wins() {
    let config = Config::read(
        ALL,
        variables(&[
            ("EVENTDESK_LISTEN", "127.0.0.1:0"),
            ("EVENTDESK_DATA", "elsewhere"),
            ("EVENTDESK_BASE_PATH", ""),
            ("EVENTDESK_BOOTSTRAP_ADMIN_PASSWORD", "otherWord@1"),
            ("EVENTDESK_BUILTIN_ISSUER_ENABLED", "true"),
            ("EVENTDESK_BUILTIN_ISSUER_URL", ""),
            ("EVENTDESK_PASSWORDS_ARGON2_LANES", "1"),
            ("EVENTDESK_LIMITS_REQUESTS_PER_MINUTE_PER_PRINCIPAL", "60"),
            ("EVENTDESK_CORS_ORIGINS", "https://a.example, https://b.example:8443,"),
            ("EVENTDESK_DIRECTORY_USERS_USERNAME_MIN", "7"),
            ("EVENTDESK_DIRECTORY_PASSWORD_REQUIRE_SPECIAL", "true"),
            ("EVENTDESK_DIRECTORY_PASSWORD_SPECIAL", "!?"),
            ("OTHER_VARIABLE", "is nobody's business"),
        ]),
    )
    .unwrap();
    assert_eq!(config.listen.port(), 0);
    assert_eq!((config.data.to_str(), config.base_path.as_str()), (Some("elsewhere"), ""));
    assert_eq!(config.bootstrap.admin_password.unwrap().reveal(), "otherWord@1");
    assert_eq!((config.builtin_issuer.enabled, config.builtin_issuer.url), (true, None));
    assert_eq!((config.passwords.argon2_lanes, config.passwords.argon2_iterations), (1, 3));
    assert_eq!(config.limits.requests_per_minute_per_principal, 60);
    assert_eq!(config.cors.origins, ["https://a.example", "https://b.example:8443"]);
    assert_eq!(config.directory.users.username.min, Some(7));
    assert_eq!(config.directory.users.username.pattern.unwrap().as_str(), "[a-z]+", "the file's stays");
    assert_eq!(config.directory.password.special, "!?");
}

#[test]
fn every_key_of_the_directory_rules_is_known() {
    for (key, kind) in keys::all().into_iter().filter(|(key, _)| key.starts_with("directory.")) {
        let value = match (kind, key.rsplit('.').next()) {
            (keys::Kind::Boolean, _) => "true",
            (keys::Kind::Text, _) => "x",
            (_, Some("min")) => "1",
            _ => "100",
        };
        assert_eq!(problems("", &[(&keys::variable(&key), value)]), [""; 0], "{key}");
    }
}

#[test]
fn each_wrong_value_is_refused_with_key_and_reason() {
    let cases = [
        ("listen = \"localhost\"", "listen: must be an IP address and a port, such as 127.0.0.1:8080"),
        ("listen = 8080", "listen: must be a text"),
        ("listen = \"127.0.0.1:70000\"", "listen: must be an IP address and a port, such as 127.0.0.1:8080"),
        ("data = \"\"", "data: must name a folder"),
        ("base_path = \"/a//b\"", "base_path: must be path segments"),
        ("base_path = \"/a/../b\"", "base_path: must be path segments"),
        ("base_path = \"/a?b\"", "base_path: must be path segments"),
        ("port = 1", "port: unknown key"),
        ("[unknown]\nkey = 1", "unknown: unknown key"),
        ("[unknown]", "unknown: unknown key"),
        ("limits = 3", "limits: is a section, not a value"),
        ("[limits]\nlogin_failures = 3", "limits.login_failures: unknown key"),
        ("[limits]\nlogin_failures_per_minute = -1", "limits.login_failures_per_minute: must be 0 to 1000000000"),
        ("[limits]\nlogin_failures_per_minute = 1.5", "limits.login_failures_per_minute: must be a whole number"),
        ("[listen]\nport = 1", "listen: must be a text"),
        ("[builtin_issuer]\nenabled = \"yes\"", "builtin_issuer.enabled: must be true or false"),
        ("[builtin_issuer]\ntoken_minutes = 0", "builtin_issuer.token_minutes: must be 1 to 1440"),
        ("[builtin_issuer]\nrefresh_hours = 8761", "builtin_issuer.refresh_hours: must be 0 to 8760"),
        ("[builtin_issuer]\nurl = \"desk\"", "builtin_issuer.url: must be a URL such as https://desk.example"),
        ("[builtin_issuer]\nurl = \"ftp://desk.example\"", "builtin_issuer.url: must be a URL"),
        ("[builtin_issuer]\nurl = \"http://desk.example\"", "builtin_issuer.url: must be https"),
        ("[builtin_issuer]\nurl = \"http://127.0.0.1.evil.example\"", "builtin_issuer.url: must be https"),
        ("[builtin_issuer]\nurl = \"https://desk.example?x=1\"", "builtin_issuer.url: must have neither"),
        ("[builtin_issuer]\nurl = \"https://a:b@desk.example\"", "builtin_issuer.url: must name no user"),
        ("[builtin_issuer]\naudience = \"\"", "builtin_issuer.audience: must be a text"),
        ("[passwords]\nargon2_memory_kib = 4", "passwords.argon2_memory_kib: must be 8 to 1048576"),
        ("[passwords]\nargon2_memory_kib = 8\nargon2_lanes = 2", "passwords.argon2_memory_kib: must be at least 8"),
        ("[passwords]\nargon2_iterations = 0", "passwords.argon2_iterations: must be 1 to 64"),
        ("[policy]\nengine = \"magic\"", "policy.engine: must be \"matrix\", \"rego\" or \"opa\""),
        ("[policy]\nengine = \"rego\"", "policy.file: must name the policy"),
        ("[policy]\nengine = \"rego\"\nfile = \"/nowhere/a.rego\"", "policy.file: /nowhere/a.rego cannot be read"),
        ("[policy]\nengine = \"opa\"", "policy.url: must be given with policy.engine = \"opa\""),
        ("[policy]\nengine = \"opa\"\nurl = \"http://opa.example/v1\"", "policy.url: must be https"),
        ("[policy]\nengine = \"opa\"\nurl = \"https://a:b@opa.example/v1\"", "policy.url: must name no user"),
        ("[policy]\nengine = \"opa\"\nurl = \"https://x.example\"\nfile = \"a\"", "policy.file: goes with"),
        (
            "[policy]\nengine = \"opa\"\nurl = \"https://x.example\"\nremember_ms = 5001",
            "policy.remember_ms: must be 0",
        ),
        ("[policy]\nengine = \"opa\"\nurl = \"https://x.example\"\ntimeout_ms = 0", "policy.timeout_ms: must be 10 to"),
        ("[policy]\nurl = \"https://opa.example/v1\"", "policy.url: goes with policy.engine = \"opa\" only"),
        ("[policy]\ntimeout_ms = 100", "policy.timeout_ms: goes with policy.engine = \"opa\" only"),
        ("[policy]\nfile = \"/nowhere/access.toml\"", "policy.file: /nowhere/access.toml cannot be read"),
        ("[store]\nkind = \"dynamodb\"", "store.table: must be given with store.kind = \"dynamodb\""),
        ("[store]\nkind = \"csv\"", "store.kind: must be \"sqlite\" or \"dynamodb\""),
        ("[store]\ntable = \"events\"", "store.table: goes with store.kind = \"dynamodb\" only"),
        ("[store]\nidentity_table = \"people\"", "store.identity_table: goes with store.kind = \"dynamodb\" only"),
        ("[bus]\nkind = \"eventbridge\"", "bus.name: must be given"),
        (
            "[store]\nkind = \"dynamodb\"\ntable = \"t\"\n[bus]\nkind = \"local\"",
            "bus.kind: must be \"eventbridge\" with store.kind",
        ),
        ("[views]\nkind = \"mongodb\"", "views.uri: must be given"),
        ("[views]\ndatabase = \"desk\"", "views.database: goes with views.kind = \"mongodb\" only"),
        ("[[issuer]]\nurl = \"https://x.example\"", "issuer.audience: must name at least one audience"),
        ("[[issuer]]\nurl = \"http://x.example\"\naudience = [\"desk\"]", "issuer.url: must be https"),
        ("[[issuer]]\naudience = [\"desk\"]", "issuer.url: must be given"),
        ("[[issuer]]", "issuer.url: must be given"),
        ("[issuer]\nroles = [\"staff\"]", "issuer.roles: \"staff\" has no ="),
        ("[issuer]\nroles = [\"staff=emperor\"]", "issuer.roles: \"staff=emperor\" is not a group and a role"),
        ("[issuer]\nroles = { staff = \"emperor\" }", "issuer.roles: \"staff=emperor\" is not a group and a role"),
        ("[issuer]\nroles = { staff = 1 }", "issuer.roles: must be a table of texts"),
        (
            "[issuer]\nvalidation = \"trust\"\nurl = \"https://x.example\"\naudience = [\"desk\"]",
            "issuer.validation: must be",
        ),
        (
            "[issuer]\nintrospection_client_id = \"x\"\nurl = \"https://x.example\"\naudience = [\"desk\"]",
            "issuer.introspection_client_id: goes with validation",
        ),
        (
            "[introspection]\nclient_secret = \"sesame\"",
            "introspection.client_secret: goes with an issuer's validation",
        ),
        ("[[limits]]\nlogin_failures_per_minute = 1", "limits: is a section, not a value"),
        ("[cors]\norigins = [\"*\"]", "cors.origins: \"*\" is not an origin"),
        ("[cors]\norigins = [\"https://desk.example/\"]", "cors.origins: \"https://desk.example/\" is not an origin"),
        ("[cors]\norigins = \"https://desk.example\"", "cors.origins: must be a list of texts"),
        ("[cors]\norigins = [1]", "cors.origins: must be a list of texts"),
        ("[log]\nformat = \"xml\"", "log.format: must be \"text\" or \"json\""),
        ("[log]\nlevel = \"a=b=c\"", "log.level: not a log level or filter"),
        ("[log]\nlevel = \"\"", "log.level: must be a level"),
        ("[directory.users.username]\nmin = 100", "directory.users.username.min: no text has 100 to 64 characters"),
        ("[directory.users.email]\npattern = \"(\"", "directory.users.email.pattern: not a regular expression"),
        ("[directory.users.shoe_size]\nmin = 1", "directory.users.shoe_size: unknown key"),
        ("[directory.password]\nmax = 5000", "directory.password.max: must be at most 1024"),
    ];
    for (text, expected) in cases {
        let found = problems(text, &[]);
        assert!(found.first().is_some_and(|problem| problem.starts_with(expected)), "{text}: {found:?}");
    }
}

#[test]
fn variables_are_refused_by_name() {
    for (name, value, expected) in [
        ("EVENTDESK_LISTN", "x", "EVENTDESK_LISTN: unknown variable"),
        ("EVENTDESK_LIMITS", "x", "EVENTDESK_LIMITS: unknown variable"),
        (
            "EVENTDESK_PASSWORDS_ARGON2_LANES",
            "two",
            "passwords.argon2_lanes: must be a whole number (from EVENTDESK_PASSWORDS_ARGON2_LANES)",
        ),
        (
            "EVENTDESK_PASSWORDS_ARGON2_LANES",
            "",
            "passwords.argon2_lanes: must be a whole number (from EVENTDESK_PASSWORDS_ARGON2_LANES)",
        ),
        (
            "EVENTDESK_BUILTIN_ISSUER_ENABLED",
            "1",
            "builtin_issuer.enabled: must be true or false (from EVENTDESK_BUILTIN_ISSUER_ENABLED)",
        ),
        (
            "EVENTDESK_VIEWS_URI",
            "mongodb://h",
            "views.uri: goes with views.kind = \"mongodb\" only (from EVENTDESK_VIEWS_URI)",
        ),
    ] {
        assert_eq!(problems("", &[(name, value)]), [expected]);
    }
    let not_unicode = Config::read("", [("EVENTDESK_DATA".to_owned(), None)]).unwrap_err();
    assert_eq!(not_unicode.0[0].to_string(), "data: not Unicode (from EVENTDESK_DATA)");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = "colour = 1\nlisten = \"nowhere\"\n[store]\nkind = \"csv\"\n[limits]\nlogin_failures_per_minute = true";
    let found = problems(text, &[("EVENTDESK_NONSENSE", "1"), ("EVENTDESK_LOG_FORMAT", "xml")]);
    for key in
        ["colour", "listen", "store.kind", "limits.login_failures_per_minute", "EVENTDESK_NONSENSE", "log.format"]
    {
        assert!(found.iter().any(|problem| problem.starts_with(&format!("{key}: "))), "{key}: {found:?}");
    }
    assert_eq!(found.len(), 6);
    let message = Config::read(text, []).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 1 + 4, "{message}");
}

#[test]
fn what_is_no_toml_is_said_by_line_and_without_repeating_it() {
    let text = "listen = \"127.0.0.1:8080\"\n[bootstrap]\nadmin_password = \"sesame\" oops\n";
    let found = problems(text, &[]);
    assert!(found[0].starts_with("the file: not TOML at line 3"), "{found:?}");
    assert!(!found[0].contains("sesame"), "{found:?}");
}

#[test]
fn secrets_show_nowhere() {
    let config = Config::read("[bootstrap]\nadmin_password = \"sesame-7\"", []).unwrap();
    assert!(!format!("{config:?}").contains("sesame"), "{config:?}");
    let found = problems("[bootstrap]\nadmin_password = [\"sesame-7\"]", &[]);
    assert_eq!(found, ["bootstrap.admin_password: must be a text"]);
}

#[test]
fn an_access_file_is_read_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.toml");
    let with_file = |content: &str| {
        std::fs::write(&file, content).unwrap();
        Config::read("", variables(&[("EVENTDESK_POLICY_FILE", file.to_str().unwrap())]))
    };
    let own = eventdesk_app::access::DEFAULT_ACCESS
        .replace(r#""administer" = ["admin"]"#, r#""administer" = ["admin", "manager"]"#);
    let config = with_file(&own).unwrap();
    assert_eq!(config.policy.engine, PolicyEngine::Matrix { file: Some(file.clone()) });
    assert_ne!(config.policy.matrix, AccessMatrix::default());
    let whole = eventdesk_app::access::DEFAULT_ACCESS;
    for (content, named) in [
        (whole.replace(r#""administer" = ["admin"]"#, r#""administer" = ["king"]"#), "king"),
        (format!("{whole}\n\"tickets.burn\" = [\"admin\"]"), "tickets.burn"),
        (whole.replace(r#""administer" = ["admin"]"#, ""), "administer is missing"),
        (format!("{whole}\n[roles]\nking = \"admin\""), "roles"),
        ("permissions = 1".to_owned(), "permissions"),
    ] {
        let error = with_file(&content).unwrap_err().to_string();
        assert!(error.contains("policy.file: ") && error.contains(named), "{named}: {error}");
    }
}

#[test]
fn a_policy_engine_is_configured_with_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.rego");
    std::fs::write(&file, "package own").unwrap();
    let path = file.to_str().unwrap();
    let config = Config::read("", variables(&[("EVENTDESK_POLICY_ENGINE", "rego"), ("EVENTDESK_POLICY_FILE", path)]));
    assert_eq!(config.unwrap().policy.engine, PolicyEngine::Rego { file, text: "package own".to_owned() });
    let url = "http://127.0.0.1:8181/v1/data/eventdesk/authz/allow";
    let text = format!("[policy]\nengine = \"opa\"\nurl = \"{url}\"\ntimeout_ms = 250");
    let (timeout, remember) = (Duration::from_millis(250), Duration::from_secs(2));
    let wanted = PolicyEngine::Opa { url: url.to_owned(), timeout, remember };
    assert_eq!(Config::read(&text, []).unwrap().policy.engine, wanted);
}

#[test]
fn the_issuers_url_is_the_configured_one_or_the_servers_own() {
    let config = Config::read("", []).unwrap();
    for (bound, url) in [
        ("127.0.0.1:40123", "http://127.0.0.1:40123"),
        ("[::1]:9000", "http://[::1]:9000"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("192.0.2.1:80", "http://192.0.2.1:80"),
    ] {
        assert_eq!(config.issuer_url(bound.parse().unwrap()), url);
    }
    let config = Config::read("[builtin_issuer]\nurl = \"https://desk.example/prod\"", []).unwrap();
    assert_eq!(config.issuer_url("127.0.0.1:1".parse().unwrap()), "https://desk.example/prod");
    for url in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]", "https://desk.example"] {
        assert_eq!(problems(&format!("[builtin_issuer]\nurl = \"{url}\""), &[]), [""; 0]);
    }
}

#[test]
fn the_example_in_the_documentation_is_understood_as_far_as_this_build_goes() {
    let text = "listen = \"127.0.0.1:8080\"\ndata = \".eventdesk\"\nbase_path = \"\"\n[bootstrap]\nadmin_password = \"\"\n\
        [builtin_issuer]\nenabled = true\ntoken_minutes = 60\n[policy]\nengine = \"matrix\"\n\
        [limits]\nrequests_per_minute_per_principal = 6000\nlogin_failures_per_minute = 10\n\
        [store]\nkind = \"sqlite\"\n[bus]\nkind = \"local\"\n[views]\nkind = \"sqlite\"\n";
    assert_eq!(Config::read(text, []).unwrap(), Config::read("", []).unwrap());
}

#[test]
fn the_services_of_a_cloud_are_named_by_variables() {
    let given = [
        ("EVENTDESK_STORE_KIND", "dynamodb"),
        ("EVENTDESK_STORE_TABLE", "desk-store"),
        ("EVENTDESK_STORE_IDENTITY_TABLE", "desk-identity"),
        ("EVENTDESK_BUS_KIND", "eventbridge"),
        ("EVENTDESK_BUS_NAME", "desk"),
        ("EVENTDESK_VIEWS_KIND", "mongodb"),
        ("EVENTDESK_VIEWS_URI", "mongodb://127.0.0.1"),
        ("EVENTDESK_VIEWS_DATABASE", "desk"),
        ("EVENTDESK_SECRET_PARAMETER", "/desk/secret"),
    ];
    let config = Config::read("", variables(&given)).unwrap();
    let identity_table = Some("desk-identity".to_owned());
    assert_eq!(config.store, Store::DynamoDb { table: "desk-store".to_owned(), identity_table });
    assert_eq!(config.bus, Bus::EventBridge { name: "desk".to_owned() });
    let uri = "mongodb://127.0.0.1".to_owned();
    assert_eq!(config.views, Views::MongoDb { uri, database: Some("desk".to_owned()) });
    assert_eq!(config.secret_parameter.as_deref(), Some("/desk/secret"));
}
