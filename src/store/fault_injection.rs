//! The disk under the file, in tests: it fails, tears, forgets or is full when it is told to.
//!
//! Stands where redb's file backend stands outside of tests, under everything that is wrapped around it. Invariant:
//! without a [`Disk`] on the thread that opens a file it is that backend; with one nothing waits for the real disk.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::backends::FileBackend;
use redb::{DatabaseError, StorageBackend};

use super::Options;
use super::backend::{Done, Locked};
use crate::record::random::Random;

/// What a disk can lack room for.
const BLOCK_BYTES: u64 = 4096;

thread_local! {
    static UNDER_THIS_THREAD: RefCell<Option<Arc<Disk>>> = const { RefCell::new(None) };
}

/// What a disk does to the file, the calls counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    Never,
    /// This call fails, and every later one when it is `lasting`.
    Call { at: u64, lasting: bool },
    /// There is room for so many blocks more than the file had; a file can be made longer without room when the disk is
    /// `sparse`.
    Full { blocks: u64, sparse: bool },
    /// The power goes at this sync: of what was written since the one before, any part may be on the disk.
    Power { at: u64 },
    /// The power goes during this write, of which the disk holds the beginning, and all before it.
    Torn { at: u64 },
}

/// A disk and what it has been asked for.
#[derive(Debug)]
pub(crate) struct Disk(Mutex<DiskState>);

#[derive(Debug)]
struct DiskState {
    path: PathBuf,
    fault: Fault,
    random: Random,
    calls: u64,
    writes: u64,
    syncs: u64,
    /// Whether the fault came.
    struck: bool,
    /// Whether every call fails.
    dead: bool,
    /// What the last sync left, and what came after it, where power can go.
    durable: Vec<u8>,
    pending: Vec<Pending>,
    /// Blocks that have room, where room matters.
    blocks: BTreeSet<u64>,
    /// How many blocks there would have to be for the call that found no room.
    wanted: u64,
    room: u64,
}

#[derive(Debug)]
enum Pending {
    Write(u64, Vec<u8>),
    Len(u64),
}

impl Pending {
    /// Applies it to what is on the disk; what lies behind the end of the file is lost.
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Len(len) => image.resize(index(*len), 0),
            Self::Write(offset, data) => {
                let start = index(*offset).min(image.len());
                let end = (start + data.len()).min(image.len());
                image[start..end].copy_from_slice(&data[..end - start]);
            }
        }
    }
}

/// Bytes that a torn write holds whole: a cipher's block has no half that means something. Disks write 512 and more.
fn whole_bytes() -> usize {
    if Options::of_tests().encrypt { 16 } else { 1 }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

fn failed() -> Error {
    Error::from_raw_os_error(libc::EIO)
}

impl Disk {
    /// Puts a disk under the file at `path`.
    pub(crate) fn new(path: &Path, fault: Fault) -> Arc<Self> {
        let bytes = std::fs::read(path).unwrap_or_default();
        let blocks: BTreeSet<u64> = (0..(bytes.len() as u64).div_ceil(BLOCK_BYTES)).collect();
        let room = match fault {
            Fault::Full { blocks: more, .. } => blocks.len() as u64 + more,
            _ => u64::MAX,
        };
        let durable = if matches!(fault, Fault::Power { .. } | Fault::Torn { .. }) { bytes } else { Vec::new() };
        Arc::new(Self(Mutex::new(DiskState {
            path: path.to_owned(),
            fault,
            random: Random::new(),
            calls: 0,
            writes: 0,
            syncs: 0,
            struck: false,
            dead: false,
            durable,
            pending: Vec::new(),
            blocks,
            wanted: 0,
            room,
        })))
    }

    /// Runs `work` with this disk under every file that this thread opens.
    pub(crate) fn under<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        struct BeforeFault(Option<Arc<Disk>>);
        impl Drop for BeforeFault {
            fn drop(&mut self) {
                UNDER_THIS_THREAD.set(self.0.take());
            }
        }
        let _before = BeforeFault(UNDER_THIS_THREAD.replace(Some(Arc::clone(self))));
        work()
    }

    /// Returns whether the fault came.
    pub(crate) fn struck(&self) -> bool {
        self.state().struck
    }

    /// Returns how many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Returns the next larger room that makes a difference, in blocks more than the file had.
    pub(crate) fn next_room(&self, blocks: u64) -> u64 {
        let state = self.state();
        blocks + state.wanted.saturating_sub(state.room).max(1)
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.0.lock().unwrap()
    }
}

