//! Free space that a command left goes back to the system.

use huedb::store::Store;

use super::command::Context;

/// A command that lengthened the file by less leaves its free space to later writes.
const TIDY_FROM_BYTES: u64 = 16 << 20;
/// A delete that did so by less.
const TIDY_DELETE_FROM_BYTES: u64 = 4 << 20;

impl Context<'_, '_> {
    /// Gives back the space that a command left free, where it lengthened the file by a `share`th or more.
    pub(crate) fn tidy(&mut self, store: &mut Store, bytes_before: u64, share: u64) {
        self.tidy_from(TIDY_FROM_BYTES, store, bytes_before, share);
    }

    /// Does the same after a delete: redb writes what stays anew, and doubles the file when it wants a page more.
    pub(crate) fn tidy_after_delete(&mut self, store: &mut Store, bytes_before: u64) {
        self.tidy_from(TIDY_DELETE_FROM_BYTES, store, bytes_before, 11);
    }

    fn tidy_from(&mut self, least: u64, store: &mut Store, bytes_before: u64, share: u64) {
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
