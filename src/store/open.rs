//! Opening a file: for reading, for writing, or new.
//!
//! Invariant: a file that is not huedb's, of a later format, or encrypted with another key, is refused before anything
//! is read from it.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{
    Builder, ConcurrencyMode, Database, DatabaseError, ReadableTable, StorageBackend, TableError, WriteTransaction,
};
use uuid::Uuid;

use super::Store;
use super::backend::TimedBackend;
use super::beside::{Beside, beside, no_file, real_place, sweep};
use super::crypt::{EncryptedBackend, Key, Seal, Xts, finding, is_encrypted};
use super::guard::guarded;
use super::handle::{Handle, Opened};
use super::page::{Pages, VerifiedBackend, while_writing};
use super::table::{self, FORMAT_VERSION, META, meta};
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
    /// Memory for what stays decoded between questions: codes, signs, filters' records. With it a second question to the
    /// same collection reads only its hits; 0 keeps nothing, which suits a process that asks once.
    pub warm_bytes: usize,
    /// The tenant and database that names are looked up in.
    pub scope: Scope,
    /// What opens an encrypted file; a plain one opens with it as well.
    pub key: Option<Key>,
    /// Whether a file that [`Access::Create`] makes is encrypted with the key; one that is there must be so already.
    pub encrypt: bool,
    /// Whether a reader puts a file right whose writer was killed. Otherwise it reads what was last committed, and writes
    /// nothing whatever happens.
    pub mends: bool,
}

impl Options {
    /// What stays decoded, unless said otherwise: 500,000 embeddings of 384 components.
    pub const WARM_BYTES: usize = 256 << 20;
    /// The cache of a process that reads.
    pub const READ_CACHE_BYTES: usize = 1 << 20;
    /// The cache of a process that writes a little.
    pub const WRITE_CACHE_BYTES: usize = 64 << 20;
    /// The cache of a process that writes a lot: at the end it has read each page a few times over, all of them in turn.
    pub const BULK_CACHE_BYTES: usize = 96 << 20;
    /// The cache of an import that fits in it as a whole, which saves a sixth of its time.
    const WHOLE_CACHE_BYTES: usize = 256 << 20;

    /// Returns the cache for an import of so many bytes, where they are known, into a file of so many.
    ///
    /// Numbers take twice the room as text that they take in the file. With either cache the process stays within
    /// 512 MiB, whatever it imports.
    #[must_use]
    pub fn import_cache_bytes(file_bytes: u64, input_bytes: Option<u64>) -> usize {
        let fits =
            input_bytes.is_some_and(|input| file_bytes.saturating_add(input / 2) <= Self::WHOLE_CACHE_BYTES as u64);
        if fits { Self::WHOLE_CACHE_BYTES } else { Self::BULK_CACHE_BYTES }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            cache_bytes: Self::WRITE_CACHE_BYTES,
            warm_bytes: Self::WARM_BYTES,
            scope: Scope::default(),
            key: None,
            encrypt: false,
            mends: true,
        }
    }
}

#[cfg(test)]
impl Options {
    /// How tests of faults and of damage open files: plain, or encrypted when `HUEDB_TEST_ENCRYPTED` is set.
    pub(crate) fn of_tests() -> Self {
        let encrypted = std::env::var_os("HUEDB_TEST_ENCRYPTED").is_some_and(|set| set == "1");
        // No text, so no passphrase that every opening would have to be paid for.
        let key = encrypted.then(|| Key::new(vec![0xa5; 32]).unwrap());
        Self { encrypt: key.is_some(), key, ..Self::default() }
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
        if create && path.metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound) {
            make(path, options)?;
        } else if encrypt && path.metadata().is_ok_and(|facts| facts.is_file() && facts.len() == 0) {
            make_of_empty(path, options)?;
        }
        // Nothing is made of an empty file that is to be encrypted: others may take it for a new plain one.
        let empty_may_be = create && !encrypt && !is_encrypted(path);
        let handle = open(path, access, options, empty_may_be)?;
        let is_plain = handle.seal.is_none();
        let store = Self::of(path, options, handle, Some(access));
        if encrypt && is_plain {
            let hint = Some(format!("encrypt it with `huedb encrypt {}`", path.display()));
            return Err(Error::InvalidArgument { why: format!("{} is there and not encrypted", path.display()), hint });
        }
        if create {
            store.write_format()?;
        }
        if access != Access::Read {
            store.clear_up()?;
        }
        guarded(|| store.check_format()).map_err(|e| store.name(e))?;
        Ok(store)
    }

    /// Finishes what killed processes left: files beside this one, and a change of its key.
    fn clear_up(&self) -> Result<()> {
        if let Some(folder) = real_place(self.path()).parent() {
            sweep(folder);
        }
        let handle = self.handle();
        let Some(seal) = &handle.seal else { return Ok(()) };
        let file = open_file(self.path(), OpenOptions::new().read(true).write(true))?;
        if finding(&file).map_err(|e| self.name(e))?.is_none() {
            return Ok(());
        }
        self.write(|_| seal.complete(&file, self.path()))
    }

    /// Makes the tables of an empty file; does nothing to a file that has them.
    fn write_format(&self) -> Result<()> {
        let empty = self.read(|tx| Ok(tx.list_tables()?.next().is_none()))?;
        if !empty {
            return Ok(());
        }
        self.write(lay_out)
    }

    fn check_format(&self) -> Result<()> {
        let not_ours = |why: &str| Error::NotADatabase { path: self.path().to_owned(), why: why.into() };
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
            return Err(Error::NewerFormat { path: self.path().to_owned(), found, supported: FORMAT_VERSION });
        }
        Ok(())
    }
}

