//! The progress of re-embedding a collection with another model.
//!
//! Invariant: each step is one transaction; until the last the collection is searched by its old embeddings.

use super::catalog::{self, NextEmbeddings};
use super::next_embeddings::ReembedBatch;
use super::table::{self, CollectionNumber};
use super::{Collection, View};
use crate::error::{Advice, Error, Result};
use crate::record::{Fingerprint, Ordinal};

/// The progress of re-embedding a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reembedded {
    /// Texts embedded by this run.
    pub embedded: u64,
    /// Those of them that are longer than the model reads.
    pub cut: u64,
    /// Records that have their new embedding.
    pub done: u64,
    /// Records of the collection.
    pub records: u64,
}

impl View {
    /// Returns the model of a re-embedding that is under way or was interrupted.
    #[must_use]
    pub fn next_embedder(&self) -> Option<&Fingerprint> {
        self.next().map(|next| &next.embedder)
    }

    /// Returns its progress.
    #[must_use]
    pub fn reembedded(&self, embedded: u64) -> Reembedded {
        let records = self.counts().records;
        let until = self.next().map_or(self.end().0, |next| next.until);
        Reembedded { embedded, cut: 0, done: until - self.dead().range_cardinality(..until), records }
    }

    /// Returns the records that have no new embedding yet, in order.
    pub(crate) fn to_embed(&self) -> impl Iterator<Item = Ordinal> {
        let mut live = self.live();
        live.remove_range(..self.next().map_or(0, |next| next.until));
        live.into_iter().map(Ordinal)
    }
}

impl Collection {
    /// Discards a re-embedding under way; returns its model.
    ///
    /// # Errors
    /// Those of every write.
    pub fn discard_reembedding(&self) -> Result<Option<Fingerprint>> {
        self.change_entry(|tx, _, entry| {
            let Some(next) = entry.next.take() else { return Ok(None) };
            catalog::remove_rows(tx, CollectionNumber(next.number))?;
            Ok(Some(next.embedder))
        })
    }

    /// Begins a re-embedding with a model, or resumes it; returns its number.
    pub(crate) fn begin_next(&self, model: &Fingerprint) -> Result<CollectionNumber> {
        let view = self.view()?;
        self.change_entry(|tx, _, entry| match &entry.next {
            Some(next) if next.embedder == *model => Ok(CollectionNumber(next.number)),
            Some(next) => Err(unfinished(&view, &next.embedder)),
            None => {
                let number = catalog::next_number(&mut tx.open_table(table::META)?)?;
                entry.next = Some(NextEmbeddings::new(model.clone(), number));
                Ok(number)
            }
        })
    }

    pub(crate) fn put_next(&self, number: CollectionNumber, batch: ReembedBatch) -> Result<()> {
        self.change_entry(|tx, own, entry| match entry.next.as_mut().filter(|next| next.number == number.0) {
            Some(next) => next.put(tx, (own, entry.dictionary), (entry.info.space, entry.info.precision), batch),
            // Noticed, and reported, when the next batch is read.
            None => Ok(()),
        })
    }

    /// Replaces the old embeddings by the new ones; returns whether there was nothing left to embed.
    pub(crate) fn take_next(&self, number: CollectionNumber) -> Result<bool> {
        self.change_entry(|tx, own, entry| match entry.next.take() {
            Some(next) if next.number == number.0 && next.is_complete(tx, entry)? => {
                next.take_place(tx, own, entry)?;
                Ok(true)
            }
            next => {
                entry.next = next;
                Ok(false)
            }
        })
    }
}

/// The error of a run with one model where another's was not finished.
pub(crate) fn unfinished(view: &View, other: &Fingerprint) -> Error {
    let (name, Reembedded { done, records, .. }) = (&view.info().name, view.reembedded(0));
    Error::InvalidArgument {
        why: format!("{name} is being embedded by {}: {done} of {records} documents are done", other.model),
        hint: Some(Advice::FinishReembedding(name.to_string())),
    }
}
