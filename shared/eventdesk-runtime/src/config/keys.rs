//! All keys there are.

/// Begins the name of every variable.
pub(super) const PREFIX: &str = "EVENTDESK_";

/// What a key's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Boolean,
    /// Of texts; parted by commas in a variable.
    List,
    /// Texts by texts: a table, or a list of `name=text`, which is the form in a variable.
    Pairs,
}

const PLAIN: &[(&str, Kind)] = &[
    ("listen", Kind::Text),
    ("data", Kind::Text),
    ("base_path", Kind::Text),
    ("bootstrap.admin_password", Kind::Text),
    ("builtin_issuer.enabled", Kind::Boolean),
    ("builtin_issuer.token_minutes", Kind::Integer),
    ("builtin_issuer.refresh_hours", Kind::Integer),
    ("builtin_issuer.url", Kind::Text),
    ("builtin_issuer.audience", Kind::Text),
    ("passwords.argon2_memory_kib", Kind::Integer),
    ("passwords.argon2_iterations", Kind::Integer),
    ("passwords.argon2_lanes", Kind::Integer),
    ("limits.requests_per_minute_per_principal", Kind::Integer),
    ("limits.login_failures_per_minute", Kind::Integer),
    ("policy.engine", Kind::Text),
    ("policy.file", Kind::Text),
    ("policy.url", Kind::Text),
    ("policy.timeout_ms", Kind::Integer),
    ("policy.remember_ms", Kind::Integer),
    ("store.kind", Kind::Text),
    ("store.table", Kind::Text),
    ("store.identity_table", Kind::Text),
    ("bus.kind", Kind::Text),
    ("bus.name", Kind::Text),
    ("views.kind", Kind::Text),
    ("views.uri", Kind::Text),
    ("views.database", Kind::Text),
    ("cors.origins", Kind::List),
    ("lambda.shutdown_signal", Kind::Boolean),
    ("log.format", Kind::Text),
    ("log.level", Kind::Text),
    ("secret.parameter", Kind::Text),
    ("introspection.client_secret", Kind::Text),
    ("directory.password.min", Kind::Integer),
    ("directory.password.max", Kind::Integer),
    ("directory.password.require_upper", Kind::Boolean),
    ("directory.password.require_lower", Kind::Boolean),
    ("directory.password.require_digit", Kind::Boolean),
    ("directory.password.require_special", Kind::Boolean),
    ("directory.password.special", Kind::Text),
];

/// What can be said of each issuer.
const ISSUER_KEYS: &[(&str, Kind)] = &[
    ("url", Kind::Text),
    ("audience", Kind::List),
    ("groups_claim", Kind::Text),
    ("roles", Kind::Pairs),
    ("scope_prefix", Kind::Text),
    ("default_scopes", Kind::List),
    ("docs_client_id", Kind::Text),
    ("validation", Kind::Text),
    ("introspection_url", Kind::Text),
    ("introspection_client_id", Kind::Text),
    ("introspection_client_secret", Kind::Text),
    ("introspection_cache_seconds", Kind::Integer),
];

/// The section that may stand several times.
pub(super) const ISSUER: &str = "issuer";
/// How many issuers there may be.
pub(super) const MOST_ISSUERS: usize = 8;

/// The section of the issuer at `index`: `issuer`, `issuer.2`, `issuer.3`, …
pub(super) fn issuer(index: usize) -> String {
    if index == 0 { ISSUER.to_owned() } else { format!("{ISSUER}.{}", index + 1) }
}

const USER_FIELDS: &[&str] = &["username", "first_name", "last_name", "phone", "email"];
const EMPLOYEE_FIELDS: &[&str] =
    &["first_name", "last_name", "nick_name", "phone", "email", "country", "city", "address"];
const FIELD_KEYS: &[(&str, Kind)] = &[("min", Kind::Integer), ("max", Kind::Integer), ("pattern", Kind::Text)];

/// Every key with its kind.
pub(super) fn all() -> Vec<(String, Kind)> {
    let mut keys: Vec<_> = PLAIN.iter().map(|(key, kind)| ((*key).to_owned(), *kind)).collect();
    for section in (0..MOST_ISSUERS).map(issuer) {
        keys.extend(ISSUER_KEYS.iter().map(|(key, kind)| (format!("{section}.{key}"), *kind)));
    }
    for (group, fields) in [("users", USER_FIELDS), ("employees", EMPLOYEE_FIELDS)] {
        for field in fields {
            keys.extend(FIELD_KEYS.iter().map(|(key, kind)| (format!("directory.{group}.{field}.{key}"), *kind)));
        }
    }
    keys
}

/// The variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}
