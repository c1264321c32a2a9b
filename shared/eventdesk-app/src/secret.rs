//! Keyed digests, all from one deployment secret.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Sha256;

/// A secret that is not 32 bytes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deployment secret must be 32 bytes")]
pub struct SecretError;

/// The 32 bytes from which all keys of a deployment derive (HKDF-SHA-256, RFC 5869); the same in every instance.
#[derive(Clone)]
pub struct DeploymentSecret([u8; 32]);

impl fmt::Debug for DeploymentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeploymentSecret(…)")
    }
}

impl DeploymentSecret {
    /// Takes the secret's bytes.
    ///
    /// # Errors
    /// [`SecretError`] if there are not exactly 32.
    pub fn new(bytes: &[u8]) -> Result<Self, SecretError> {
        bytes.try_into().map(Self).map_err(|_| SecretError)
    }

    /// The key for one purpose; purposes share no key, and those of digesters are purposes of their own.
    ///
    /// # Panics
    /// Never: 32 bytes are a valid HKDF output length.
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(b"eventdesk"), &self.0)
            .expand(purpose.as_bytes(), &mut key)
            .expect("32 bytes are a valid HKDF output length");
        key
    }

    /// The digester for one purpose (`reservations`, `idempotency`, `cursors`, …); purposes share no key.
    ///
    /// # Panics
    /// Never: 32 bytes are a valid HKDF output length.
    pub fn digester(&self, purpose: &str) -> Digester {
        let key = self.key(purpose);
        Digester(Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"))
    }
}

/// Makes keyed digests for one purpose.
#[derive(Clone)]
pub struct Digester(Hmac<Sha256>);

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester(…)")
    }
}

impl Digester {
    /// HMAC-SHA-256 over the parts, each preceded by its length, cut to 16 bytes.
    pub fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let full = mac.finalize().into_bytes();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        Digest(short)
    }
}

/// A keyed digest; text form is unpadded base64url, 22 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Compares in constant time.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 22];
        let written = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text[..written]).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a digest"))
    }
}
