//! Keys on the disk: PKCS#8 PEM files with mode 600 in a folder with mode 700, each named by its key id.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{IssuerKeys, KeysError, LoadedKey, generate, unwrap_pem, wrap_pem};

impl IssuerKeys {
    /// Opens the keys in a folder; makes the folder, and a first key, if there is none. The newest file's signs. Several
    /// processes may do so at once: all get the same key.
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
            let path = store_new(folder)?;
            handle.sync_all().map_err(KeysError::io(folder))?;
            keys.push(load(&path)?);
        }
        keys.sort_by(|(a_time, a), (b_time, b)| (b_time, &b.jwk.kid).cmp(&(a_time, &a.jwk.kid)));
        Self::of(keys.into_iter().map(|(_, key)| key).collect())
    }
}

/// Refuses a file or folder that has any of the `forbidden` permission bits.
fn require_mode(path: &Path, forbidden: u32, wanted: u32) -> Result<(), KeysError> {
    let mode = fs::metadata(path).map_err(KeysError::io(path))?.permissions().mode() & 0o7777;
    if mode & forbidden == 0 { Ok(()) } else { Err(KeysError::Exposed { path: path.to_owned(), mode, wanted }) }
}

fn load_all(folder: &Path) -> Result<Vec<(SystemTime, LoadedKey)>, KeysError> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder).map_err(KeysError::io(folder))? {
        let path = entry.map_err(KeysError::io(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            keys.push(load(&path)?);
        }
    }
    Ok(keys)
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