/// Has a file that is written to say that it may hold what only this version of the format knows.
pub(super) fn raise_format(tx: &WriteTransaction) -> Result<()> {
    let mut names = tx.open_table(META)?;
    let version = names.get(meta::FORMAT)?.map(|version| version.value().to_vec());
    if version.is_some_and(|version| version != FORMAT_VERSION.to_le_bytes()) {
        names.insert(meta::FORMAT, FORMAT_VERSION.to_le_bytes().as_slice())?;
    }
    Ok(())
}

/// Makes the tables of an empty file.
fn lay_out(tx: &WriteTransaction) -> Result<()> {
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
    for pairs in [table::RECORDS, table::VECTORS, table::SEGMENTS, table::SKETCH, table::GRAPH] {
        tx.open_table(pairs)?;
    }
    for sets in [table::DEAD, table::STALE] {
        tx.open_table(sets)?;
    }
    Ok(())
}

fn builder(options: &Options, mode: ConcurrencyMode) -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(mode).set_cache_size(options.cache_bytes);
    builder
}

/// Makes a new file with its tables beside its place and renames it into that: whatever ends this, no file stands there
/// that is half made.
fn make(path: &Path, options: &Options) -> Result<()> {
    match laid_out(path, options)?.put_in_place(false) {
        // Another process was faster, and its file is as good.
        Err(Error::FileExists { .. }) => Ok(()),
        put => put,
    }
}

/// Puts an encrypted file in the place of one that is empty, which others may take for a new plain one meanwhile: with
/// their lock in hand, and only as long as nothing is in it.
fn make_of_empty(path: &Path, options: &Options) -> Result<()> {
    let beside = laid_out(path, options)?;
    let plain = Options { encrypt: false, key: None, ..options.clone() };
    let old = match Store::open_with(path, Access::Create, &plain) {
        Err(Error::KeyNeeded { .. }) => return Ok(()),
        opened => opened?,
    };
    old.write(|tx| {
        let is_used = tx.open_table(table::COLLECTIONS)?.iter()?.next().is_some();
        let is_used = is_used || tx.open_table(table::TENANTS)?.iter()?.next().is_some();
        if is_used { Ok(()) } else { beside.put_in_place(true) }
    })
}

/// Makes a whole file with its tables beside a place.
fn laid_out(path: &Path, options: &Options) -> Result<Beside> {
    let name = |e: Error| e.at(path, options.busy_timeout);
    // As `File::create` does it: the umask takes away what others may not do. An encrypted file is for its owner alone.
    let beside = beside(path, (!options.encrypt).then(|| Permissions::from_mode(0o666)))?;
    if options.encrypt {
        let key = options.key.clone().ok_or_else(|| Error::KeyNeeded { path: path.to_owned() })?;
        Seal::new(key)?.write_to(beside.as_file()).map_err(name)?;
    }
    fill(beside.path(), options).map_err(name)?;
    Ok(beside)
}

/// Makes a database of a file that is empty, or that only has the header of an encrypted one.
pub(super) fn fill(path: &Path, options: &Options) -> Result<()> {
    let file = writer(path, options, true, ConcurrencyMode::MultiWriter)?.file;
    let tx = file.begin_write()?;
    lay_out(&tx)?;
    tx.commit()?;
    Ok(file.close()?)
}

fn open_file(path: &Path, how: &OpenOptions) -> Result<File> {
    // A FIFO would be waited for, whoever writes to it.
    if let Some(what) = no_file(path) {
        return Err(Error::NotADatabase { path: path.to_owned(), why: format!("it is {what}") });
    }
    how.open(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound if !path.parent().is_some_and(|p| !p.as_os_str().is_empty() && !p.is_dir()) => {
            Error::FileNotFound { path: path.to_owned() }
        }
        _ => Error::io(format!("open {}", path.display()), e),
    })
}

/// A file open for writing.
pub(super) struct Writer {
    pub(super) file: Database,
    identity: FileIdentity,
    seal: Option<Seal>,
    pages: Arc<Pages>,
}

impl From<Writer> for Handle {
    fn from(Writer { file, identity, seal, pages }: Writer) -> Self {
        Self::new(Opened::Writer(file, identity), seal, pages)
    }
}

