//! How much of an input has been read, for a progress bar on another thread.
//!
//! Counts the bytes as they lie on the disk, before decompression, so that they compare with the size of the
//! file. Does not draw anything. Invariant: the count never falls.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read and bytes to read.
#[derive(Debug)]
pub struct ReadProgress {
    read_bytes: AtomicU64,
    total_bytes: Option<u64>,
}

impl ReadProgress {
    pub(super) fn new(total_bytes: Option<u64>) -> Arc<Self> {
        Arc::new(Self { read_bytes: AtomicU64::new(0), total_bytes })
    }

    /// Returns the bytes read so far.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// Counts bytes that were read.
    #[cfg(feature = "arrow")]
    pub(super) fn add_bytes(&self, bytes: u64) {
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the bytes of all files together; `None` for a pipe.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }
}

/// Counts what is read through it.
pub(super) struct CountedReader<R> {
    pub(super) inner: R,
    pub(super) progress: Arc<ReadProgress>,
}

impl<R: Read> Read for CountedReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.progress.read_bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
