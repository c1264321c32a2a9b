//! Keys in a store that every process of a deployment shares, sealed with the deployment secret.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use eventdesk_app::{
    DeploymentSecret,
    ports::{Clock, IssuerKeyStore, SealedKey},
};

use super::{IssuerKeys, KeptKey, KeysError, LoadedKey, generate};

/// What the sealing key is derived for.
const PURPOSE: &str = "issuer keys";
/// The first byte of what is sealed: this form.
const FORM: u8 = 1;

impl IssuerKeys {
    /// Opens the keys of a store; makes the first one if there is none, which takes a moment. Several processes may do
    /// so at once: all get the same key.
    ///
    /// # Errors
    /// `Store`, `Sealed` and `Generation` only.
    pub async fn open_shared(
        store: &dyn IssuerKeyStore,
        secret: &DeploymentSecret,
        clock: &dyn Clock,
    ) -> Result<Self, KeysError> {
        let mut stored = store.all().await?;
        if stored.is_empty() {
            // Whoever comes second drops theirs: only the stored one is ever used.
            create(store, 1, secret, clock).await?;
            stored = store.all().await?;
        }
        Self::unsealed(stored, secret)
    }

    /// Adds a key, and opens all of them once: the newest signs, and what the earlier ones signed stays valid.
    ///
    /// # Errors
    /// `Store`, `Sealed` and `Generation` only.
    pub async fn add_shared(
        store: &dyn IssuerKeyStore,
        secret: &DeploymentSecret,
        clock: &dyn Clock,
    ) -> Result<Self, KeysError> {
        let newest = store.all().await?.last().map_or(0, |key| key.number);
        create(store, newest + 1, secret, clock).await?;
        Self::unsealed(store.all().await?, secret)
    }

    fn unsealed(mut stored: Vec<SealedKey>, secret: &DeploymentSecret) -> Result<Self, KeysError> {
        stored.sort_by_key(|key| std::cmp::Reverse(key.number));
        Self::of(stored.iter().map(|key| kept(key, secret)).collect::<Result<_, _>>()?)
    }
}

fn kept(key: &SealedKey, secret: &DeploymentSecret) -> Result<Arc<KeptKey>, KeysError> {
    KeptKey::of(unseal(key, secret)?, key.made_at)
}

/// What stands in a store now, if it is not what is known.
pub(super) async fn changed(
    store: &dyn IssuerKeyStore,
    secret: &DeploymentSecret,
    known: &[Arc<KeptKey>],
) -> Result<Option<Vec<Arc<KeptKey>>>, KeysError> {
    let mut stored = store.all().await?;
    stored.sort_by_key(|key| std::cmp::Reverse(key.number));
    if stored.is_empty() || stored.iter().map(|key| &key.kid).eq(known.iter().map(|key| &key.jwk.kid)) {
        return Ok(None);
    }
    stored.iter().map(|key| kept(key, secret)).collect::<Result<_, _>>().map(Some)
}

async fn create(
    store: &dyn IssuerKeyStore,
    number: u32,
    secret: &DeploymentSecret,
    clock: &dyn Clock,
) -> Result<(), KeysError> {
    let (der, kid) = tokio::task::spawn_blocking(generate).await.map_err(|_| KeysError::Generation)??;
    let mut key = SealedKey { number, kid, made_at: clock.now(), sealed: Vec::new() };
    key.sealed = seal(&key, der, secret)?;
    store.create(key).await?;
    Ok(())
}

/// AES-256-GCM: a byte for the form, the nonce, the ciphertext with its tag.
fn seal(key: &SealedKey, der: Vec<u8>, secret: &DeploymentSecret) -> Result<Vec<u8>, KeysError> {
    let mut text = der;
    let nonce = cipher(secret)?.seal_in_place_append_tag(about(key), &mut text).map_err(|_| KeysError::Generation)?;
    let mut sealed = vec![FORM];
    sealed.extend_from_slice(nonce.as_ref());
    sealed.append(&mut text);
    Ok(sealed)
}

fn unseal(key: &SealedKey, secret: &DeploymentSecret) -> Result<LoadedKey, KeysError> {
    let broken = || KeysError::Sealed(key.kid.clone());
    let (form, rest) = key.sealed.split_first().ok_or_else(broken)?;
    let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut text = text.to_vec();
    let der = cipher(secret)?.open_in_place(nonce, about(key), &mut text).map_err(|_| broken())?;
    let loaded = LoadedKey::of(der).filter(|loaded| *form == FORM && loaded.jwk.kid == key.kid);
    loaded.ok_or_else(broken)
}

fn cipher(secret: &DeploymentSecret) -> Result<RandomizedNonceKey, KeysError> {
    RandomizedNonceKey::new(&AES_256_GCM, &secret.key(PURPOSE)).map_err(|_| KeysError::Generation)
}

/// Bound into the seal, so that one stored key cannot be put in the place of another.
fn about(key: &SealedKey) -> Aad<String> {
    Aad::from(format!("issuer key {} {}", key.number, key.kid))
}
