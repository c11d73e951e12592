//! Records in one file: tables, codecs, transactions, locks, format version.
//!
//! Knows nothing of the index or the terminal. Invariant: one write is one transaction, durable when the call
//! returns `Ok`; a call that returns an error leaves the file as it was.

mod backend;
mod backup;
mod beside;
mod catalog;
mod centre;
mod check;
mod codec;
mod collection;
mod compact;
mod convert;
mod crypt;
mod fault;
#[cfg(test)]
pub(crate) mod faulty;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod graph;
mod guard;
mod ingest;
mod limit;
mod mirror;
mod model;
mod open;
mod page;
mod posting;
mod quantise;
mod read;
mod record;
mod reembed;
mod repair;
mod rotation;
mod rows;
mod scope;
mod segment;
mod sketch;
mod snapshot;
mod table;
mod terms;
mod vector;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use redb::{Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};

pub use backup::restore;
pub use beside::{Beside, beside, remove_unfinished, unfinished_beside};
pub use catalog::{CollectionChange, GraphEntry, NewCollection};
pub use centre::Centre;
pub use check::{Depth, Finding, MOST_FINDINGS};
pub use collection::Collection;
pub use compact::Compacted;
pub use convert::{decrypt, encrypt, rekey_fully};
pub use crypt::{Key, KeyDerivation, MOST_KEY_BYTES, is_encrypted};
pub use graph::GraphFile;
pub use ingest::{Batch as StoredBatch, Ingest, OnError, Parsed, Prepared, Preparer, Rules, Tally};
pub use limit::{MAX_ID_BYTES, MAX_RECORD_BYTES, check_id, check_texts};
pub use mirror::{Mirror, Standing, Stray};
pub use model::check_model;
pub use open::{Access, Options};
#[cfg(test)]
pub(crate) use page::tests::{PageOf, pages_of};
pub use posting::{Term, TermKind};
pub use quantise::{
    AskedDifference, Codes, MAX_DIMENSION, Question, check_embedding, difference, quantise, quantise_query,
};
pub(crate) use quantise::{above, lengthwise};
pub use read::{Include, View};
pub(crate) use record::Stored;
pub use reembed::{Reembedded, reembed, reembed_leaving_out};
pub use repair::{Certainty, Kept, Loss, Repair};
pub use scope::DatabaseInfo;
pub(crate) use segment::seal;
pub use segment::{Bounds, Segment, rows_per_segment};
pub use sketch::{DEVIATIONS, Sketch, SketchQuestion, sign_bytes};
pub use snapshot::Snapshot;
pub use table::{FORMAT_VERSION, MAX_VALUE_BYTES};
pub use terms::DOCUMENT;
pub use vector::Embeddings;
pub use write::check_dimension;
pub use write::{Change, Effect, Mode};

use crypt::Seal;
use table::meta;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::record::{CollectionInfo, CollectionName, Counts, Scope};

/// Facts about a file that no collection has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its identity, kept when it is copied.
    pub id: Uuid,
    /// The format version it has.
    pub format: u32,
    /// The program that made it.
    pub created_by: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Collections in all its databases.
    pub collections: u64,
    /// Records in all of them.
    pub records: u64,
    /// How its key is made, when it is encrypted.
    pub encryption: Option<KeyDerivation>,
}

/// An open database file.
pub struct Store {
    path: PathBuf,
    scope: Scope,
    busy_timeout: Duration,
    /// What it was opened with, when it is encrypted.
    seal: Option<Seal>,
    handle: Handle,
    pages: Arc<page::Pages>,
}

enum Handle {
    Reader(ReadOnlyDatabase),
    Writer(Database, open::Identity),
}

impl Store {
    /// Opens a database file with the default options.
    ///
    /// # Errors
    /// See [`Store::open_with`].
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Self> {
        Self::open_with(path, access, &Options::default())
    }

    /// As [`Store::open`], with the options of tests.
    #[cfg(test)]
    pub(crate) fn open_in_test(path: impl AsRef<Path>, access: Access) -> Result<Self> {
        Self::open_with(path, access, &Options::of_tests())
    }

