//! What must hold of the claims (RFC 7519, section 4.1), and the form in which they are handed on.

use serde_json::{Map, Value};

use super::{Refusal, StringClaims, Trust, Verified};

/// How far the issuer's clock may be ahead, for `nbf` and `iat`. The end of a token is its end: `exp` has no leeway.
const LEEWAY_S: i64 = 60;

type Claims = Map<String, Value>;

/// Checks claims whose signature was good.
pub(super) fn check(claims: &Claims, trust: &Trust, now_s: i64) -> Result<Verified, Refusal> {
    if claims.get("iss").and_then(Value::as_str) != Some(&trust.issuer) {
        return Err(Refusal::Issuer);
    }
    // RFC 7519, section 4.1.2: anything else could be read as somebody else's.
    if claims.get("sub").is_some_and(|subject| !subject.is_string()) {
        return Err(Refusal::Malformed);
    }
    if !is_for(claims, &trust.audiences) {
        return Err(Refusal::Audience);
    }
    let expires_at = seconds(claims, "exp")?.ok_or(Refusal::Expired)?;
    if now_s >= expires_at {
        return Err(Refusal::Expired);
    }
    for begin in ["nbf", "iat"] {
        if seconds(claims, begin)?.is_some_and(|begin| begin > now_s.saturating_add(LEEWAY_S)) {
            return Err(Refusal::NotYetValid);
        }
    }
    let mut texts: StringClaims =
        claims.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect();
    if let Some(groups) = groups(claims, &trust.groups_claim) {
        texts.insert(trust.groups_claim.clone(), groups);
    }
    let scopes = scopes(claims, trust);
    if !trust.scope_prefix.is_empty() || !trust.default_scopes.is_empty() {
        // The functions read them there.
        texts.insert("scope".to_owned(), scopes.join(" "));
    }
    Ok(Verified { claims: texts.into(), scopes: scopes.into(), expires_at })
}

/// What an issuer says of an active token, in the form of a token's claims: whose word it is goes without saying, an
/// end has only what is to be kept for a while, and a client's own token may have no other subject.
pub(super) fn of_introspection(mut said: Claims, trust: &Trust, ends_at_latest_s: i64) -> Claims {
    said.entry("iss").or_insert_with(|| trust.issuer.clone().into());
    said.entry("exp").or_insert_with(|| ends_at_latest_s.into());
    if let Some(client) = said.get("client_id").cloned() {
        said.entry("sub").or_insert(client);
    }
    said
}

/// The groups in a text that says exactly which they are: the service's own form, but JSON where a name would come
/// apart in it. The claim is the one of this name, else the one to which the name is the way, parted by dots.
fn groups(claims: &Claims, name: &str) -> Option<String> {
    let value = claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, member| value.get(member))
    })?;
    let Value::Array(list) = value else { return text(value) };
    let names: Vec<_> = list.iter().filter(|one| !one.is_array() && !one.is_object()).filter_map(text).collect();
    let comes_apart = |name: &String| {
        name.is_empty() || name.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '"'))
    };
    if names.iter().any(comes_apart) {
        return Some(Value::from(names).to_string());
    }
    Some(format!("[{}]", names.join(" ")))
}

/// `aud`, one or a list, names one of the audiences; `client_id` counts only if `aud` is absent.
fn is_for(claims: &Claims, audiences: &[String]) -> bool {
    let known = |value: &Value| value.as_str().is_some_and(|name| audiences.iter().any(|audience| audience == name));
    match claims.get("aud") {
        Some(Value::Array(list)) => list.iter().any(known),
        Some(one) => known(one),
        None => claims.get("client_id").is_some_and(known),
    }
}

/// A `NumericDate`, whole seconds; what is there must be one.
fn seconds(claims: &Claims, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is as far as time goes")]
    let whole = |seconds: f64| seconds.floor() as i64;
    value.as_i64().or_else(|| value.as_f64().map(whole)).map(Some).ok_or(Refusal::Malformed)
}

/// `scope`, else `scp`: names parted by spaces, or a list of them; without the issuer's prefix.
fn scopes(claims: &Claims, trust: &Trust) -> Vec<String> {
    let own = |name: &str| name.strip_prefix(&trust.scope_prefix).unwrap_or(name).to_owned();
    let names = |text: &str| text.split(' ').filter(|name| !name.is_empty()).map(own).collect::<Vec<_>>();
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Value::String(text)) => names(text),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).flat_map(names).collect(),
        Some(_) => Vec::new(),
        None => trust.default_scopes.clone(),
    }
}

/// The value as the service writes it: text as it is, numbers and booleans as in JSON, `[a b]`, `map[a:b c:d]`.
/// Absent values stay absent.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(list) => {
            let members: Vec<_> = list.iter().filter_map(text).collect();
            Some(format!("[{}]", members.join(" ")))
        }
        Value::Object(object) => {
            let members: Vec<_> =
                object.iter().filter_map(|(name, value)| Some(format!("{name}:{}", text(value)?))).collect();
            Some(format!("map[{}]", members.join(" ")))
        }
    }
}
