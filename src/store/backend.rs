//! The file under redb, with a deadline on its locks.
//!
//! redb's own file backend blocks for ever while another process is in a write transaction. This one retries
//! until the busy timeout, then returns [`ErrorKind::TimedOut`]. Invariant: everything but
//! waiting is the file backend's own behaviour.

use std::cell::Cell;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::ops::Bound;
use std::thread::sleep;
use std::time::{Duration, Instant};

use redb::{BackendError, DatabaseError, StorageBackend};

#[cfg(test)]
use super::fault_injection::FaultyFile as Disk;
#[cfg(not(test))]
use redb::backends::FileBackend as Disk;

/// Where a range of bytes begins or ends, as redb says it.
pub(crate) type Offset = Bound<u64>;
/// What a lock answers.
pub(crate) type Locked<T> = std::result::Result<T, BackendError>;
/// What reading and writing answer.
pub(crate) type Done<T> = std::result::Result<T, Error>;

const FIRST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// The byte that redb's writers lock while the file is consistent, whatever its header says: `CONSISTENT_BYTE` of 4.6.
const CONSISTENT_BYTE: u64 = (1 << 62) + 4;

/// A file whose locks are waited for no longer than `busy_timeout`.
#[derive(Debug)]
pub(crate) struct TimedBackend {
    file: Disk,
    busy_timeout: Duration,
    consistent: bool,
}

impl TimedBackend {
    pub(crate) fn new(file: File, busy_timeout: Duration) -> Result<Self, DatabaseError> {
        Ok(Self { file: Disk::new(file)?, busy_timeout, consistent: false })
    }

    /// Tells redb that the file can be read as it is, though a writer was killed.
    ///
    /// It can: where several processes write, redb makes every commit in two phases, so what its header names is whole.
    /// Only the list of free pages has to be rebuilt, which is left to a writer.
    pub(crate) fn consistent(self) -> Self {
        Self { consistent: true, ..self }
    }

    fn wait(&self, attempt: impl Fn() -> Locked<bool>) -> Locked<()> {
        let left = DEADLINE.get().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if wait_until(left.unwrap_or(self.busy_timeout), attempt)? {
            Ok(())
        } else {
            Err(BackendError::Io(Error::new(ErrorKind::TimedOut, "the lock was not released in time")))
        }
    }
}

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs `work`, which waits for locks until a deadline instead of for the busy timeout each.
pub(super) fn until<T>(deadline: Instant, work: impl FnOnce() -> T) -> T {
    struct BeforeDeadline(Option<Instant>);
    impl Drop for BeforeDeadline {
        fn drop(&mut self) {
            DEADLINE.set(self.0);
        }
    }
    let _before = BeforeDeadline(DEADLINE.replace(Some(deadline)));
    work()
}

/// Repeats `attempt` with growing pauses until it says true or `patience` is over; returns its last answer.
pub(crate) fn wait_until<E>(patience: Duration, attempt: impl Fn() -> Result<bool, E>) -> Result<bool, E> {
    let deadline = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    loop {
        if attempt()? {
            return Ok(true);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl StorageBackend for TimedBackend {
    fn len(&self) -> Done<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Done<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Done<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Done<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Done<()> {
        self.file.write(offset, data)
    }

    fn close(&self) -> Done<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.wait(|| self.file.try_lock_range(start, end))
    }

    fn lock_shared_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.wait(|| self.file.try_lock_shared_range(start, end))
    }

    fn unlock_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        if self.consistent && start == Bound::Included(CONSISTENT_BYTE) {
            return Ok(true);
        }
        self.file.query_lock_range(start, end)
    }
}
