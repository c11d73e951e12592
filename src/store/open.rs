//! Opening a file: for reading, for writing, or new.
//!
//! Invariant: a file that is not huedb's, or of a later format, is refused before anything is read from it.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{
    Builder, ConcurrencyMode, Database, DatabaseError, ReadOnlyDatabase, ReadableTable, StorageBackend, TableError,
};
use uuid::Uuid;

use super::backend::TimedBackend;
use super::guard::guarded;
use super::page::{Pages, VerifiedBackend};
use super::table::{self, FORMAT_VERSION, META, meta};
use super::{Handle, Store};
use crate::error::{Error, Result};
use crate::record::Scope;

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading; the file exists.
    Read,
    /// Reading and writing; the file exists.
    Write,
    /// Reading and writing; the file is made when there is none.
    Create,
}

/// How a file is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long a lock held by another process is waited for.
    pub busy_timeout: Duration,
    /// Memory for pages. Readers want little, since they read each page once; an import wants more than twice its
    /// transaction, or every byte is written twice.
    pub cache_bytes: usize,
    /// The tenant and database that names are looked up in.
    pub scope: Scope,
}

impl Options {
    /// The cache of a process that reads.
    pub const READ_CACHE_BYTES: usize = 1 << 20;
    /// The cache of a process that writes a little.
    pub const WRITE_CACHE_BYTES: usize = 64 << 20;
    /// The cache of an import.
    pub const IMPORT_CACHE_BYTES: usize = 256 << 20;
}

impl Default for Options {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), cache_bytes: Self::WRITE_CACHE_BYTES, scope: Scope::default() }
    }
}

impl Store {
    /// Opens a database file.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::NotADatabase`], [`Error::NewerFormat`], [`Error::Busy`],
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn open_with(path: impl AsRef<Path>, access: Access, options: &Options) -> Result<Self> {
        let path = path.as_ref();
        let opened = match access {
            Access::Read => reader(path, options).map(|(file, pages)| (Handle::Reader(file), pages)),
            Access::Write => writer(path, options, false).map(|(file, pages)| (Handle::Writer(file), pages)),
            Access::Create => writer(path, options, true).map(|(file, pages)| (Handle::Writer(file), pages)),
        };
        let name = |e: Error| e.at(path, options.busy_timeout);
        let (handle, pages) = opened.map_err(name)?;
        let store = Self {
            path: path.to_owned(),
            scope: options.scope.clone(),
            busy_timeout: options.busy_timeout,
            handle,
            pages,
        };
        if access == Access::Create {
            store.write_format()?;
        }
        guarded(|| store.check_format()).map_err(name)?;
        Ok(store)
    }

    /// Makes the tables of a new file; does nothing to a file that has them.
    fn write_format(&self) -> Result<()> {
        let empty = self.read(|tx| Ok(tx.list_tables()?.next().is_none()))?;
        if !empty {
            return Ok(());
        }
        self.write(|tx| {
            let mut names = tx.open_table(META)?;
            if names.get(meta::FORMAT)?.is_some() {
                return Ok(());
            }
            names.insert(meta::FORMAT, FORMAT_VERSION.to_le_bytes().as_slice())?;
            names.insert(meta::CREATED_BY, concat!("huedb ", env!("CARGO_PKG_VERSION")).as_bytes())?;
            names.insert(meta::FILE_ID, Uuid::new_v4().as_bytes().as_slice())?;
            tx.open_table(table::COLLECTIONS)?;
            tx.open_table(table::COLLECTION)?;
            tx.open_table(table::IDS)?;
            tx.open_table(table::POSTINGS)?;
            for pairs in [table::RECORDS, table::VECTORS, table::TAIL, table::SEGMENTS, table::SKETCH, table::GRAPH] {
                tx.open_table(pairs)?;
            }
            for sets in [table::DEAD, table::STALE] {
                tx.open_table(sets)?;
            }
            Ok(())
        })
    }

