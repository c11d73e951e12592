//! From a path to redb's handle of the file there, waiting for whoever locks it.
//!
//! Knows nothing of tables. Invariants: a file is locked while it still has its name; where redb must repair it, a reader
//! has a writer do it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{Builder, ConcurrencyMode, Database, DatabaseError, StorageBackend};

use super::atomic_file::no_file;
use super::backend::TimedBackend;
use super::crypt::{EncryptedBackend, Seal, Xts};
use super::opened::{FileIdentity, Handle, Opened};
use super::options::{Access, Options};
use super::page::{Pages, VerifiedBackend, while_writing};
use super::panic_guard::guarded;
use crate::error::{Error, Result};

fn builder(options: &Options, mode: ConcurrencyMode) -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(mode).set_cache_size(options.cache_bytes);
    builder
}

pub(super) fn open_file(path: &Path, how: &OpenOptions) -> Result<File> {
    // Opening a FIFO would wait for a writer.
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

impl Writer {
    pub(super) fn into_handle(self, options: &Options) -> Handle {
        Handle::new(Opened::Writer(self.file, self.identity), self.seal, self.pages, options.warm_bytes)
    }
}

/// Opens a file; `empty_may_be` says whether tables may be made in one that is empty.
pub(super) fn open(path: &Path, access: Access, options: &Options, empty_may_be: bool) -> Result<Handle> {
    let opened = match access {
        Access::Read => reader(path, options),
        Access::Write | Access::Create => writer(path, options, empty_may_be).map(|writer| writer.into_handle(options)),
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

/// Opens a file that nobody else has open, nor can open meanwhile.
pub(super) fn alone(path: &Path, options: &Options) -> Result<Handle> {
    let opened = writer_in(path, options, false, ConcurrencyMode::ExclusiveWriter);
    opened.map(|writer| writer.into_handle(options)).map_err(|e| e.at(path, options.busy_timeout))
}

pub(super) fn writer(path: &Path, options: &Options, create: bool) -> Result<Writer> {
    writer_in(path, options, create, ConcurrencyMode::MultiWriter)
}

fn writer_in(path: &Path, options: &Options, create: bool, mode: ConcurrencyMode) -> Result<Writer> {
    let how = OpenOptions::new().read(true).write(true).create(create).truncate(false).clone();
    until_free(options.busy_timeout, || {
        let file = open_file(path, &how)?;
        let identity = FileIdentity::of(&facts(&file)?);
        let sealed = Seal::open(&file, path, options.key.as_ref())?;
        let (bytes, seal) = unsealed(TimedBackend::new(file, options.busy_timeout)?, sealed);
        // redb would turn it into a database.
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
        Ok(opened
            .map(|file| Handle::new(Opened::Reader(file, FileIdentity::of(&found)), seal, pages, options.warm_bytes)))
    };
    until_free(options.busy_timeout, || {
        let opened = open(false)?;
        // A writer was killed: only a writer may repair the file.
        if let Err(DatabaseError::RepairAborted) = opened {
            if !options.mends {
                return Ok(open(true)??);
            }
            let repaired = writer(path, options, false);
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

/// Tries to open until it works, fails for a reason other than a lock, or times out.
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
