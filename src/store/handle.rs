//! An open file, shared by every thread of a process that reads or writes it.
//!
//! Invariants: one write is one transaction, durable when the call returns `Ok`, without a trace otherwise; after an error
//! of the disk, or a panic of redb, the file is opened again by the next that uses it; no read holds a lock of the handle
//! while it works.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::{Database, ReadTransaction, WriteTransaction};
use uuid::Uuid;

use super::backend::until;
use super::cache::Cache;
use super::connect::again;
use super::layout::raise_format;
use super::opened::{Handle, Opened};
use super::options::{Access, Options};
use super::page::while_writing;
use super::panic_guard::guarded;
use super::queue::WriteQueue;
use super::redb_error::FileContext;
use crate::error::{Error, Result};
use crate::record::Scope;

/// A database file that is open, seen from one tenant's database.
///
/// Clones are cheap and share the file: a server keeps one and gives a clone to each of its threads. Reads never wait for
/// writes, nor for each other. Writes of one process take turns in the order they come, those of several processes wait
/// for a lock of the file; both together no longer than [`Options::busy_timeout`].
#[derive(Clone)]
pub struct Store {
    file: Arc<OpenFile>,
    scope: Arc<Scope>,
}

/// What the clones of a store share.
struct OpenFile {
    path: PathBuf,
    busy_timeout: Duration,
    /// How it is opened again.
    reopening: (Access, Options),
    current: RwLock<Arc<Handle>>,
    queue: WriteQueue,
    commits: AtomicU64,
    /// The names of collections when they were last seen.
    names: Mutex<HashMap<Uuid, String>>,
}

/// How many names of collections are remembered.
const NAMES_KEPT: usize = 1 << 16;

const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Store>();
    shared::<super::Collection>();
    shared::<super::View>();
};

impl Store {
    /// Opens a database file with the default options. Several handles may be open for writing, in this process
    /// and in others: a lock of the file is held only while something is written.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// use huedb::{Access, Error, Store};
    ///
    /// let path = folder.path().join("notes.redb");
    /// assert!(matches!(Store::open(&path, Access::Read), Err(Error::FileNotFound { .. })));
    /// let store = Store::open(&path, Access::Create)?;
    /// let reader = Store::open(&path, Access::Read)?;
    /// assert_eq!(reader.collections()?.len(), 0);
    /// # Ok::<(), huedb::Error>(())
    /// ```
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

    pub(super) fn of(path: &Path, options: &Options, handle: Handle, access: Access) -> Self {
        let file = OpenFile {
            path: path.to_owned(),
            busy_timeout: options.busy_timeout,
            reopening: (access, options.clone()),
            current: RwLock::new(Arc::new(handle)),
            queue: WriteQueue::default(),
            commits: AtomicU64::new(0),
            names: Mutex::default(),
        };
        Self { file: Arc::new(file), scope: Arc::new(options.scope.clone()) }
    }

    /// Returns the path the file was opened with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Returns the tenant and database that names are looked up in.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns a handle of the same file that looks names up in another tenant and database; whether that exists is checked
    /// when it is used.
    #[must_use]
    pub fn in_scope(&self, scope: Scope) -> Self {
        Self { file: Arc::clone(&self.file), scope: Arc::new(scope) }
    }

    /// Returns how long a write waits for others.
    #[must_use]
    pub fn busy_timeout(&self) -> Duration {
        self.file.busy_timeout
    }

    /// Returns the cache of this opening of the file; it starts empty when the file is opened again.
    #[must_use]
    pub fn cache(&self) -> Arc<Cache> {
        Arc::clone(self.handle().cache())
    }