impl DiskState {
    /// Counts a call; says whether it fails.
    fn call(&mut self) -> Done<()> {
        self.calls += 1;
        if let Fault::Call { at, lasting } = self.fault
            && self.calls == at
        {
            self.struck = true;
            self.dead = lasting;
            return Err(failed());
        }
        if self.dead { Err(failed()) } else { Ok(()) }
    }

    fn loses_power(&self) -> bool {
        matches!(self.fault, Fault::Power { .. } | Fault::Torn { .. })
    }

    /// Leaves in the file what the disk holds once the power is gone.
    fn lose_power(&mut self) {
        (self.struck, self.dead) = (true, true);
        let mut image = std::mem::take(&mut self.durable);
        self.pending.iter().for_each(|pending| pending.apply(&mut image));
        std::fs::write(&self.path, image).unwrap();
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Done<usize> {
        self.call()?;
        self.writes += 1;
        if self.loses_power() {
            let mut data = data.to_vec();
            let torn = self.fault == Fault::Torn { at: self.writes };
            if torn {
                let until = index(self.random.below(data.len() as u64 + 1));
                data.truncate(until - until % whole_bytes());
            }
            self.pending.push(Pending::Write(offset, data));
            if torn {
                self.lose_power();
                return Err(failed());
            }
        }
        let end = offset + data.len() as u64;
        if self.take_blocks(offset / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES)) {
            return Ok(data.len());
        }
        // What there is room for is written.
        let left = self.room.saturating_sub(self.blocks.len() as u64);
        let until = offset.next_multiple_of(BLOCK_BYTES) + left * BLOCK_BYTES;
        Ok(index(until.min(end - 1) - offset))
    }

    /// Takes room for blocks that have none; says whether there was enough.
    fn take_blocks(&mut self, wanted: std::ops::Range<u64>) -> bool {
        let Fault::Full { .. } = self.fault else { return true };
        let new: Vec<u64> = wanted.filter(|block| !self.blocks.contains(block)).collect();
        let needed = (self.blocks.len() + new.len()) as u64;
        if needed > self.room {
            self.struck = true;
            self.wanted = needed;
            return false;
        }
        self.blocks.extend(new);
        true
    }

    fn set_len(&mut self, len: u64) -> Done<()> {
        self.call()?;
        if self.loses_power() {
            self.pending.push(Pending::Len(len));
        }
        let end = len.div_ceil(BLOCK_BYTES);
        self.blocks.split_off(&end);
        let sparse = !matches!(self.fault, Fault::Full { sparse: false, .. });
        if sparse || self.take_blocks(0..end) { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
    }

    fn sync(&mut self) -> Done<()> {
        self.call()?;
        self.syncs += 1;
        if self.fault == (Fault::Power { at: self.syncs }) {
            // Nothing of it, all of it, or any part in any order.
            match self.random.below(3) {
                0 => self.pending.clear(),
                1 => {}
                _ => {
                    let random = &mut self.random;
                    self.pending.retain(|_| random.below(2) == 0);
                }
            }
            self.lose_power();
            return Err(failed());
        }
        let (durable, pending) = (&mut self.durable, &mut self.pending);
        pending.drain(..).for_each(|pending| pending.apply(durable));
        Ok(())
    }
}

/// A file on whatever disk was under the thread when it was opened.
#[derive(Debug)]
pub(super) struct FaultyFile {
    file: FileBackend,
    disk: Option<Arc<Disk>>,
}

impl FaultyFile {
    pub(super) fn new(file: File) -> Result<Self, DatabaseError> {
        Ok(Self { file: FileBackend::new(file)?, disk: UNDER_THIS_THREAD.with_borrow(Clone::clone) })
    }

    fn disk(&self) -> Option<MutexGuard<'_, DiskState>> {
        self.disk.as_ref().map(|disk| disk.state())
    }
}

impl StorageBackend for FaultyFile {
    fn len(&self) -> Done<u64> {
        self.disk().map_or(Ok(()), |mut disk| disk.call())?;
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Done<()> {
        self.disk().map_or(Ok(()), |mut disk| disk.call())?;
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Done<()> {
        self.disk().map_or(Ok(()), |mut disk| disk.set_len(len))?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Done<()> {
        match self.disk() {
            Some(mut disk) => disk.sync(),
            None => self.file.sync_data(),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> Done<()> {
        let fits = self.disk().map_or(Ok(data.len()), |mut disk| disk.write(offset, data))?;
        self.file.write(offset, &data[..fits])?;
        if fits < data.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn close(&self) -> Done<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<bool> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<bool> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<()> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<()> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<()> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<bool> {
        self.file.query_lock_range(start, end)
    }
}
