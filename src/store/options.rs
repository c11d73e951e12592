//! How a file is opened: what for, with how much patience and memory, and with which key.
//!
//! Knows no file.

use std::time::Duration;

use super::crypt::Key;
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
    /// How long to wait for a lock held by another process.
    pub busy_timeout: Duration,
    /// Memory for pages. Readers need little, since they read each page once; an import needs more than twice its
    /// transaction, or every byte is written twice.
    pub cache_bytes: usize,
    /// Memory for what stays decoded between questions: codes, signs, filters' records. With it, a second question to the
    /// same collection reads only its hits; 0 keeps nothing, which suits a process that asks one question.
    pub warm_bytes: usize,
    /// The tenant and database that names are looked up in.
    pub scope: Scope,
    /// The key of an encrypted file; ignored for a plain one.
    pub key: Option<Key>,
    /// Whether a file that [`Access::Create`] makes is encrypted with the key; an existing one must be encrypted already.
    pub encrypt: bool,
    /// Whether a reader repairs a file whose writer was killed. Otherwise it reads what was last committed, and writes
    /// nothing in any case.
    pub mends: bool,
}

impl Options {
    /// The default budget of what stays decoded: 500,000 embeddings of 384 components.
    pub const WARM_BYTES: usize = 256 << 20;
    /// The cache of a process that reads.
    pub const READ_CACHE_BYTES: usize = 1 << 20;
    /// The cache of a process that writes a little.
    pub const WRITE_CACHE_BYTES: usize = 64 << 20;
    /// The cache of a server, which ranks rows from anywhere in the file.
    pub const SERVE_CACHE_BYTES: usize = 96 << 20;
    /// The cache of a process that writes a lot: at the end it has read each page a few times over, all of them in turn.
    pub const BULK_CACHE_BYTES: usize = 48 << 20;
    /// The cache of an import that fits in it as a whole, which saves a sixth of its time.
    const WHOLE_CACHE_BYTES: usize = 256 << 20;

    /// Returns the cache for an import of so many bytes, where they are known, into a file of so many.
    ///
    /// Numbers take twice as much room as text as in the file. With either cache the process stays within
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
    /// How tests of faults and damage open files: plain, or encrypted when `HUEDB_TEST_ENCRYPTED` is set.
    pub(crate) fn of_tests() -> Self {
        let encrypted = std::env::var_os("HUEDB_TEST_ENCRYPTED").is_some_and(|set| set == "1");
        // Random bytes, since a passphrase would make every opening expensive.
        let key = encrypted.then(|| Key::new(vec![0xa5; 32]).unwrap());
        Self { encrypt: key.is_some(), key, ..Self::default() }
    }
}
