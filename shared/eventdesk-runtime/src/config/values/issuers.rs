//! The issuers besides the built-in one.

use std::collections::{BTreeMap, BTreeSet};

use eventdesk_app::identity::Scope;
use eventdesk_events::user::Role;

use super::{
    super::{ExternalIssuer, Secret, Validation},
    check_url,
};
use crate::config::reader::Reader;

/// For how many seconds an issuer's answer counts if nothing else is said, and at most.
const LONGEST_CACHE_S: u32 = 60;

pub(super) fn issuers(reader: &mut Reader) -> Vec<ExternalIssuer> {
    let mut urls: BTreeSet<_> = reader.some_text("builtin_issuer.url").into_iter().collect();
    let mut issuers = Vec::new();
    for section in reader.issuers() {
        let Some(issuer) = issuer(reader, &section) else { continue };
        if !urls.insert(issuer.url.clone()) {
            reader.refuse(&format!("{section}.url"), "is another issuer's, too");
        }
        issuers.push(issuer);
    }
    let asked = issuers.iter().any(|issuer| issuer.validation != Validation::Jwks);
    if !asked && reader.some_text("introspection.client_secret").is_some() {
        reader.refuse("introspection.client_secret", "goes with an issuer's validation = \"introspection\" only");
    }
    issuers
}

fn issuer(reader: &mut Reader, section: &str) -> Option<ExternalIssuer> {
    let key = |name: &str| format!("{section}.{name}");
    let (audience, roles) = (reader.list(&key("audience")), roles(reader, &key("roles")));
    let Some(url) = reader.some_text(&key("url")) else {
        reader.refuse(&key("url"), "must be given with what else is said of the issuer");
        return None;
    };
    if let Err(reason) = check_url(&url) {
        reader.refuse(&key("url"), reason);
    }
    if audience.is_empty() {
        reader.refuse(&key("audience"), "must name at least one audience");
    }
    Some(ExternalIssuer {
        url,
        audience,
        groups_claim: reader.some_text(&key("groups_claim")).unwrap_or_else(|| "groups".to_owned()),
        roles,
        scope_prefix: reader.some_text(&key("scope_prefix")).unwrap_or_default(),
        default_scopes: default_scopes(reader, &key("default_scopes")),
        docs_client_id: reader.some_text(&key("docs_client_id")),
        validation: validation(reader, section),
    })
}

fn validation(reader: &mut Reader, section: &str) -> Validation {
    let key = |name: &str| format!("{section}.{name}");
    match reader.text(&key("validation")).as_deref() {
        Some("introspection") => {}
        None | Some("jwks") => {
            for name in ["introspection_url", "introspection_client_id", "introspection_client_secret"] {
                if reader.some_text(&key(name)).is_some() {
                    reader.refuse(&key(name), "goes with validation = \"introspection\" only");
                }
            }
            return Validation::Jwks;
        }
        Some(_) => {
            reader.refuse(&key("validation"), "must be \"jwks\" or \"introspection\"");
            return Validation::Jwks;
        }
    }
    let url = reader.some_text(&key("introspection_url"));
    if let Some(Err(reason)) = url.as_deref().map(check_url) {
        reader.refuse(&key("introspection_url"), reason);
    }
    let client_id = reader.some_text(&key("introspection_client_id")).unwrap_or_default();
    if client_id.is_empty() {
        reader.refuse(&key("introspection_client_id"), "must be given with validation = \"introspection\"");
    }
    let secret = key("introspection_client_secret");
    let client_secret = reader.some_text(&secret).or_else(|| reader.some_text("introspection.client_secret"));
    if client_secret.is_none() {
        reader.refuse(&secret, "must be given, or introspection.client_secret for all issuers");
    }
    let cache_seconds = reader.number(&key("introspection_cache_seconds"), 0..=LONGEST_CACHE_S, LONGEST_CACHE_S);
    Validation::Introspection {
        url,
        client_id,
        client_secret: Secret::new(client_secret.unwrap_or_default()),
        cache_seconds,
    }
}

fn default_scopes(reader: &mut Reader, key: &str) -> Vec<String> {
    let scopes = reader.list(key);
    for scope in &scopes {
        if !Scope::ALL.iter().any(|known| known.as_str() == scope) {
            reader.refuse(key, format!("{scope:?} is no scope of the desk, such as \"tickets:read\""));
        }
    }
    scopes
}

fn roles(reader: &mut Reader, key: &str) -> BTreeMap<String, Role> {
    let mut roles = BTreeMap::new();
    for (group, role) in reader.pairs(key) {
        match Role::parse(&role) {
            Some(known) if !group.is_empty() => drop(roles.insert(group, known)),
            _ => reader.refuse(key, format!("\"{group}={role}\" is not a group and a role, such as \"staff=support\"")),
        }
    }
    roles
}
