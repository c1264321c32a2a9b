//! Argon2id on threads of their own, a bounded number at a time.

use std::{num::NonZero, sync::Arc, thread::available_parallelism};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use eventdesk_app::ports::{CredentialsError, Ids, PasswordHasher};
use tokio::sync::Semaphore;

/// How many may wait for each core; at the default cost that is some two seconds.
const WAITING_PER_CORE: usize = 128;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB; at least 8 a lane.
    pub memory_kib: u32,
    /// Passes over it; at least 1.
    pub iterations: u32,
    /// Lanes; at least 1.
    pub lanes: u32,
}

impl Default for HashCost {
    /// The least that OWASP advises for Argon2id: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, lanes: 1 }
    }
}

/// A cost that Argon2 does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a cost of Argon2: {0}")]
pub struct InvalidCost(pub String);

/// Hashes and compares passwords with Argon2id (RFC 9106).
///
/// As many at once as there are cores, so that logins neither starve the rest nor take more memory than that many
/// hashes; some more wait, and beyond those the answer is that it cannot be computed now.
pub struct Argon2PasswordHasher {
    argon2: Argon2<'static>,
    /// Belongs to no password, and costs as much to compare with as any.
    nobodys: String,
    ids: Arc<dyn Ids>,
    /// Computing and waiting.
    places: Arc<Semaphore>,
    /// Computing.
    cores: Arc<Semaphore>,
}

impl Argon2PasswordHasher {
    /// A hasher of this cost; hashes of other costs are understood, too.
    ///
    /// # Errors
    /// [`InvalidCost`].
    pub fn new(cost: HashCost, ids: Arc<dyn Ids>) -> Result<Self, InvalidCost> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self::with_places(cost, ids, cores, cores * (1 + WAITING_PER_CORE))
    }

    fn with_places(cost: HashCost, ids: Arc<dyn Ids>, cores: usize, places: usize) -> Result<Self, InvalidCost> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.lanes, Some(HASH_BYTES));
        let params = params.map_err(|error| InvalidCost(error.to_string()))?;
        let (mut salt, mut hash) = ([0; SALT_BYTES], [0; HASH_BYTES]);
        ids.fill(&mut salt);
        ids.fill(&mut hash);
        let nobodys = format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            cost.memory_kib,
            cost.iterations,
            cost.lanes,
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(hash),
        );
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            nobodys,
            ids,
            places: Arc::new(Semaphore::new(places)),
            cores: Arc::new(Semaphore::new(cores)),
        })
    }

    /// Computes on a thread that may be busy for long.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, password_hash::Error> + Send + 'static,
    ) -> Result<T, CredentialsError> {
        let busy = |_| CredentialsError("too many passwords are being computed".into());
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(busy)?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(|error| CredentialsError(error.into()))?;
        let argon2 = self.argon2.clone();
        // The permits go with the work: it goes on even if nobody waits for it any more.
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&argon2);
            drop((core, place));
            result
        });
        let result = done.await.map_err(|error| CredentialsError(error.into()))?;
        result.map_err(|error| CredentialsError(error.to_string().into()))
    }
}

#[async_trait]
impl PasswordHasher for Argon2PasswordHasher {
    async fn hash(&self, password: &str) -> Result<String, CredentialsError> {
        let password = password.to_owned();
        let mut salt = [0; SALT_BYTES];
        self.ids.fill(&mut salt);
        self.compute(move |argon2| {
            argon2.hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string())
        })
        .await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, CredentialsError> {
        let somebodys = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(&self.nobodys).to_owned());
        let same = self
            .compute(move |argon2| {
                let hash = PasswordHash::new(&hash).map_err(|_| password_hash::Error::EncodingInvalid)?;
                // Takes the cost from the hash.
                match argon2.verify_password(password.as_bytes(), &hash) {
                    Ok(()) => Ok(true),
                    Err(password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(error) => Err(error),
                }
            })
            .await?;
        Ok(same && somebodys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;

    impl Ids for Zeros {
        fn next(&self) -> uuid::Uuid {
            uuid::Uuid::nil()
        }
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[tokio::test]
    async fn who_finds_no_place_to_wait_is_refused_at_once_and_the_others_are_not() {
        let cost = HashCost { memory_kib: 8, iterations: 1, lanes: 1 };
        let hasher = Arc::new(Argon2PasswordHasher::with_places(cost, Arc::new(Zeros), 1, 3).unwrap());
        let core = Arc::clone(&hasher.cores).acquire_owned().await.unwrap();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.hash("passWord@1").await })
            })
            .collect();
        while hasher.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(hasher.verify("passWord@1", None).await.is_err());
        drop(core);
        for task in waiting {
            assert!(task.await.unwrap().is_ok());
        }
        assert!(hasher.verify("passWord@1", None).await.is_ok());
    }
}
