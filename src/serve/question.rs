//! A request of `query` that was read, and with which others it may be asked.

use std::sync::Arc;

use super::wire::include::{Part, read_for};
use crate::backend::Records;
use crate::query::{Ask, Filter};
use crate::record::RecordId;

/// A request of `query` that was read.
pub(super) struct Question {
    pub(super) records: Arc<dyn Records>,
    pub(super) asks: Vec<Ask>,
    /// The filter as it was written, by which questions are told to have the same one.
    pub(super) filter_text: (String, String),
    pub(super) filter: Option<Filter>,
    pub(super) ids: Option<Vec<RecordId>>,
    pub(super) top: usize,
    pub(super) include: Vec<Part>,
}

impl Question {
    /// Whether two may be asked together: of one path they are to the same collection.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        let asks_texts = |question: &Self| matches!(question.asks.first(), Some(Ask::Text { .. }));
        self.filter_text == other.filter_text
            && self.ids.is_none()
            && other.ids.is_none()
            && self.top.max(other.top) <= 4 * self.top.min(other.top)
            && read_for(&self.include) == read_for(&other.include)
            && asks_texts(self) == asks_texts(other)
    }
}
