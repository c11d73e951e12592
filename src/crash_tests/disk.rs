//! A place for a file, and a disk without faults.

use std::path::Path;

use tempfile::TempDir;

use crate::store::fault_injection::{Disk, Fault};

/// Runs `work` on a sound disk that waits for nothing.
pub(super) fn undisturbed<T>(path: &Path, work: impl FnOnce() -> T) -> T {
    Disk::new(path, Fault::Never).under(work)
}

/// Makes a folder and the path of a file that is to be in it.
pub(super) fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test.redb");
    (folder, path)
}