    fn check_format(&self) -> Result<()> {
        let not_ours = |why: &str| Error::NotADatabase { path: self.path.clone(), why: why.into() };
        let found = self.read(|tx| {
            let names = match tx.open_table(META) {
                Err(TableError::TableDoesNotExist(_)) => return Err(not_ours("it is a redb file of another program")),
                names => names?,
            };
            let version = names.get(meta::FORMAT)?.ok_or_else(|| not_ours("it has no format version"))?;
            let bytes = version.value().try_into().map_err(|_| Error::damaged("the format version"))?;
            Ok(u32::from_le_bytes(bytes))
        })?;
        if found > FORMAT_VERSION {
            return Err(Error::NewerFormat { path: self.path.clone(), found, supported: FORMAT_VERSION });
        }
        Ok(())
    }
}

fn builder(options: &Options) -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::MultiWriter).set_cache_size(options.cache_bytes);
    builder
}

fn open_file(path: &Path, how: &OpenOptions) -> Result<File> {
    if path.is_dir() {
        return Err(Error::NotADatabase { path: path.to_owned(), why: "it is a folder".into() });
    }
    how.open(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound if !path.parent().is_some_and(|p| !p.as_os_str().is_empty() && !p.is_dir()) => {
            Error::FileNotFound { path: path.to_owned() }
        }
        _ => Error::io(format!("open {}", path.display()), e),
    })
}

/// An open file, and what is known of its pages.
type Opened<D> = (D, Arc<Pages>);

pub(super) fn writer(path: &Path, options: &Options, create: bool) -> Result<Opened<Database>> {
    let how = OpenOptions::new().read(true).write(true).create(create).truncate(false).clone();
    until_free(options.busy_timeout, || {
        let file = open_file(path, &how)?;
        if !create && file.metadata().is_ok_and(|m| m.len() == 0) {
            return Err(Error::NotADatabase { path: path.to_owned(), why: "it is empty".into() }.into());
        }
        let backend = VerifiedBackend::for_writing(TimedBackend::new(file, options.busy_timeout)?);
        let pages = backend.pages();
        guarded(|| Ok((builder(options).create_with_backend(backend)?, pages)))
    })
}

/// Opens the bytes of a file that redb refuses.
pub(super) fn raw(path: &Path, options: &Options) -> Result<Box<dyn StorageBackend>> {
    let file = open_file(path, OpenOptions::new().read(true))?;
    Ok(Box::new(TimedBackend::new(file, options.busy_timeout)?))
}

fn reader(path: &Path, options: &Options) -> Result<Opened<ReadOnlyDatabase>> {
    until_free(options.busy_timeout, || {
        let file = open_file(path, OpenOptions::new().read(true))?;
        if file.metadata().is_ok_and(|m| m.len() == 0) {
            return Err(Error::NotADatabase { path: path.to_owned(), why: "it is empty".into() }.into());
        }
        let backend = VerifiedBackend::for_reading(TimedBackend::new(file, options.busy_timeout)?);
        let pages = backend.pages();
        let opened = guarded(|| Ok::<_, Attempt>(builder(options).open_read_only_with_backend(backend)))?;
        // A writer was killed: only a writer may put the file right.
        if let Err(DatabaseError::RepairAborted) = opened {
            writer(path, options, false)?.0.close()?;
            return Err(Attempt::Held);
        }
        Ok((opened?, pages))
    })
}

/// Why an attempt to open failed.
enum Attempt {
    /// Another process is in the way; trying again may work.
    Held,
    Failed(Error),
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<DatabaseError> for Attempt {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::Held,
            other => Self::Failed(other.into()),
        }
    }
}

/// Tries to open until it works, fails for another reason than a lock, or the time is over.
fn until_free<T>(patience: Duration, open: impl Fn() -> std::result::Result<T, Attempt>) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        match open() {
            Ok(opened) => return Ok(opened),
            Err(Attempt::Failed(error)) => return Err(error),
            Err(Attempt::Held) if Instant::now() >= deadline => {
                return Err(Error::Busy { path: std::path::PathBuf::new(), waited: patience });
            }
            Err(Attempt::Held) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
