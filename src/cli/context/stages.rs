//! The stages of a command, shown while they last.

use super::command::Context;
use crate::output::{ProgressDisplay, ProgressKind};

impl Context<'_, '_> {
    /// Does a stage whose size is not known, shows that it goes on, and counts its time.
    pub(crate) fn stage<T>(&self, action: &'static str, work: impl FnOnce() -> T) -> T {
        let _shown = self.printer.progress(action, ProgressKind::Time, None);
        self.timing.of(action, work)
    }

    /// Begins a bar on the standard error while records are written, unless it would stand in the middle of them.
    pub(crate) fn output_progress(
        &self,
        action: &'static str,
        records: Option<u64>,
        to_stdout: bool,
    ) -> Option<ProgressDisplay> {
        let shown = !(to_stdout && self.stdout_is_terminal());
        shown.then(|| self.printer.progress(action, ProgressKind::Rows, records))
    }
}
