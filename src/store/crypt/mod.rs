//! Encryption at rest: the pages of the file as cipher text, under redb.
//!
//! A random key encrypts the pages; what the user gives encrypts that key, which stands in the [`header`]. So another
//! passphrase is another header. Invariant: no content reaches the disk unencrypted, and without the key nothing but the
//! header is read. XTS hides and does not authenticate: SECURITY.md says what follows.

mod backend;
mod header;
mod key;
mod xts;

use std::fs::File;
use std::path::Path;

pub(super) use backend::EncryptedBackend;
pub use key::MOST_KEY_BYTES;
pub use key::{Key, KeyDerivation};
pub(super) use xts::Xts;

use crate::error::{Error, Result};
use header::{DataKey, EncryptionHeader};

/// What an encrypted file was opened with.
#[derive(Debug, Clone)]
pub(super) struct Seal {
    header: EncryptionHeader,
    key: Key,
}

impl Seal {
    /// Draws a key for a new file, which `key` is to open.
    pub(super) fn new(key: Key) -> Result<Self> {
        Ok(Self { header: EncryptionHeader::wrap(&header::new_data_key()?, &key, 1)?, key })
    }

    /// Returns whether a file is encrypted.
    pub(super) fn is_on(file: &File) -> Result<bool> {
        EncryptionHeader::read(file).map(|header| header.is_some())
    }

    /// Opens the header of a file; `None` when the file is plain.
    pub(super) fn open(file: &File, path: &Path, key: Option<&Key>) -> Result<Option<(Self, Xts)>> {
        let Some(header) = EncryptionHeader::read(file)? else { return Ok(None) };
        let key = key.ok_or_else(|| Error::KeyNeeded { path: path.to_owned() })?.clone();
        let data_key = open(&header, path, &key)?;
        Ok(Some((Self { header, key }, Xts::new(&data_key))))
    }

    /// Writes the header to a new file.
    pub(super) fn write_to(&self, file: &File) -> Result<()> {
        self.header.write_new(file)
    }

    /// Changes the key of the file; the caller keeps others from doing the same meanwhile.
    pub(super) fn rekey(&self, file: &File, path: &Path, new: &Key) -> Result<()> {
        // Somebody may have done so since.
        let in_force =
            EncryptionHeader::read(file)?.ok_or_else(|| Error::damaged("the header of its encryption is gone"))?;
        let data_key = open(&in_force, path, &self.key)?;
        EncryptionHeader::wrap(&data_key, new, in_force.generation() + 1)?.replace(file, &in_force)
    }

    /// Makes both copies of the header equal again, after a cut-short change of the key or damage to one; the caller
    /// keeps others from changing it meanwhile.
    pub(super) fn complete(&self, file: &File, path: &Path) -> Result<()> {
        let in_force =
            EncryptionHeader::read(file)?.ok_or_else(|| Error::damaged("the header of its encryption is gone"))?;
        // A header that this key does not open must not be copied.
        open(&in_force, path, &self.key)?;
        in_force.replace(file, &in_force)
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn derivation(&self) -> KeyDerivation {
        self.header.derivation()
    }
}

fn open(header: &EncryptionHeader, path: &Path, key: &Key) -> Result<DataKey> {
    header.unwrap(key)?.ok_or_else(|| Error::WrongKey { path: path.to_owned() })
}

/// Says what is wrong with the header of an encrypted file that opens.
pub(super) fn finding(file: &File) -> Result<Option<&'static str>> {
    EncryptionHeader::finding(file)
}

/// Returns whether a file is encrypted and can be opened with the right key.
#[must_use]
pub fn is_encrypted(path: &Path) -> bool {
    super::beside::no_file(path).is_none()
        && File::open(path).is_ok_and(|file| Seal::is_on(&file).is_ok_and(|is_on| is_on))
}
