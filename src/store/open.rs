//! Opening a file: for reading, for writing, or new.
//!
//! Invariant: a file that is not huedb's, of a later format, or encrypted with another key, is refused before anything
//! is read from it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redb::{Builder, ConcurrencyMode, Database, DatabaseError, ReadOnlyDatabase, ReadableTable, TableError};
use uuid::Uuid;

use super::backend::TimedBackend;
use super::beside::{beside, put_in_place};
use super::crypt::{EncryptedBackend, Key, Seal};
use super::guard::guarded;
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
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a lock held by another process is waited for.
    pub busy_timeout: Duration,
    /// Memory for pages. Readers want little, since they read each page once; an import wants more than twice its
    /// transaction, or every byte is written twice.
    pub cache_bytes: usize,
    /// The tenant and database that names are looked up in.
    pub scope: Scope,
    /// What opens an encrypted file; a plain one opens with it as well.
    pub key: Option<Key>,
    /// Whether a file that [`Access::Create`] makes is encrypted with the key; one that is there must be so already.
    pub encrypt: bool,
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
        Self {
            busy_timeout: Duration::from_secs(5),
            cache_bytes: Self::WRITE_CACHE_BYTES,
            scope: Scope::default(),
            key: None,
            encrypt: false,
        }
    }
}

impl Store {
    /// Opens a database file.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::NotADatabase`], [`Error::NewerFormat`], [`Error::KeyNeeded`],
    /// [`Error::WrongKey`], [`Error::Busy`], [`Error::Damaged`] or [`Error::Io`]; [`Error::InvalidArgument`] when a file
    /// that is to be encrypted is plain.
    pub fn open_with(path: impl AsRef<Path>, access: Access, options: &Options) -> Result<Self> {
        let path = path.as_ref();
        let create = access == Access::Create;
        let encrypt = create && options.encrypt;
        if encrypt && !path.exists() {
            lay_header(path, options)?;
        }
        let opened = match access {
            Access::Read => reader(path, options).map(|(file, seal)| (Handle::Reader(file), seal)),
            // Nothing is made of an empty file that is to be encrypted: others may take it for a new plain one.
            Access::Write | Access::Create => writer(path, options, create && !encrypt, ConcurrencyMode::MultiWriter)
                .map(|(file, seal)| (Handle::Writer(file), seal)),
        };
        let store = Self::of(path, options, opened)?;
        if encrypt && store.seal.is_none() {
            let hint = Some(format!("encrypt it with `huedb encrypt {}`", path.display()));
            return Err(Error::InvalidArgument { why: format!("{} is there and not encrypted", path.display()), hint });
        }
        if create {
            store.write_format()?;
        }
        guarded(|| store.check_format()).map_err(|e| store.name(e))?;
        Ok(store)
    }

    /// Opens a file for writing while nobody else has it open, nor can open it.
    pub(super) fn open_alone(path: &Path, options: &Options) -> Result<Self> {
        let opened = writer(path, options, false, ConcurrencyMode::ExclusiveWriter);
        let store = Self::of(path, options, opened.map(|(file, seal)| (Handle::Writer(file), seal)))?;
        guarded(|| store.check_format()).map_err(|e| store.name(e))?;
        Ok(store)
    }

    fn of(path: &Path, options: &Options, opened: Result<(Handle, Option<Seal>)>) -> Result<Self> {
        let (handle, seal) = opened.map_err(|e| e.at(path, options.busy_timeout))?;
        let (scope, busy_timeout) = (options.scope.clone(), options.busy_timeout);
        Ok(Self { path: path.to_owned(), scope, busy_timeout, seal, handle })
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

fn builder(options: &Options, mode: ConcurrencyMode) -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(mode).set_cache_size(options.cache_bytes);
    builder
}

/// Makes a file that holds nothing but the header of its encryption, unless another process was faster.
fn lay_header(path: &Path, options: &Options) -> Result<()> {
    let key = options.key.clone().ok_or_else(|| Error::KeyNeeded { path: path.to_owned() })?;
    // Whole before it has its name: an empty file would be taken for a new plain one.
    let beside = beside(path)?;
    Seal::new(key)?.write_to(beside.as_file()).map_err(|e| e.at(path, options.busy_timeout))?;
    match put_in_place(beside, path, false) {
        Err(Error::FileExists { .. }) => Ok(()),
        put => put,
    }
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

pub(super) fn writer(
    path: &Path,
    options: &Options,
    create: bool,
    mode: ConcurrencyMode,
) -> Result<(Database, Option<Seal>)> {
    let how = OpenOptions::new().read(true).write(true).create(create).truncate(false).clone();
    until_free(options.busy_timeout, || {
        let file = open_file(path, &how)?;
        let found = facts(&file)?;
        if !create && found.len() == 0 {
            return Err(empty());
        }
        let seal = Seal::open(&file, path, options.key.as_ref())?;
        let backend = TimedBackend::new(file, options.busy_timeout)?;
        let (file, seal) = guarded(|| {
            let builder = builder(options, mode);
            Ok::<_, Attempt>(match seal {
                None => (builder.create_with_backend(backend)?, None),
                Some((seal, cipher)) => {
                    (builder.create_with_backend(EncryptedBackend::new(backend, cipher))?, Some(seal))
                }
            })
        })?;
        require_in_place(&found, path)?;
        Ok((file, seal))
    })
}

fn reader(path: &Path, options: &Options) -> Result<(ReadOnlyDatabase, Option<Seal>)> {
    until_free(options.busy_timeout, || {
        let file = open_file(path, OpenOptions::new().read(true))?;
        let found = facts(&file)?;
        if found.len() == 0 {
            return Err(empty());
        }
        let seal = Seal::open(&file, path, options.key.as_ref())?;
        let backend = TimedBackend::new(file, options.busy_timeout)?;
        let opened = guarded(|| {
            let builder = builder(options, ConcurrencyMode::MultiWriter);
            Ok::<_, Attempt>(match seal {
                None => builder.open_read_only_with_backend(backend).map(|file| (file, None)),
                Some((seal, cipher)) => builder
                    .open_read_only_with_backend(EncryptedBackend::new(backend, cipher))
                    .map(|file| (file, Some(seal))),
            })
        })?;
        // A writer was killed: only a writer may put the file right.
        if let Err(DatabaseError::RepairAborted) = opened {
            writer(path, options, false, ConcurrencyMode::MultiWriter)?.0.close()?;
            return Err(Attempt::Held);
        }
        require_in_place(&found, path)?;
        Ok(opened?)
    })
}

fn facts(file: &File) -> Result<Metadata> {
    file.metadata().map_err(|e| Error::io(String::new(), e))
}

fn empty() -> Attempt {
    Error::NotADatabase { path: PathBuf::new(), why: "it is empty".into() }.into()
}

/// Refuses a file that another took the place of before it was locked: what is written there, nobody will read.
fn require_in_place(opened: &Metadata, path: &Path) -> Result<(), Attempt> {
    let same = |now: Metadata| (now.dev(), now.ino()) == (opened.dev(), opened.ino());
    if std::fs::metadata(path).is_ok_and(same) { Ok(()) } else { Err(Attempt::Held) }
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
                return Err(Error::Busy { path: PathBuf::new(), waited: patience });
            }
            Err(Attempt::Held) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
