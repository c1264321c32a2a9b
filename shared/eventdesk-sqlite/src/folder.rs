//! The folder that holds everything a server keeps.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use eventdesk_app::{DeploymentSecret, ports::Ids};

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process serves from it.
    #[error("another server uses the data folder {}: stop it, or choose another folder", .0.display())]
    InUse(PathBuf),
    /// There is no such folder, and this process is not the one to make it.
    #[error("there is no data folder {}: start the server once", .0.display())]
    Missing(PathBuf),
    /// The secret could be read by others than the server's user.
    #[error("{} has mode {mode:o}, so others may read it: set it to 600, and replace the secret if it may have been seen", path.display())]
    SecretExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The secret is not what this program wrote.
    #[error("{} holds {length} bytes, not the 32 of a deployment secret: restore it from a backup", path.display())]
    SecretMalformed {
        /// The file.
        path: PathBuf,
        /// What it holds.
        length: usize,
    },
    /// There is no secret, but an event store that was made with one.
    #[error("{} is missing, but the event store beside it was made with it: restore it from a backup", .0.display())]
    SecretMissing(PathBuf),
    /// A file or folder could not be made, read or written.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl FolderError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

/// A data folder: `store.db`, `views.db`, `keys/`, the deployment secret and the server's lock.
///
/// The lock is the server's alone and goes with the process, however it ends; operators' tools work beside it.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    lock: Option<File>,
}

impl DataFolder {
    /// Opens the folder for a server: makes it (mode 700) if there is none, and locks it until dropped.
    ///
    /// # Errors
    /// [`FolderError::InUse`] if a server has it, else [`FolderError::Io`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let path = path.into();
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(FolderError::io(&path))?;
        let file = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&file)
            .map_err(FolderError::io(&file))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(FolderError::Io { path: file, source }),
        }
    }

    /// Opens an existing folder without the lock, for tools that work beside a server.
    ///
    /// # Errors
    /// [`FolderError::Missing`].
    pub fn open_beside_server(path: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let path = path.into();
        if path.is_dir() { Ok(Self { path, lock: None }) } else { Err(FolderError::Missing(path)) }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The event store's file.
    pub fn store_db(&self) -> PathBuf {
        self.path.join("store.db")
    }

    /// The views' file.
    pub fn views_db(&self) -> PathBuf {
        self.path.join("views.db")
    }

    /// The folder of the built-in issuer's keys.
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys")
    }

    /// The deployment secret, from the file `secret` (32 bytes, mode 600). The holder of the lock makes it if there
    /// is none, unless there is an event store: with another secret it would find no username and no e-mail address.
    ///
    /// # Errors
    /// [`FolderError::SecretExposed`] if its group or others may access it, [`FolderError::SecretMalformed`] if it
    /// has another length, [`FolderError::SecretMissing`] if it is gone, else [`FolderError::Io`].
    pub fn secret(&self, ids: &dyn Ids) -> Result<DeploymentSecret, FolderError> {
        let path = self.path.join("secret");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.lock.is_some() => {
                if fs::metadata(self.store_db()).is_ok_and(|store| store.len() > 0) {
                    return Err(FolderError::SecretMissing(path));
                }
                self.make_secret(&path, ids)?;
                fs::read(&path).map_err(FolderError::io(&path))?
            }
            Err(source) => return Err(FolderError::Io { path, source }),
        };
        let mode = fs::metadata(&path).map_err(FolderError::io(&path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(FolderError::SecretExposed { path, mode });
        }
        DeploymentSecret::new(&bytes).map_err(|_| FolderError::SecretMalformed { path, length: bytes.len() })
    }

    /// Writes the secret whole or not at all: a crash half-way must not leave one of another length.
    fn make_secret(&self, path: &Path, ids: &dyn Ids) -> Result<(), FolderError> {
        let mut secret = [0; 32];
        ids.fill(&mut secret);
        let draft = self.path.join("secret.new");
        let write = || {
            // What a crashed start left there may have another mode.
            if draft.exists() {
                fs::remove_file(&draft)?;
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(&secret)?;
            file.sync_all()?;
            fs::rename(&draft, path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(FolderError::io(path))
    }
}

/// Makes a database's file if there is none, for its owner alone: it holds contacts and password hashes, and the folder
/// may be open to others. SQLite gives the files beside it the same mode.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}