    /// Returns the path the file was opened with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the tenant and database that names are looked up in.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns facts about the file as a whole.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn file_facts(&self) -> Result<FileFacts> {
        let bytes = self.file_bytes()?;
        self.read(|tx| {
            let names = tx.open_table(table::META)?;
            let value = |name| names.get(name).map(|value| value.map(|v| v.value().to_vec()).unwrap_or_default());
            let entries = tx.open_table(table::COLLECTION)?;
            let (mut collections, mut records) = (0, 0);
            for row in entries.iter()? {
                let (number, entry) = row?;
                let name = format!("number {}", u32::from_be_bytes(*number.value()));
                records += catalog::Entry::decode(entry.value(), &name)?.counts().records;
                collections += 1;
            }
            let format = value(meta::FORMAT)?.try_into().map_err(|_| Error::damaged("the format version"))?;
            Ok(FileFacts {
                id: Uuid::from_slice(&value(meta::FILE_ID)?).map_err(|_| Error::damaged("the id of the file"))?,
                format: u32::from_le_bytes(format),
                created_by: String::from_utf8_lossy(&value(meta::CREATED_BY)?).into_owned(),
                bytes,
                collections,
                records,
                encryption: self.seal.as_ref().map(Seal::derivation),
            })
        })
    }

    /// Adds a collection.
    ///
    /// # Errors
    /// [`Error::CollectionExists`], [`Error::DatabaseNotFound`], [`Error::TenantNotFound`], and those of every write:
    /// [`Error::Busy`], [`Error::Damaged`], [`Error::Io`].
    pub fn create_collection(&self, name: CollectionName, new: NewCollection) -> Result<CollectionInfo> {
        self.write(|tx| {
            scope::check_for_writing(tx, &self.scope)?;
            Ok(catalog::create(tx, &self.scope, name, new)?.1.info)
        })
    }

    /// Changes what a collection is; returns what it is now.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`] (or of its database or tenant), [`Error::CollectionExists`] for a name that is taken,
    /// [`Error::InvalidArgument`] for a change its content does not allow, and those of every write.
    pub fn modify_collection(&self, name: &str, change: CollectionChange) -> Result<CollectionInfo> {
        self.write(|tx| {
            scope::check_for_writing(tx, &self.scope)?;
            catalog::modify(tx, &self.scope, name, change)
        })
    }

    /// Removes a collection with all its records; returns what it was.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`] (or of its database or tenant), and those of every write.
    pub fn drop_collection(&self, name: &str) -> Result<(CollectionInfo, Counts)> {
        self.write(|tx| {
            scope::check_for_writing(tx, &self.scope)?;
            let entry = catalog::drop_collection(tx, &self.scope, name)?;
            let counts = entry.counts();
            Ok((entry.info, counts))
        })
    }

    /// Lists the collections by name.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn collections(&self) -> Result<Vec<(CollectionInfo, Counts)>> {
        self.read(|tx| {
            scope::check(&tx, &self.scope)?;
            let entries = tx.open_table(table::COLLECTION)?;
            let numbers = catalog::list_numbers(&tx.open_table(table::COLLECTIONS)?, &self.scope)?;
            let entries = numbers.into_iter().map(|(name, number)| catalog::entry(&entries, number, &name));
            entries.map(|entry| entry.map(|entry| (entry.info.clone(), entry.counts()))).collect()
        })
    }

    /// Returns a handle to a collection that exists.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`], [`Error::Damaged`] or [`Error::Io`].
    pub fn collection(&self, name: &str) -> Result<Collection<'_>> {
        self.view(name).map(|view| Collection::new(self, view.info().name.clone()))
    }

    /// Runs `work` on one committed state of the file.
    pub(crate) fn read<T>(&self, work: impl FnOnce(ReadTransaction) -> Result<T>) -> Result<T> {
        let begin = || match &self.handle {
            Handle::Reader(file) => file.begin_read(),
            Handle::Writer(file, _) => file.begin_read(),
        };
        guard::guarded(|| begin().map_err(Error::from)).and_then(work).map_err(|e| self.name(e))
    }

    /// Runs `work` in one transaction: committed and durable when this returns `Ok`, without a trace otherwise.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&WriteTransaction) -> Result<T>) -> Result<T> {
        let Handle::Writer(file, identity) = &self.handle else {
            return Err(Error::argument("the file was opened for reading only"));
        };
        let run = || {
            let tx = file.begin_write()?;
            // Whoever replaces a file holds this lock meanwhile.
            identity.require_at(&self.path)?;
            open::raise_format(&tx)?;
            let result = work(&tx)?;
            tx.commit()?;
            Ok(result)
        };
        run().map_err(|e| self.name(e))
    }

    fn place(&self) -> fault::Place {
        fault::Place { path: self.path.as_path().into(), patience: self.busy_timeout }
    }

    pub(crate) fn name(&self, error: Error) -> Error {
        error.at(&self.path, self.busy_timeout)
    }

    /// Returns whether the file still has its name, so that what is written to it can be read by that.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        match &self.handle {
            Handle::Reader(_) => self.path.exists(),
            Handle::Writer(_, identity) => identity.is_at(&self.path),
        }
    }

    /// Closes the file, so that the next to open it has nothing to put right.
    ///
    /// What was written is durable before this; where the disk fails now, the next to open the file does what is left.
    ///
    /// # Errors
    /// [`Error::Damaged`] when closing met damage.
    pub fn close(self) -> Result<()> {
        let closed = guard::guarded(|| {
            let closed = match self.handle {
                Handle::Reader(file) => file.close(),
                Handle::Writer(file, _) => file.close(),
            };
            closed.map_err(Error::from)
        });
        match closed {
            Err(Error::Io { .. } | Error::Busy { .. }) => Ok(()),
            closed => closed.map_err(|e| e.at(&self.path, self.busy_timeout)),
        }
    }
}
