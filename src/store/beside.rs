//! Files that are written beside their place and renamed into it.
//!
//! Invariant: whatever has the name is whole, before and after.

use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

fn folder_of(target: &Path) -> PathBuf {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// Makes a file in the folder of `target`; only its owner may read it if nothing else is said. It goes when it is dropped.
pub(crate) fn beside(target: &Path, permissions: Option<Permissions>) -> Result<NamedTempFile> {
    let write = |e| Error::io(format!("write {}", target.display()), e);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".huedb-").suffix(".part");
    if let Some(permissions) = permissions {
        builder.permissions(permissions);
    }
    builder.tempfile_in(folder_of(target)).map_err(write)
}

/// Gives the file its name.
pub(crate) fn put_in_place(beside: NamedTempFile, target: &Path, replace: bool) -> Result<()> {
    let put = if replace { beside.persist(target) } else { beside.persist_noclobber(target) };
    put.map_err(|e| match e.error.kind() {
        ErrorKind::AlreadyExists => Error::FileExists { path: target.to_owned() },
        _ => Error::io(format!("write {}", target.display()), e.error),
    })?;
    // The name too must survive a loss of power.
    let folder = File::open(folder_of(target)).and_then(|folder| folder.sync_all());
    folder.map_err(|e| Error::io(format!("write {}", target.display()), e))
}
