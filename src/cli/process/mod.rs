//! The process around a command: usage errors, exit codes, interrupts, panics.

pub(crate) mod advice;
pub(crate) mod editor;
pub(crate) mod exit;
pub(crate) mod hint;
pub(crate) mod interrupt;
pub(crate) mod panic;
pub(crate) mod usage;
