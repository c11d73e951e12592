//! Encrypting, decrypting and re-keying a file.
//!
//! Invariant: the path always holds a complete file. A conversion copies everything to a temporary file, checks that, and
//! renames it; nobody else writes meanwhile, and whoever has the old one open is refused writes to it afterwards, so nothing
//! is written to it that the new one lacks.

use std::fs::OpenOptions;
use std::path::Path;

use super::backup::while_locked;
use super::crypt::{Key, Seal, is_encrypted};
use super::{Access, FileFacts, Options, Store};
use crate::error::{Advice, Error, Result};

impl Store {
    /// Refuses a plain file.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn require_encrypted(&self) -> Result<()> {
        self.handle().seal.as_ref().map(drop).ok_or_else(|| plain(self.path()))
    }

    /// Changes the key of this encrypted file; the old one no longer opens it.
    ///
    /// Only the header is written: the text stays encrypted with the same random key, which whoever had both the old key
    /// and a copy of the file may have kept. See [`rekey_fully`]. Backups keep the key they were made with.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the file is plain, [`Error::WrongKey`] when its key was changed since it was opened,
    /// and those of every write.
    pub fn rekey(&self, new: &Key) -> Result<()> {
        let handle = self.handle();
        let seal = handle.seal.as_ref().ok_or_else(|| plain(self.path()))?;
        self.write(|_| {
            let file = OpenOptions::new().read(true).write(true).open(self.path());
            let file = file.map_err(|e| Error::io(format!("open {}", self.path().display()), e))?;
            seal.rekey(&file, self.path(), new)
        })
    }
}

/// Encrypts a plain file; returns facts about what is there now. Others are waited for, up to the busy timeout, until they have
/// closed it; whoever still has it open then, as a server has, reads the plain one until it opens it again ([`Store::follow`]).
///
/// `key` is called once it is known that the file is plain. The old bytes stay on the medium until something overwrites
/// them.
///
/// # Errors
/// [`Error::InvalidArgument`] when it is encrypted already, [`Error::Busy`] when others write to it, and those of
/// [`Store::open_with`] and [`Store::backup`]. Then the file is as it was.
pub fn encrypt(path: &Path, key: impl FnOnce() -> Result<Key>, options: &Options) -> Result<FileFacts> {
    if is_encrypted(path) {
        let why = format!("{} is encrypted already", path.display());
        return Err(Error::InvalidArgument { why, hint: Some(Advice::Rekey) });
    }
    let seal = Seal::new(key()?)?;
    convert(path, options, |_| Ok(Some(seal)))
}

/// Makes an encrypted file plain; returns facts about what is there now. Otherwise as [`encrypt`].
///
/// # Errors
/// [`Error::InvalidArgument`] when it is plain already, and those of [`encrypt`].
pub fn decrypt(path: &Path, options: &Options) -> Result<FileFacts> {
    convert(path, options, |sealed| if sealed { Ok(None) } else { Err(plain(path)) })
}

/// Encrypts an encrypted file anew, with another key and another random key for the text; otherwise as [`encrypt`].
///
/// # Errors
/// [`Error::InvalidArgument`] when it is plain, and those of [`encrypt`].
pub fn rekey_fully(path: &Path, new: &Key, options: &Options) -> Result<FileFacts> {
    convert(path, options, |sealed| if sealed { Seal::new(new.clone()).map(Some) } else { Err(plain(path)) })
}

fn convert(path: &Path, options: &Options, seal: impl FnOnce(bool) -> Result<Option<Seal>>) -> Result<FileFacts> {
    // The file that a link leads to, not the link.
    let file = if path.is_symlink() { path.canonicalize() } else { Ok(path.to_owned()) };
    let file = file.map_err(|e| Error::io(format!("open {}", path.display()), e))?;
    match Store::open_alone(&file, options) {
        // A server stays. It goes on with what is put in place, and nothing is written to what was there.
        Err(Error::Busy { .. }) => {
            let store = Store::open_with(&file, Access::Write, options)?;
            let seal = seal(store.handle().seal.is_some())?;
            while_locked(Some(store.clone()), || store.put_copy(&file, true, seal.as_ref()))
        }
        store => {
            let store = store?;
            let seal = seal(store.handle().seal.is_some())?;
            store.put_copy(&file, true, seal.as_ref())
        }
    }
}

fn plain(path: &Path) -> Error {
    Error::InvalidArgument { why: format!("{} is not encrypted", path.display()), hint: Some(Advice::Encrypt(None)) }
}
