//! What a user sees instead of a panic.
//!
//! redb takes pages for sound and panics on some that are not; that is a damaged file. Any other panic is a fault of ours,
//! told in one line with the place to report. Invariant: a command ends with an exit code, whatever the file holds.

use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use huedb::error::{Error, Result};

use crate::cli::process::exit::Failed;

/// Runs a command's work; a panic in it becomes an error.
pub(crate) fn guarded<T>(db: &Path, work: impl FnOnce() -> Result<T>) -> Result<T, Failed> {
    let place = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&place);
    let hook = take_hook();
    set_hook(Box::new(move |panic| {
        let at = panic.location().map(|at: &Location| (at.file().to_owned(), at.line()));
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }));
    // What the work leaves behind is not used again.
    let done = catch_unwind(AssertUnwindSafe(work));
    set_hook(hook);
    let (file, line) = match done {
        Ok(result) => return result.map_err(Failed::Known),
        Err(_) => place.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default(),
    };
    if is_of_redb(&file) {
        let what = "a page of it cannot be read".into();
        return Err(Error::Damaged { path: db.to_owned(), what }.into());
    }
    Err(Failed::Fault { file, line })
}

fn is_of_redb(file: &str) -> bool {
    file.split(['/', '\\']).any(|part| part.starts_with("redb-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_of_redb_are_told_from_our_own() {
        assert!(is_of_redb("/root/.cargo/registry/src/index-1/redb-4.6.0/src/tree_store/btree_base.rs"));
        assert!(is_of_redb("C:\\registry\\redb-4.6.0\\src\\db.rs"));
        assert!(!is_of_redb("src/store/read.rs"));
    }
}
