//! How one record is laid out for people: which of its parts, in which style, with what marked.
//!
//! Writes nothing itself.

use super::sink::Style;
use super::{Highlight, RecordColumns};

/// How one record is laid out.
pub(super) struct Layout {
    pub(super) columns: RecordColumns,
    pub(super) style: Style,
    pub(super) highlight: Highlight,
}