/// Opens a file; `empty_may_be` says whether tables may be made in one that is empty.
fn open(path: &Path, access: Access, options: &Options, empty_may_be: bool) -> Result<Handle> {
    let opened = match access {
        Access::Read => reader(path, options),
        Access::Write | Access::Create => {
            writer(path, options, empty_may_be, ConcurrencyMode::MultiWriter).map(Handle::from)
        }
    };
    opened.map_err(|e| e.at(path, options.busy_timeout))
}

/// Opens a file as it was opened before.
pub(super) fn again(path: &Path, access: Access, options: &Options) -> Result<Handle> {
    open(path, access, options, false)
}

/// The bytes of a file as they were before they were encrypted.
fn unsealed(backend: TimedBackend, sealed: Option<(Seal, Xts)>) -> (Box<dyn StorageBackend>, Option<Seal>) {
    match sealed {
        None => (Box::new(backend), None),
        Some((seal, cipher)) => (Box::new(EncryptedBackend::new(backend, cipher)), Some(seal)),
    }
}

pub(super) fn writer(path: &Path, options: &Options, create: bool, mode: ConcurrencyMode) -> Result<Writer> {
    let how = OpenOptions::new().read(true).write(true).create(create).truncate(false).clone();
    until_free(options.busy_timeout, || {
        let file = open_file(path, &how)?;
        let identity = FileIdentity::of(&facts(&file)?);
        let sealed = Seal::open(&file, path, options.key.as_ref())?;
        let (bytes, seal) = unsealed(TimedBackend::new(file, options.busy_timeout)?, sealed);
        // redb would make a database of it.
        if !create && bytes.len().map_err(|e| Error::io("read it", e))? == 0 {
            return Err(empty());
        }
        let backend = VerifiedBackend::new(bytes);
        let pages = backend.pages();
        let open = || Ok::<_, Attempt>(builder(options, mode).create_with_backend(backend)?);
        let file = guarded(|| while_writing(open))?;
        // Another file may have taken its place before it was locked: what is written to this one, nobody would read.
        if identity.is_at(path) { Ok(Writer { file, identity, seal, pages }) } else { Err(Attempt::Held) }
    })
}

/// Opens the bytes of a file that redb refuses.
pub(super) fn raw(path: &Path, options: &Options) -> Result<(Box<dyn StorageBackend>, Option<Seal>)> {
    let file = open_file(path, OpenOptions::new().read(true))?;
    let sealed = Seal::open(&file, path, options.key.as_ref())?;
    Ok(unsealed(TimedBackend::new(file, options.busy_timeout)?, sealed))
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    pub(super) fn is_at(self, path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| Self::of(&metadata) == self)
    }

    /// Refuses to write to a file that has lost its name: whoever opens it by its name would not see it.
    pub(super) fn require_at(self, path: &Path) -> Result<()> {
        if self.is_at(path) {
            return Ok(());
        }
        let why = std::io::Error::other("another file was put in its place meanwhile, or none is there");
        Err(Error::io(format!("write to {}", path.display()), why))
    }
}

fn reader(path: &Path, options: &Options) -> Result<Handle> {
    let open = |consistent: bool| {
        let file = open_file(path, OpenOptions::new().read(true))?;
        let found = facts(&file)?;
        if found.len() == 0 {
            return Err(empty());
        }
        let sealed = Seal::open(&file, path, options.key.as_ref())?;
        let backend = TimedBackend::new(file, options.busy_timeout)?;
        let (bytes, seal) = unsealed(if consistent { backend.consistent() } else { backend }, sealed);
        let backend = VerifiedBackend::new(bytes);
        let pages = backend.pages();
        let builder = builder(options, ConcurrencyMode::MultiWriter);
        let opened = guarded(|| Ok::<_, Attempt>(builder.open_read_only_with_backend(backend)))?;
        if !FileIdentity::of(&found).is_at(path) {
            return Err(Attempt::Held);
        }
        Ok(opened.map(|file| Handle::new(Opened::Reader(file, FileIdentity::of(&found)), seal, pages)))
    };
    until_free(options.busy_timeout, || {
        let opened = open(false)?;
        // A writer was killed: only a writer may put the file right.
        if let Err(DatabaseError::RepairAborted) = opened {
            if !options.mends {
                return Ok(open(true)??);
            }
            let repaired = writer(path, options, false, ConcurrencyMode::MultiWriter);
            return match repaired.and_then(|writer| Ok(writer.file.close()?)) {
                Ok(()) => Err(Attempt::Held),
                // The disk is full, or may not be written to.
                Err(Error::Io { .. }) => Ok(open(true)??),
                Err(error) => Err(error.into()),
            };
        }
        Ok(opened?)
    })
}

fn facts(file: &File) -> Result<Metadata> {
    file.metadata().map_err(|e| Error::io(String::new(), e))
}

fn empty() -> Attempt {
    Error::NotADatabase { path: PathBuf::new(), why: "it is empty".into() }.into()
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
