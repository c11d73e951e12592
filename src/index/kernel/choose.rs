//! Which variant of the kernels this machine runs.
//!
//! Invariant: what is chosen is one that [`native::available`] gives out, or the portable one.

use std::sync::OnceLock;

use super::kernels::Kernels;
use super::{native, portable};

/// Returns the fastest variant this machine runs.
pub fn kernels() -> &'static Kernels {
    static CHOSEN: OnceLock<&'static Kernels> = OnceLock::new();
    CHOSEN.get_or_init(|| Kernels::available().next().unwrap_or(&PORTABLE))
}

/// Returns what scans run on in this process, as in `avx512-vnni`.
#[must_use]
pub fn instructions() -> &'static str {
    kernels().name
}

/// The variant that runs everywhere.
pub(super) static PORTABLE: Kernels = Kernels {
    name: "portable",
    dot_i8: portable::dot_i8,
    dot_i8_rows: |query, rows, out| portable::each_row(query, rows, out, portable::dot_i8),
    dot_signs_rows: portable::each_signs,
    dot_signs_eights: portable::dot_signs_eights,
    sign_bounds: portable::sign_bounds,
    distances: portable::distances,
    near_tile: portable::near_tile,
};

impl Kernels {
    /// Returns every variant this machine runs, the fastest first and the portable one last.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        native::available().chain(std::iter::once(&PORTABLE))
    }
}
