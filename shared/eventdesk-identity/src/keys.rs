//! The issuer's keys.

mod folder;
mod shared;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize, PublicKeyComponents},
    signature::KeyPair as _,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use eventdesk_app::ports::IssuerKeyStoreError;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;

use crate::{KeySource, KeySourceError, VerifyingKey};

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
const PEM_LINE: usize = 64;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The folder or a key cannot be made, read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Others than the owner may read a key, or put one into the folder.
    #[error(
        "{} has mode {mode:o}, so others than its owner may use it: set it to {wanted:o}, and replace the key if it may have been seen",
        path.display()
    )]
    Exposed {
        /// The folder or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        wanted: u32,
    },
    /// A file is no RSA key of 2048 to 8192 bits in PKCS#8 PEM form.
    #[error("{} is not an RSA private key of at least 2048 bits (PKCS#8, PEM)", .0.display())]
    Malformed(PathBuf),
    /// A key could not be made.
    #[error("an RSA key could not be made")]
    Generation,
    /// The store that all processes share cannot be reached.
    #[error("the issuer's keys are out of reach")]
    Store(#[from] IssuerKeyStoreError),
    /// A stored key was sealed with another deployment's secret, or is not what was stored.
    #[error("issuer key {0} cannot be opened: is the deployment secret the one that it was made with?")]
    Sealed(String),
}

impl KeysError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

/// The issuer's RSA keys, from a folder ([`IssuerKeys::open`]) or from a store that all processes of a deployment share
/// ([`IssuerKeys::open_shared`]).
///
/// The key id is the RFC 7638 thumbprint. All keys verify, the newest signs. Read once: a change counts from the next
/// start.
pub struct IssuerKeys {
    signing: SigningKey,
    public: Vec<PublicJwk>,
    verifying: HashMap<String, VerifyingKey>,
}

pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) key: EncodingKey,
}

/// The public half of an RSA key as a JWK (RFC 7517; members by RFC 7518, section 6.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PublicJwk {
    kty: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: String,
    n: String,
    e: String,
}

/// A private key and its public half.
struct LoadedKey {
    jwk: PublicJwk,
    /// PKCS#8.
    pem: String,
}

impl LoadedKey {
    /// Reads PKCS#8, if it is an RSA key of a size that can be trusted.
    fn of(der: &[u8]) -> Option<Self> {
        let pair = KeyPair::from_pkcs8(der).ok()?;
        Some(Self { jwk: PublicJwk::of(&pair), pem: wrap_pem(der) })
    }
}

impl IssuerKeys {
    /// The newest comes first.
    fn of(keys: Vec<LoadedKey>) -> Result<Self, KeysError> {
        let newest = keys.first().ok_or(KeysError::Generation)?;
        let key = EncodingKey::from_rsa_pem(newest.pem.as_bytes()).map_err(|_| KeysError::Generation)?;
        let signing = SigningKey { kid: newest.jwk.kid.clone(), key };
        let verifying = keys.iter().filter_map(|key| Some((key.jwk.kid.clone(), key.jwk.verifying_key()?))).collect();
        Ok(Self { signing, verifying, public: keys.into_iter().map(|key| key.jwk).collect() })
    }

    /// The id of the key that signs.
    pub fn signing_kid(&self) -> &str {
        &self.signing.kid
    }

    pub(crate) fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The public keys as a JWK Set, in JSON; the one that signs comes first.
    ///
    /// # Panics
    /// Never: texts are always JSON.
    pub fn jwks(&self) -> String {
        serde_json::to_string(&serde_json::json!({ "keys": self.public })).expect("texts are always JSON")
    }
}

#[async_trait]
impl KeySource for IssuerKeys {
    async fn key(&self, kid: &str) -> Result<Option<VerifyingKey>, KeySourceError> {
        Ok(self.verifying.get(kid).cloned())
    }
}

impl PublicJwk {
    fn of(pair: &KeyPair) -> Self {
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        // The members in the order and form that RFC 7638 lays down.
        let thumbprint = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, thumbprint.as_bytes()));
        Self { kty: "RSA", usage: "sig", alg: "RS256", kid, n, e }
    }

    fn verifying_key(&self) -> Option<VerifyingKey> {
        DecodingKey::from_rsa_components(&self.n, &self.e).ok().map(VerifyingKey::new)
    }
}

/// Makes a key of 2048 bits, which takes a moment: PKCS#8, and its id.
fn generate() -> Result<(Vec<u8>, String), KeysError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeysError::Generation)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeysError::Generation)?;
    Ok((der.as_ref().to_vec(), PublicJwk::of(&pair).kid))
}

fn wrap_pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("{PEM_BEGIN}\n");
    for line in text.as_bytes().chunks(PEM_LINE) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem + PEM_END + "\n"
}

fn unwrap_pem(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(PEM_BEGIN)?;
    let (body, _) = rest.split_once(PEM_END)?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(body).ok()
}
