//! A file that is read at any place.
//!
//! Parquet and Arrow files are read from their end, so what is packed or comes from a pipe is first written to a file without
//! a name. Invariant: no part is read, nor memory taken for it, that the file does not have.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::input::decompress::InputBytes;
use crate::input::progress::ReadProgress;

/// A file, or what stands for one.
pub(super) struct Seekable {
    file: Arc<File>,
    length: u64,
    /// Where what is read is counted, unless it has been already.
    progress: Option<Arc<ReadProgress>>,
}

impl Seekable {
    /// Takes the file itself, or puts the bytes into one.
    pub(super) fn of(mut bytes: InputBytes, file: Option<File>, progress: Arc<ReadProgress>) -> Result<Self> {
        if let Some(file) = file.filter(|_| !bytes.is_packed()) {
            let data = file.metadata().map_err(|e| Error::io(format!("read {}", bytes.source()), e))?;
            return Ok(Self { file: Arc::new(file), length: data.len(), progress: Some(progress) });
        }
        let failed = |e| Error::io("write a temporary file", e);
        let mut file = tempfile::tempfile().map_err(failed)?;
        let mut length = 0;
        loop {
            let block = bytes.fill()?;
            let n = block.len();
            if n == 0 {
                return Ok(Self { file: Arc::new(file), length, progress: None });
            }
            file.write_all(block).map_err(failed)?;
            bytes.consume(n);
            length += n as u64;
        }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Reads a part; the error is a sentence.
    pub(super) fn read(&self, start: u64, length: u64) -> Result<Vec<u8>, String> {
        if start.checked_add(length).is_none_or(|end| end > self.length) {
            return Err("the data is damaged, or the file is cut off".into());
        }
        let mut part = vec![0; usize::try_from(length).map_err(|e| e.to_string())?];
        self.file.read_exact_at(&mut part, start).map_err(|e| e.to_string())?;
        if let Some(progress) = &self.progress {
            progress.add_bytes(length);
        }
        Ok(part)
    }

    /// Returns a reader that begins at a place.
    pub(super) fn from(&self, at: u64) -> From {
        From { file: Arc::clone(&self.file), at }
    }
}

/// Reads on from a place.
pub(super) struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
