//! Free space that a command left goes back to the system.

use huedb::error::Result;
use huedb::store::Store;

use super::command::Context;

/// A command that lengthened the file by less leaves its free space to later writes.
const TIDY_FROM_BYTES: u64 = 16 << 20;
/// A delete that did so by less.
const TIDY_DELETE_FROM_BYTES: u64 = 4 << 20;

impl Context<'_, '_> {
    /// Gives back the space that a command left free, where it lengthened the file by a `share`th or more.
    pub(crate) fn tidy(&mut self, file: Option<&Store>, bytes_before: u64, share: u64) {
        self.tidy_from(TIDY_FROM_BYTES, file, bytes_before, share);
    }

    /// Does the same after a delete: redb writes what stays anew, and doubles the file when it wants a page more.
    pub(crate) fn tidy_after_delete(&mut self, file: Option<&Store>, bytes_before: u64) {
        self.tidy_from(TIDY_DELETE_FROM_BYTES, file, bytes_before, 11);
    }

    fn tidy_from(&mut self, least: u64, file: Option<&Store>, bytes_before: u64, share: u64) {
        let Some(store) = file else { return };
        let given_back = store.file_bytes().and_then(|bytes| {
            let grown = bytes.saturating_sub(bytes_before);
            if grown >= least && grown >= bytes / share { store.give_back_space() } else { Ok(false) }
        });
        // What was to be written is written in any case.
        if let Err(error) = given_back {
            self.printer.warning(format!("free space was not given back: {error}"));
        }
    }
}

/// Returns the length of the file that tidying compares with; 0 where the place is none.
pub(crate) fn bytes_of(file: Option<&Store>) -> Result<u64> {
    file.map_or(Ok(0), Store::file_bytes)
}
