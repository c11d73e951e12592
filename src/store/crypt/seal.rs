//! What an encrypted file was opened with.
//!
//! Invariant: the header on the disk is replaced by one that the key at hand opens, never by another.

use super::header::{self, DataKey, EncryptionHeader};
use super::key::{Key, KeyDerivation};
use super::xts::Xts;
use crate::error::{Error, Result};
use std::fs::File;
use std::path::Path;

/// What an encrypted file was opened with.
#[derive(Debug, Clone)]
pub(in crate::store) struct Seal {
    header: EncryptionHeader,
    key: Key,
}

impl Seal {
    /// Draws a key for a new file, which `key` is to open.
    pub(in crate::store) fn new(key: Key) -> Result<Self> {
        Ok(Self { header: EncryptionHeader::wrap(&header::new_data_key()?, &key, 1)?, key })
    }

    /// Returns whether a file is encrypted.
    pub(in crate::store) fn is_on(file: &File) -> Result<bool> {
        EncryptionHeader::read(file).map(|header| header.is_some())
    }

    /// Opens the header of a file; `None` when the file is plain.
    pub(in crate::store) fn open(file: &File, path: &Path, key: Option<&Key>) -> Result<Option<(Self, Xts)>> {
        let Some(header) = EncryptionHeader::read(file)? else { return Ok(None) };
        let key = key.ok_or_else(|| Error::KeyNeeded { path: path.to_owned() })?.clone();
        let data_key = open(&header, path, &key)?;
        Ok(Some((Self { header, key }, Xts::new(&data_key))))
    }

    /// Writes the header to a new file.
    pub(in crate::store) fn write_to(&self, file: &File) -> Result<()> {
        self.header.write_new(file)
    }

    /// Changes the key of the file; the caller keeps others from doing the same meanwhile.
    pub(in crate::store) fn rekey(&self, file: &File, path: &Path, new: &Key) -> Result<()> {
        // Somebody may have done so since.
        let in_force =
            EncryptionHeader::read(file)?.ok_or_else(|| Error::damaged("the header of its encryption is gone"))?;
        let data_key = open(&in_force, path, &self.key)?;
        EncryptionHeader::wrap(&data_key, new, in_force.generation() + 1)?.replace(file, &in_force)
    }

    /// Makes both copies of the header equal again, after a cut-short change of the key or damage to one; the caller
    /// keeps others from changing it meanwhile.
    pub(in crate::store) fn complete(&self, file: &File, path: &Path) -> Result<()> {
        let in_force =
            EncryptionHeader::read(file)?.ok_or_else(|| Error::damaged("the header of its encryption is gone"))?;
        // A header that this key does not open must not be copied.
        open(&in_force, path, &self.key)?;
        in_force.replace(file, &in_force)
    }

    pub(in crate::store) fn key(&self) -> &Key {
        &self.key
    }

    pub(in crate::store) fn derivation(&self) -> KeyDerivation {
        self.header.derivation()
    }
}

fn open(header: &EncryptionHeader, path: &Path, key: &Key) -> Result<DataKey> {
    header.unwrap(key)?.ok_or_else(|| Error::WrongKey { path: path.to_owned() })
}

/// Says what is wrong with the header of an encrypted file that opens.
pub(in crate::store) fn finding(file: &File) -> Result<Option<&'static str>> {
    EncryptionHeader::finding(file)
}

/// Returns whether a file is encrypted and can be opened with the right key.
#[must_use]
pub fn is_encrypted(path: &Path) -> bool {
    super::super::atomic_file::no_file(path).is_none()
        && File::open(path).is_ok_and(|file| Seal::is_on(&file).is_ok_and(|is_on| is_on))
}