    /// Returns how many transactions this process has committed to the file.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.file.commits.load(Ordering::Relaxed)
    }

    pub(super) fn queue(&self) -> &WriteQueue {
        &self.file.queue
    }

    /// The current handle, to be dropped before anything that takes long.
    pub(super) fn handle(&self) -> Arc<Handle> {
        Arc::clone(&self.file.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the file again, unless another thread has done so since `spent` failed.
    fn reopen(&self, spent: &Arc<Handle>) -> Result<Arc<Handle>> {
        let (access, options) = &self.file.reopening;
        let mut current = self.file.current.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, spent) {
            let fresh = Arc::new(again(self.path(), *access, options)?);
            let spent = std::mem::replace(&mut *current, fresh);
            // redb may panic again when it closes what it could not close before.
            let _ = guarded(|| {
                drop(spent);
                Ok::<_, Error>(())
            });
        }
        Ok(Arc::clone(&current))
    }

    /// Calls redb; opens the file again where an earlier failure has stopped redb.
    fn on_sound_handle<T>(&self, mut call: impl FnMut(&Handle) -> Result<T>) -> Result<(Arc<Handle>, T)> {
        let mut handle = self.handle();
        if handle.is_broken() {
            handle = self.reopen(&handle)?;
        }
        match call(&handle) {
            Err(error) if handle.is_spent(&error) => {
                handle = self.reopen(&handle)?;
                call(&handle).map(|value| (handle, value))
            }
            result => result.map(|value| (handle, value)),
        }
    }

    /// Runs `work` on one committed state of the file.
    pub(crate) fn read<T>(&self, work: impl FnOnce(ReadTransaction) -> Result<T>) -> Result<T> {
        self.read_warm(|tx, _| work(tx))
    }

    /// Runs `work` on one committed state of the file, with the cache of the same opening.
    pub(super) fn read_warm<T>(&self, work: impl FnOnce(ReadTransaction, Arc<Cache>) -> Result<T>) -> Result<T> {
        let read = || {
            let (handle, tx) = self.on_sound_handle(Handle::begin_read)?;
            handle.guarded(|| work(tx, Arc::clone(handle.cache())))
        };
        read().map_err(|error| self.name(error))
    }

    /// Runs `work` in one transaction of its own: committed and durable when this returns `Ok`, without a trace otherwise.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&WriteTransaction) -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + self.busy_timeout();
        let turn = self.queue().turn(deadline).ok_or_else(|| self.busy())?;
        let result = self.transact(deadline, work);
        drop(turn);
        result
    }

    /// Runs `work` in one transaction; the caller has the turn.
    pub(super) fn transact<T>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&WriteTransaction) -> Result<T>,
    ) -> Result<T> {
        let begin = |handle: &Handle| {
            let (file, _) = handle.writer()?;
            handle.guarded(|| until(deadline, || while_writing(|| Ok(file.begin_write()?))))
        };
        let write = || {
            let (handle, tx) = self.on_sound_handle(begin)?;
            handle.guarded(|| {
                while_writing(|| {
                    // Whoever replaces a file holds this lock meanwhile.
                    handle.writer()?.1.require_at(self.path())?;
                    raise_format(&tx)?;
                    let result = work(&tx)?;
                    tx.commit()?;
                    self.file.commits.fetch_add(1, Ordering::Relaxed);
                    Ok(result)
                })
            })
        };
        write().map_err(|error| self.name(error))
    }

    /// Calls what needs exclusive use of redb's handle; `None` while others in this process read or write.
    pub(super) fn alone<T>(&self, call: impl FnOnce(&mut Database) -> T) -> Result<Option<T>> {
        let mut current = self.file.current.write().unwrap_or_else(PoisonError::into_inner);
        match Arc::get_mut(&mut current).map(|handle| &mut handle.database) {
            Some(Opened::Writer(file, _)) => Ok(Some(while_writing(|| call(file)))),
            Some(Opened::Reader(..)) => Err(Error::argument("the file was opened for reading only")),
            None => Ok(None),
        }
    }

    pub(super) fn place(&self) -> FileContext {
        FileContext { path: self.path().into(), patience: self.busy_timeout() }
    }

    pub(super) fn busy(&self) -> Error {
        Error::Busy { path: self.path().to_owned(), waited: self.busy_timeout() }
    }

    pub(crate) fn name(&self, error: Error) -> Error {
        error.at(self.path(), self.busy_timeout())
    }

    /// Returns whether the file is still at its path, so that what is written to it can be read there.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.handle().identity().is_at(self.path())
    }

    /// Opens the file that is at the path now, if another has replaced it (`restore`, `encrypt`); returns
    /// whether one has. For a long-running process: until it calls this, it reads the file that was replaced, and is
    /// refused writes to it.
    ///
    /// # Errors
    /// Those of [`Store::open_with`], such as [`Error::FileNotFound`] or [`Error::WrongKey`]; then the
    /// next call tries again.
    pub fn follow(&self) -> Result<bool> {
        let handle = self.handle();
        if handle.identity().is_at(self.path()) {
            return Ok(false);
        }
        self.reopen(&handle).map_err(|error| self.name(error))?;
        Ok(true)
    }

    /// Returns the name a collection had when it was last seen.
    pub(super) fn last_name(&self, id: Uuid) -> Option<String> {
        self.file.names.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Remembers a collection's name, so that it is found without looking at every other.
    pub(super) fn saw_name(&self, id: Uuid, name: &str) {
        let mut names = self.file.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES_KEPT {
            names.clear();
        }
        names.insert(id, name.to_owned());
    }

    /// Closes the file cleanly, so that opening it again needs no recovery; does nothing while clones of this handle
    /// are left, the last of which closes it.
    ///
    /// What was written is durable before this; if the disk fails now, the next opening does what is left.
    ///
    /// # Errors
    /// [`Error::Damaged`] when closing finds damage.
    pub fn close(self) -> Result<()> {
        let place = self.place();
        let Some(file) = Arc::into_inner(self.file) else { return Ok(()) };
        let handle = file.current.into_inner().unwrap_or_else(PoisonError::into_inner);
        match Arc::into_inner(handle).map_or(Ok(()), Handle::close) {
            Err(Error::Io { .. } | Error::Busy { .. }) => Ok(()),
            closed => place.name(closed),
        }
    }
}
