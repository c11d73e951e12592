//! The pages of the file under redb's tables: verified as they are read, and walked one by one.
//!
//! Every page's checksum stands in the page that leads to it. Invariant: nothing of a page that does not match its
//! checksum is taken for sound.

mod format;
#[cfg(test)]
pub(super) mod tests;
mod verified;
mod walk;

pub(super) use format::{FileHeader, HEADER_BYTES, Link, TreeShape};
pub(super) use verified::{DamagedPage, Pages, VerifiedBackend, while_writing};
pub(super) use walk::{PageState, Tree, WalkedPage};
