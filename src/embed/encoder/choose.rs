//! Which kernels this machine runs.
//!
//! Invariant: those that a processor cannot run are never among them.

use std::sync::LazyLock;

use super::kernels::Kernels;
use super::{native, portable};

impl Kernels {
    /// Returns those that this machine runs fastest.
    pub(in super::super) fn best() -> &'static Self {
        static BEST: LazyLock<&Kernels> = LazyLock::new(|| Kernels::all().next().unwrap_or(&portable::KERNELS));
        *BEST
    }

    /// Returns all that this machine runs, the fastest first.
    pub(in super::super) fn all() -> impl Iterator<Item = &'static Self> {
        native::available().chain([&portable::KERNELS])
    }
}
