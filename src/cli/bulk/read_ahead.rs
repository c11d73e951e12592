//! How much of an input is embedded or stored, while more of it is read already.
//!
//! A batch counts by the part of its texts that is embedded, so that one large file moves the bar as many small ones do.
//! Invariant: what is told never goes back, and is no more than what is read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use huedb::input::{ReadProgress, RowBatches};
use huedb::record::NewRecord;

/// Batches on their way from the input to the file.
#[derive(Clone, Default)]
pub(crate) struct ReadAhead(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The batches that are not passed yet, the oldest first.
    batches: VecDeque<Batch>,
    /// Bytes of the input before the oldest.
    begin: u64,
    /// Bytes of the oldest one's texts that are embedded.
    embedded_bytes: u64,
    /// Batches that were passed, and those that were stored: one is embedded while another is stored.
    passed: u64,
    stored: u64,
    /// Texts embedded that are not told as stored yet.
    texts: u64,
    /// Rows stored.
    rows: u64,
}

/// A batch that was read.
struct Batch {
    /// Bytes of its texts.
    text_bytes: u64,
    /// Bytes of the input up to its end.
    end: u64,
}

impl ReadAhead {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes each batch as it is read.
    pub(crate) fn over(&self, batches: RowBatches) -> impl Iterator<Item = <RowBatches as Iterator>::Item> + use<> {
        let (ahead, read) = (self.clone(), batches.progress());
        batches.inspect(move |batch| ahead.read(batch.iter().flatten(), &read))
    }

    /// Notes a batch that was read.
    pub(crate) fn read<'r>(&self, rows: impl Iterator<Item = &'r NewRecord>, read: &ReadProgress) {
        let text_bytes = rows.filter_map(|row| row.document.as_ref()).map(|text| text.len() as u64).sum();
        self.lock().batches.push_back(Batch { text_bytes, end: read.read_bytes() });
    }

    /// Notes texts that were embedded.
    pub(crate) fn embedded(&self, texts: &[&str]) {
        let mut state = self.lock();
        state.texts += texts.len() as u64;
        state.embedded_bytes += texts.iter().map(|text| text.len() as u64).sum::<u64>();
        while let Some(oldest) = state.batches.front().map(|batch| batch.text_bytes)
            && state.embedded_bytes > oldest
        {
            let next = state.embedded_bytes - oldest;
            state.pass();
            state.embedded_bytes = next;
        }
    }

    /// Notes a batch that was stored: its rows, and how many of its texts were embedded.
    pub(crate) fn stored(&self, rows: u64, embedded: u64) {
        let mut state = self.lock();
        state.rows += rows;
        state.texts = state.texts.saturating_sub(embedded);
        state.stored += 1;
        while state.passed < state.stored && !state.batches.is_empty() {
            state.pass();
        }
    }

    /// Returns the bytes of the input and the rows that are embedded or stored.
    pub(crate) fn position(&self) -> (u64, u64) {
        let state = self.lock();
        let inside = state.batches.front().filter(|batch| batch.text_bytes > 0).map_or(0, |batch| {
            let bytes = u128::from(batch.end.saturating_sub(state.begin)) * u128::from(state.embedded_bytes);
            u64::try_from(bytes / u128::from(batch.text_bytes)).unwrap_or(0)
        });
        (state.begin + inside, state.rows + state.texts)
    }
}

impl State {
    fn pass(&mut self) {
        if let Some(batch) = self.batches.pop_front() {
            (self.begin, self.embedded_bytes) = (batch.end, 0);
            self.passed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(batches: &[(u64, u64)]) -> ReadAhead {
        let ahead = ReadAhead::default();
        ahead.lock().batches.extend(batches.iter().map(|&(text_bytes, end)| Batch { text_bytes, end }));
        ahead
    }

    #[test]
    fn a_batch_counts_by_what_is_embedded_of_it() {
        let ahead = ahead(&[(100, 1000), (50, 1500)]);
        let half = "x".repeat(50);
        let mut told = vec![ahead.position()];
        for _ in 0..3 {
            ahead.embedded(&[&half]);
            told.push(ahead.position());
        }
        assert_eq!(told, [(0, 0), (500, 1), (1000, 2), (1500, 3)]);
        ahead.stored(2, 2);
        assert_eq!(ahead.position(), (1500, 3), "it does not go back");
        ahead.stored(1, 1);
        assert_eq!(ahead.position(), (1500, 3));
    }

    #[test]
    fn what_needs_no_embedding_counts_once_it_is_stored() {
        let ahead = ahead(&[(100, 1000), (0, 1200), (100, 2000)]);
        ahead.embedded(&["0123456789"]);
        assert_eq!(ahead.position(), (100, 1));
        ahead.stored(5, 1);
        assert_eq!(ahead.position(), (1000, 5));
        ahead.stored(3, 0);
        assert_eq!(ahead.position(), (1200, 8));
        ahead.stored(4, 0);
        assert_eq!(ahead.position(), (2000, 12));
        ahead.stored(0, 0);
        ahead.embedded(&["more than was read"]);
        assert_eq!(ahead.position(), (2000, 13));
    }
}
