//! Damage that is met while the file is in use.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::fault::{Failure, ViewsError};

/// Stands beside a file in which damaged pages were met: the next start builds the views anew.
pub(super) const SUFFIX: &str = "-damaged";

/// Remembers damage, for this process and the next.
#[derive(Debug)]
pub(super) struct Damage {
    marker: PathBuf,
    met: AtomicBool,
}

impl Damage {
    /// For the file at `path`.
    ///
    /// # Errors
    /// `Rebuild` if an earlier process has met damage.
    pub(super) fn watch(path: &Path) -> Result<Self, ViewsError> {
        let mut marker = OsString::from(path);
        marker.push(SUFFIX);
        let marker = PathBuf::from(marker);
        if marker.exists() {
            return Err(ViewsError::Rebuild("damaged pages were met in it".to_owned()));
        }
        Ok(Self { marker, met: AtomicBool::new(false) })
    }

    /// Looks at how something ended.
    pub(super) fn look_at<T>(&self, result: &Result<T, Failure>) {
        if let Err(Failure::Views(ViewsError::Rebuild(reason))) = result
            && !self.met.swap(true, Ordering::Relaxed)
        {
            tracing::error!(reason, "the views file is damaged: the next start builds the views anew");
            if let Err(error) = fs::write(&self.marker, "") {
                tracing::error!(error = &error as &dyn std::error::Error, "and that cannot be noted beside it");
            }
        }
    }

    /// Whether damage was met.
    ///
    /// # Errors
    /// `Rebuild` if so.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.met.load(Ordering::Relaxed) {
            return Err(Failure::Views(ViewsError::Rebuild("damaged pages were met in it".to_owned())));
        }
        Ok(())
    }
}
