//! The issuer's keys.

mod folder;
mod rotation;
mod shared;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
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
use eventdesk_events::Timestamp;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::{KeySource, KeySourceError, VerifyingKey};

use rotation::Rotation;
pub use rotation::{KeyPhase, KeyPlace, KeyStatus, KeyTimes};

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
/// The key id is the RFC 7638 thumbprint. Read once, all keys verify and the newest signs; those of
/// [`IssuerKeys::rotating`] come and go.
pub struct IssuerKeys {
    rotation: Option<Rotation>,
    read: RwLock<Read>,
    /// One reads again at a time; the others go on with what is known.
    reading: Mutex<()>,
}

/// What was read last.
struct Read {
    /// The newest comes first.
    kept: Vec<Arc<KeptKey>>,
    at_ms: i64,
}

/// A key, ready for use.
pub(crate) struct KeptKey {
    pub(crate) jwk: PublicJwk,
    made_at: Timestamp,
    verifying: VerifyingKey,
    pub(crate) signing: EncodingKey,
}

/// The public half of an RSA key as a JWK (RFC 7517; members by RFC 7518, section 6.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PublicJwk {
    kty: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    pub(crate) kid: String,
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

impl KeptKey {
    fn of(loaded: LoadedKey, made_at: Timestamp) -> Result<Arc<Self>, KeysError> {
        let signing = EncodingKey::from_rsa_pem(loaded.pem.as_bytes()).map_err(|_| KeysError::Generation)?;
        let verifying = loaded.jwk.verifying_key().ok_or(KeysError::Generation)?;
        Ok(Arc::new(Self { jwk: loaded.jwk, made_at, verifying, signing }))
    }
}

impl IssuerKeys {
    /// The newest comes first.
    fn of(kept: Vec<Arc<KeptKey>>) -> Result<Self, KeysError> {
        if kept.is_empty() {
            return Err(KeysError::Generation);
        }
        Ok(Self { rotation: None, read: RwLock::new(Read { kept, at_ms: 0 }), reading: Mutex::default() })
    }

    fn kept(&self) -> Vec<Arc<KeptKey>> {
        self.read.read().unwrap_or_else(PoisonError::into_inner).kept.clone()
    }

    /// The id of the key that signs.
    pub fn signing_kid(&self) -> String {
        self.signing().jwk.kid.clone()
    }

    pub(crate) fn signing(&self) -> Arc<KeptKey> {
        let mut kept = self.kept();
        let phases = self.phases(&kept);
        kept.swap_remove(phases.iter().position(|(phase, ..)| *phase == KeyPhase::Signing).unwrap_or_default())
    }

    /// The public keys that count now as a JWK Set, in JSON; the newest comes first.
    ///
    /// # Panics
    /// Never: texts are always JSON.
    pub fn jwks(&self) -> String {
        let kept = self.kept();
        let living = kept.iter().zip(self.phases(&kept)).filter(|(_, (phase, ..))| *phase != KeyPhase::Retired);
        let public: Vec<_> = living.map(|(key, _)| &key.jwk).collect();
        serde_json::to_string(&serde_json::json!({ "keys": public })).expect("texts are always JSON")
    }

    /// A key that counts now.
    fn living(&self, kid: &str) -> Option<VerifyingKey> {
        let kept = self.kept();
        let index = kept.iter().position(|key| key.jwk.kid == kid)?;
        let (phase, ..) = *self.phases(&kept).get(index)?;
        (phase != KeyPhase::Retired).then(|| kept[index].verifying.clone())
    }
}

#[async_trait]
impl KeySource for IssuerKeys {
    async fn key(&self, kid: &str) -> Result<Option<VerifyingKey>, KeySourceError> {
        self.refresh().await;
        if let Some(key) = self.living(kid) {
            return Ok(Some(key));
        }
        // Another process may have made it.
        self.read_again(rotation::COOL_DOWN_MS).await;
        Ok(self.living(kid))
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
