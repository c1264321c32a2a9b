//! The issuer's keys on the disk.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
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
}

impl KeysError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

/// The issuer's RSA keys: PKCS#8 PEM files with mode 600 in a folder with mode 700, each named by its key id.
///
/// The key id is the RFC 7638 thumbprint. All keys verify, the newest file's signs. Read once: a change of the
/// files counts from the next start.
pub struct FileIssuerKeys {
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

struct LoadedKey {
    modified: SystemTime,
    jwk: PublicJwk,
    pem: String,
}

impl FileIssuerKeys {
    /// Opens the keys in a folder; makes the folder, and a first key, if there is none. Several processes may do so
    /// at once: all get the same key.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(KeysError::io(folder))?;
        require_mode(folder, 0o022, 0o700)?;
        // Whoever comes first makes the key; goes with the handle.
        let handle = File::open(folder).map_err(KeysError::io(folder))?;
        handle.lock().map_err(KeysError::io(folder))?;
        let mut keys = load_all(folder)?;
        if keys.is_empty() {
            let path = generate(folder)?;
            handle.sync_all().map_err(KeysError::io(folder))?;
            keys.push(load(&path)?);
        }
        keys.sort_by(|a, b| (b.modified, &b.jwk.kid).cmp(&(a.modified, &a.jwk.kid)));
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
impl KeySource for FileIssuerKeys {
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

/// Refuses a file or folder that has any of the `forbidden` permission bits.
fn require_mode(path: &Path, forbidden: u32, wanted: u32) -> Result<(), KeysError> {
    let mode = fs::metadata(path).map_err(KeysError::io(path))?.permissions().mode() & 0o7777;
    if mode & forbidden == 0 { Ok(()) } else { Err(KeysError::Exposed { path: path.to_owned(), mode, wanted }) }
}

fn load_all(folder: &Path) -> Result<Vec<LoadedKey>, KeysError> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder).map_err(KeysError::io(folder))? {
        let path = entry.map_err(KeysError::io(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            keys.push(load(&path)?);
        }
    }
    Ok(keys)
}

fn load(path: &Path) -> Result<LoadedKey, KeysError> {
    require_mode(path, 0o077, 0o600)?;
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).map_err(KeysError::io(path))?;
    let malformed = || KeysError::Malformed(path.to_owned());
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(malformed()),
        text => text.map_err(KeysError::io(path))?,
    };
    let pair = KeyPair::from_pkcs8(&unwrap_pem(&text).ok_or_else(malformed)?).map_err(|_| malformed())?;
    Ok(LoadedKey { modified, jwk: PublicJwk::of(&pair), pem: text })
}

/// Makes a key of 2048 bits and stores it; it has its name only once it is whole and on the disk.
fn generate(folder: &Path) -> Result<PathBuf, KeysError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeysError::Generation)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeysError::Generation)?;
    let path = folder.join(format!("{}.pem", PublicJwk::of(&pair).kid));
    let new = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(KeysError::io(&new))?;
    file.write_all(wrap_pem(der.as_ref()).as_bytes()).map_err(KeysError::io(&new))?;
    file.sync_all().map_err(KeysError::io(&new))?;
    fs::rename(&new, &path).map_err(KeysError::io(&path))?;
    Ok(path)
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
