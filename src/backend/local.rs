//! Records of any place in a file of this machine, where everything can be asked of them.
//!
//! Invariant: a copy has the records in their order, and ends with the value that holds it.

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::query::{RecordPage, RecordQuery};
use crate::record::{CollectionInfo, MetadataPatch, Record};
use crate::store::{Access, Change, Collection, Mode, Store};

/// Records copied in one transaction.
const AT_ONCE: usize = 8192;

/// Records in a file of this machine.
pub struct LocalRecords {
    /// What they are asked through.
    pub collection: Collection,
    /// Which of its records they are.
    pub among: RecordQuery,
    _folder: Option<TempDir>,
}

impl LocalRecords {
    /// Takes records of a collection that is in a file already.
    #[must_use]
    pub fn of(collection: Collection, among: RecordQuery) -> Self {
        Self { collection, among, _folder: None }
    }

    /// Copies records, with the parts that were read of them, into a temporary file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written, and those of reading.
    pub fn copy(info: &CollectionInfo, page: &RecordPage) -> Result<Self> {
        Self::copy_of(info, page.records())
    }

    /// Copies records that are here already.
    ///
    /// # Errors
    /// As [`Self::copy`].
    pub fn copy_of(info: &CollectionInfo, records: impl IntoIterator<Item = Result<Record>>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("huedb-").tempdir();
        let folder = folder.map_err(|error| Error::io("make a temporary folder", error))?;
        let store = Store::open(folder.path().join("copy.redb"), Access::Create)?;
        store.adopt_collection(info.clone())?;
        let collection = store.collection(info.name.as_str())?;
        let dimension = info.dimension.unwrap_or(1);
        let mut changes = Vec::with_capacity(AT_ONCE);
        for record in records {
            let Record { id, embedding, document, uri, metadata } = record?;
            let embedding = Some(embedding.unwrap_or_else(|| vec![0.0; dimension]));
            let metadata = metadata.map(MetadataPatch::from).unwrap_or_default();
            changes.push(Change { id, embedding, embedded_here: false, document, uri, metadata });
            if changes.len() == AT_ONCE {
                collection.apply(changes.drain(..), Mode::Add)?;
            }
        }
        collection.apply(changes, Mode::Add)?;
        Ok(Self { collection, among: RecordQuery::default(), _folder: Some(folder) })
    }
}
