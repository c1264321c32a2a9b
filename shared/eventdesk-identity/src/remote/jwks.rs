//! A JWK Set (RFC 7517), and which of its keys can be believed.

use std::collections::{HashMap, HashSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::RemoteError;
use crate::VerifyingKey;

/// Most keys that are looked at.
const MOST_KEYS: usize = 100;
/// RSA moduli in bytes: 2048 to 8192 bits. Smaller ones can be broken, larger ones take long.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
/// Largest RSA exponent in bytes; all that are in use have three or fewer.
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 1..=4;

#[derive(Deserialize)]
struct Set {
    // Each is read by itself, so that one of an unknown form does not spoil the others.
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys that verify signatures, by their ids. What is no public RSA or P-256 or P-384 key, is meant for something
/// else, or has no id is left out; an id that two different keys have means none of them.
pub(super) fn usable(body: &[u8]) -> Result<HashMap<String, VerifyingKey>, RemoteError> {
    let set: Set = serde_json::from_slice(body).map_err(|_| RemoteError::Malformed("a key set"))?;
    let mut found: HashMap<String, (Value, VerifyingKey)> = HashMap::new();
    let mut ambiguous = HashSet::new();
    for value in set.keys.into_iter().take(MOST_KEYS) {
        let Some((kid, key)) = Jwk::deserialize(&value).ok().and_then(Jwk::verifying) else { continue };
        match found.get(&kid) {
            Some((same, _)) if *same == value => {}
            Some(_) => drop(ambiguous.insert(kid)),
            None => drop(found.insert(kid, (value, key))),
        }
    }
    if !ambiguous.is_empty() {
        tracing::warn!(keys = ambiguous.len(), "an issuer gives one id to several keys, so none of them counts");
    }
    found.retain(|kid, _| !ambiguous.contains(kid));
    if found.is_empty() {
        return Err(RemoteError::Malformed("a set with a usable key"));
    }
    Ok(found.into_iter().map(|(kid, (_, key))| (kid, key)).collect())
}

impl Jwk {
    fn verifying(self) -> Option<(String, VerifyingKey)> {
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let kid = self.kid.as_deref().filter(|kid| !kid.is_empty() && signs)?.to_owned();
        let (key, possible) = match self.kty.as_str() {
            "RSA" => (self.rsa()?, VerifyingKey::RSA),
            "EC" => self.elliptic()?,
            _ => return None,
        };
        // Where the key says what it is for, it is for nothing else.
        let algorithms: Vec<Algorithm> = match self.alg.as_deref() {
            Some(alg) => possible.iter().copied().filter(|known| format!("{known:?}") == alg).collect(),
            None => possible.to_vec(),
        };
        (!algorithms.is_empty()).then(|| (kid, VerifyingKey::of(key, algorithms)))
    }

    fn rsa(&self) -> Option<DecodingKey> {
        let (n, e) = (number(self.n.as_ref()?)?, number(self.e.as_ref()?)?);
        let fits = RSA_BYTES.contains(&n.len()) && EXPONENT_BYTES.contains(&e.len());
        // An even exponent is none, and with the exponent 1 everybody signs.
        let strong = e.last().is_some_and(|last| last % 2 == 1) && e != [1];
        (fits && strong).then(|| DecodingKey::from_rsa_raw_components(&n, &e))
    }

    fn elliptic(&self) -> Option<(DecodingKey, &'static [Algorithm])> {
        let (size, algorithms): (_, &'static [Algorithm]) = match self.crv.as_deref()? {
            "P-256" => (32, &[Algorithm::ES256]),
            "P-384" => (48, &[Algorithm::ES384]),
            _ => return None,
        };
        let (x, y) = (self.x.as_ref()?, self.y.as_ref()?);
        if bytes(x)?.len() != size || bytes(y)?.len() != size {
            return None;
        }
        Some((DecodingKey::from_ec_components(x, y).ok()?, algorithms))
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A number without the zeros that some issuers put in front.
fn number(text: &str) -> Option<Vec<u8>> {
    Some(bytes(text)?.into_iter().skip_while(|byte| *byte == 0).collect())
}

#[cfg(test)]
mod tests;
