//! A file that redb has open, with its key, its pages and its cache.
//!
//! Invariant: nothing of one opening is used for another, which may be of another file at the same path.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase};

use super::cache::Cache;
use super::crypt::Seal;
use super::page::Pages;
use super::panic_guard::guarded;
use crate::error::{Error, Result};

/// redb's handle, the key of an encrypted file, what is known of its pages, and its cache.
pub(super) struct Handle {
    pub(super) database: Opened,
    pub(super) seal: Option<Seal>,
    pub(super) pages: Arc<Pages>,
    /// Whether redb panicked in it, which leaves its state unknown.
    broken: AtomicBool,
    /// What of the file stays in memory. A file that takes its place has a cache of its own, since its collections may have
    /// the same numbers.
    cache: Arc<Cache>,
}

pub(super) enum Opened {
    Reader(ReadOnlyDatabase, FileIdentity),
    Writer(Database, FileIdentity),
}

impl Handle {
    pub(super) fn new(database: Opened, seal: Option<Seal>, pages: Arc<Pages>, warm_bytes: usize) -> Self {
        let cache = Arc::new(Cache::new(warm_bytes));
        Self { database, seal, pages, broken: AtomicBool::new(false), cache }
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction> {
        let begin = || match &self.database {
            Opened::Reader(file, _) => file.begin_read(),
            Opened::Writer(file, _) => file.begin_read(),
        };
        self.guarded(|| begin().map_err(Error::from))
    }

    pub(super) fn writer(&self) -> Result<(&Database, FileIdentity)> {
        match &self.database {
            Opened::Writer(file, identity) => Ok((file, *identity)),
            Opened::Reader(..) => Err(Error::argument("the file was opened for reading only")),
        }
    }

    pub(super) fn identity(&self) -> FileIdentity {
        match &self.database {
            Opened::Reader(_, identity) | Opened::Writer(_, identity) => *identity,
        }
    }

    pub(super) fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// Calls redb, and remembers a panic.
    pub(super) fn guarded<T>(&self, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let (mut panicked, broken) = (true, &self.broken);
        let result = guarded(|| {
            let result = call();
            panicked = false;
            result
        });
        broken.fetch_or(panicked, Ordering::Relaxed);
        result
    }

    /// Returns whether redb panicked in it.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Returns whether redb is of no more use after this error.
    pub(super) fn is_spent(&self, error: &Error) -> bool {
        self.is_broken() || error.is_consequence()
    }

    pub(super) fn close(self) -> Result<()> {
        guarded(|| {
            let closed = match self.database {
                Opened::Reader(file, _) => file.close(),
                Opened::Writer(file, _) => file.close(),
            };
            closed.map_err(Error::from)
        })
    }
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    pub(super) fn is_at(self, path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| Self::of(&metadata) == self)
    }

    /// Refuses to write to a file that was replaced at its path: nobody would see what is written.
    pub(super) fn require_at(self, path: &Path) -> Result<()> {
        if self.is_at(path) {
            return Ok(());
        }
        let why = std::io::Error::other("it was replaced or removed meanwhile");
        Err(Error::io(format!("write to {}", path.display()), why))
    }
}
