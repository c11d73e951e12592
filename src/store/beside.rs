//! Files that are written beside their place and renamed into it.
//!
//! Invariant: whatever has the name is whole, before and after.

use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

fn folder_of(target: &Path) -> PathBuf {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// The files that were begun. A name that was given away since belongs to nobody.
static BEGUN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes the files that were begun and not put in their place: for who ends the process at once.
pub fn remove_unfinished() {
    for path in BEGUN.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        // Most have a place by now.
        let _ = std::fs::remove_file(path);
    }
}

/// Makes a file in the folder of `target`; only its owner may read it if nothing else is said. It goes when it is dropped.
pub(crate) fn beside(target: &Path, permissions: Option<Permissions>) -> Result<NamedTempFile> {
    let write = |e| Error::io(format!("write {}", target.display()), e);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".huedb-").suffix(".part");
    if let Some(permissions) = permissions {
        builder.permissions(permissions);
    }
    let begun = builder.tempfile_in(folder_of(target)).map_err(|e| write(without_path(&e)))?;
    // From anywhere, should the process have another folder by then.
    let path = std::path::absolute(begun.path()).unwrap_or_else(|_| begun.path().to_owned());
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    Ok(begun)
}

/// Leaves out of an error the name of a temporary file, which says nothing to whoever reads it.
pub(crate) fn without_path(error: &std::io::Error) -> std::io::Error {
    // What the system said stands before the path; its number alone gives the message back.
    let text = error.to_string();
    let number = text.split_once("(os error ").and_then(|(_, rest)| rest.split_once(')')?.0.parse().ok());
    number.map_or_else(|| error.kind().into(), std::io::Error::from_raw_os_error)
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
