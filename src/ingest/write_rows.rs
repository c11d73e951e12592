//! Rows written in one call, for a program that has them at hand.
//!
//! An import of a file has its own way, batch by batch ([`Ingest`]). Invariant: all rows are written in one transaction, or
//! none is.

use super::{Ingest, OnError, Preparer, Tally, Target};
use crate::embed::{self, Embedder, LoadOptions};
use crate::error::Result;
use crate::record::NewRecord;
use crate::store::{Collection, Mode};

impl Collection {
    /// Writes rows in one transaction; documents without an embedding are embedded by the collection's model, which the
    /// environment says where to find ([`LoadOptions::of_process`]). A collection without a model takes rows that bring
    /// their embeddings.
    ///
    /// Embedding takes no lock of the file. The call returns when the rows are on the disk.
    ///
    /// ```
    /// use huedb::{Access, CollectionName, Embedder, HashEmbedder, Mode, NewCollection, NewRecord, Store};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = Store::open(folder.path().join("notes.redb"), Access::Create)?;
    /// let embedder = Some(HashEmbedder::new(64).fingerprint().clone());
    /// let new = NewCollection { embedder, ..NewCollection::default() };
    /// store.create_collection(CollectionName::parse("notes")?, new)?;
    /// let notes = store.collection("notes")?;
    /// let rows = [NewRecord::new("fox")?.with_document("a red fox"), NewRecord::new("dog")?.with_document("a lazy dog")];
    /// let tally = notes.write_rows(rows, Mode::Add)?;
    /// assert_eq!((tally.added, tally.embedded), (2, 2));
    /// # Ok::<(), huedb::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::error::Error::BadRecord`] or [`crate::error::Error::BadRow`] for the first bad row;
    /// [`crate::error::Error::NoModel`] for text where there is no model; those of the model and of every write.
    pub fn write_rows(&self, rows: impl IntoIterator<Item = NewRecord>, mode: Mode) -> Result<Tally> {
        let view = self.view()?;
        let info = view.info().clone();
        drop(view);
        match &info.embedder {
            Some(_) => {
                self.write_rows_with(rows, mode, &embed::of_collection(&info, None, LoadOptions::of_process()?)?)
            }
            None => write_rows(self, rows, mode, None),
        }
    }

    /// Does the same with a model that the caller has loaded.
    ///
    /// # Errors
    /// As [`Self::write_rows`], and [`crate::error::Error::ModelMismatch`] when it is not the collection's.
    pub fn write_rows_with(
        &self,
        rows: impl IntoIterator<Item = NewRecord>,
        mode: Mode,
        model: &dyn Embedder,
    ) -> Result<Tally> {
        write_rows(self, rows, mode, Some(model))
    }
}

/// Does the same wherever the collection is, with its model where it has one.
///
/// # Errors
/// As [`Collection::write_rows_with`].
pub fn write_rows(
    target: &dyn Target,
    rows: impl IntoIterator<Item = NewRecord>,
    mode: Mode,
    model: Option<&dyn Embedder>,
) -> Result<Tally> {
    let existing = target.existing()?;
    let mut preparer = Preparer::new(existing.info(), model, mode, OnError::Stop)?;
    let batch = preparer.prepare(existing.as_ref(), rows.into_iter().map(Ok))?;
    drop(existing);
    let mut ingest = Ingest::new(target, preparer);
    ingest.store(batch)?;
    Ok(ingest.tally())
}
