//! Keys on the disk: PKCS#8 PEM files with mode 600 in a folder with mode 700, each named by its key id.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use eventdesk_events::Timestamp;

use super::{IssuerKeys, KeptKey, KeysError, LoadedKey, generate, unwrap_pem, wrap_pem};

impl IssuerKeys {
    /// Opens the keys in a folder; makes the folder, and a first key, if there is none. The newest file's signs. Several
    /// processes may do so at once: all get the same key.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        let handle = locked(folder)?;
        let mut keys = load_all(folder)?;
        if keys.is_empty() {
            let path = store_new(folder)?;
            handle.sync_all().map_err(KeysError::io(folder))?;
            keys.push(load(&path)?);
        }
        Self::of(kept(keys)?)
    }
}

/// The folder, made if there is none; whoever comes first works in it, until the handle goes.
fn locked(folder: &Path) -> Result<File, KeysError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(KeysError::io(folder))?;
    require_mode(folder, 0o022, 0o700)?;
    let handle = File::open(folder).map_err(KeysError::io(folder))?;
    handle.lock().map_err(KeysError::io(folder))?;
    Ok(handle)
}

/// Makes another key in a folder, and removes those that are over.
pub(super) fn add(folder: &Path, over: &[String]) -> Result<(), KeysError> {
    let handle = locked(folder)?;
    store_new(folder)?;
    for kid in over {
        let path = folder.join(format!("{kid}.pem"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(KeysError::io(&path)(error)),
            _ => {}
        }
    }
    handle.sync_all().map_err(KeysError::io(folder))
}

/// What stands in a folder now, if it is not what is known.
pub(super) fn changed(folder: &Path, known: &[Arc<KeptKey>]) -> Result<Option<Vec<Arc<KeptKey>>>, KeysError> {
    let mut found = Vec::new();
    for path in pem_files(folder)? {
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).map_err(KeysError::io(&path))?;
        let kid = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        found.push((made_at(modified), kid));
    }
    found.sort_by(|a, b| b.cmp(a));
    let same = known.iter().map(|key| (key.made_at, &key.jwk.kid)).eq(found.iter().map(|(at, kid)| (*at, kid)));
    // A folder that is empty or gone has been lost, not changed.
    if same || found.is_empty() { Ok(None) } else { Ok(Some(kept(load_all(folder)?)?)) }
}

/// The newest first.
fn kept(mut keys: Vec<(SystemTime, LoadedKey)>) -> Result<Vec<Arc<KeptKey>>, KeysError> {
    keys.sort_by(|(a_time, a), (b_time, b)| (b_time, &b.jwk.kid).cmp(&(a_time, &a.jwk.kid)));
    keys.into_iter().map(|(modified, key)| KeptKey::of(key, made_at(modified))).collect()
}

fn made_at(modified: SystemTime) -> Timestamp {
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Refuses a file or folder that has any of the `forbidden` permission bits.
fn require_mode(path: &Path, forbidden: u32, wanted: u32) -> Result<(), KeysError> {
    let mode = fs::metadata(path).map_err(KeysError::io(path))?.permissions().mode() & 0o7777;
    if mode & forbidden == 0 { Ok(()) } else { Err(KeysError::Exposed { path: path.to_owned(), mode, wanted }) }
}

fn pem_files(folder: &Path) -> Result<Vec<PathBuf>, KeysError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(KeysError::io(folder))? {
        let path = entry.map_err(KeysError::io(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            files.push(path);
        }
    }
    Ok(files)
}

fn load_all(folder: &Path) -> Result<Vec<(SystemTime, LoadedKey)>, KeysError> {
    pem_files(folder)?.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Result<(SystemTime, LoadedKey), KeysError> {
    require_mode(path, 0o077, 0o600)?;
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).map_err(KeysError::io(path))?;
    let malformed = || KeysError::Malformed(path.to_owned());
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(malformed()),
        text => text.map_err(KeysError::io(path))?,
    };
    let key = unwrap_pem(&text).and_then(|der| LoadedKey::of(&der)).ok_or_else(malformed)?;
    Ok((modified, key))
}

/// Makes a key and stores it; it has its name only once it is whole and on the disk.
fn store_new(folder: &Path) -> Result<PathBuf, KeysError> {
    let (der, kid) = generate()?;
    let path = folder.join(format!("{kid}.pem"));
    let new = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(KeysError::io(&new))?;
    file.write_all(wrap_pem(&der).as_bytes()).map_err(KeysError::io(&new))?;
    file.sync_all().map_err(KeysError::io(&new))?;
    fs::rename(&new, &path).map_err(KeysError::io(&path))?;
    Ok(path)
}
