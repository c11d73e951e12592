//! What a state of a collection far away was asked of ids, by an ingest that asks for many of them.
//!
//! Invariant: an id that was looked up is not asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::ingest::Existing;
use crate::query::{Filter, RecordQuery, Scalar, Test};
use crate::record::{Record, RecordId};

/// Records that were looked up, and ids that are no record's.
#[derive(Default)]
pub(super) struct LookedUp(Mutex<HashMap<RecordId, Option<Record>>>);

impl LookedUp {
    /// Returns the record of an id, looked up in its state where that has not been done.
    pub(super) fn stored(&self, state: &impl Existing, id: &RecordId) -> Result<Option<Record>> {
        if let Some(known) = self.known().get(id) {
            return Ok(known.clone());
        }
        state.look_up(&mut std::iter::once(id.clone()))?;
        Ok(self.known().get(id).cloned().flatten())
    }

    /// Returns those of the ids that were not looked up, each once.
    pub(super) fn unknown(&self, ids: &mut dyn Iterator<Item = RecordId>) -> Vec<RecordId> {
        // The lock is not held while the iterator runs.
        let mut ids: Vec<RecordId> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let known = self.known();
        ids.retain(|id| !known.contains_key(id));
        ids
    }

    /// Keeps the records that were found for ids.
    pub(super) fn keep(&self, asked: &[RecordId], found: impl IntoIterator<Item = Record>) {
        let mut known = self.known();
        known.extend(asked.iter().map(|id| (id.clone(), None)));
        known.extend(found.into_iter().map(|record| (record.id.clone(), Some(record))));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<RecordId, Option<Record>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for the records whose metadata has this text under this key.
pub(super) fn having(key: &str, text: &str) -> RecordQuery {
    let holds = Test::In { key: key.to_owned(), values: vec![Scalar::Str(text.to_owned())], negated: false };
    RecordQuery { filter: Some(Filter::Test(holds)), ..RecordQuery::default() }
}
