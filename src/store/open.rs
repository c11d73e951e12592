//! Opening a store: for reading, for writing, or new.
//!
//! Invariant: a file that is not huedb's, of a later format, or encrypted with another key, is refused before anything
//! is read from it.

use std::fs::{OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{ReadableTable, TableError};

use super::Store;
use super::atomic_file::{Beside, beside, real_place, sweep};
use super::connect::{alone, open, open_file};
use super::crypt::{Seal, finding, is_encrypted};
use super::layout::{fill, lay_out};
use super::options::{Access, Options};
use super::panic_guard::guarded;
use super::table::{self, FORMAT_VERSION, META, meta};
use crate::error::{Advice, Error, Result};

impl Store {
    /// Opens a database file.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::NotADatabase`], [`Error::NewerFormat`], [`Error::KeyNeeded`],
    /// [`Error::WrongKey`], [`Error::Busy`], [`Error::Damaged`] or [`Error::Io`]; [`Error::InvalidArgument`] when a file
    /// that is to be encrypted is plain.
    pub fn open_with(path: impl AsRef<Path>, access: Access, options: &Options) -> Result<Self> {
        let path = path.as_ref();
        let create = access == Access::Create;
        let encrypt = create && options.encrypt;
        if create && path.metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound) {
            make(path, options)?;
        } else if encrypt && path.metadata().is_ok_and(|facts| facts.is_file() && facts.len() == 0) {
            make_of_empty(path, options)?;
        }
        // An empty file that is to be encrypted is not used in place: others may take it for a new plain one.
        let empty_may_be = create && !encrypt && !is_encrypted(path);
        let handle = open(path, access, options, empty_may_be)?;
        let is_plain = handle.seal.is_none();
        let store = Self::of(path, options, handle, access);
        if encrypt && is_plain {
            let hint = Some(Advice::Encrypt(Some(path.to_owned())));
            return Err(Error::InvalidArgument {
                why: format!("{} exists and is not encrypted", path.display()),
                hint,
            });
        }
        if create {
            store.write_format()?;
        }
        if access != Access::Read {
            store.clear_up()?;
        }
        guarded(|| store.check_format()).map_err(|e| store.name(e))?;
        Ok(store)
    }

    /// Opens a file for writing while nobody else has it open, nor can open it.
    pub(super) fn open_alone(path: &Path, options: &Options) -> Result<Self> {
        let store = Self::of(path, options, alone(path, options)?, Access::Write);
        guarded(|| store.check_format()).map_err(|e| store.name(e))?;
        Ok(store)
    }

    /// Cleans up after killed processes: temporary files, and an unfinished change of the key.
    fn clear_up(&self) -> Result<()> {
        if let Some(folder) = real_place(self.path()).parent() {
            sweep(folder);
        }
        let handle = self.handle();
        let Some(seal) = &handle.seal else { return Ok(()) };
        let file = open_file(self.path(), OpenOptions::new().read(true).write(true))?;
        if finding(&file).map_err(|e| self.name(e))?.is_none() {
            return Ok(());
        }
        self.write(|_| seal.complete(&file, self.path()))
    }

    /// Makes the tables of an empty file; does nothing to a file that has them.
    fn write_format(&self) -> Result<()> {
        let empty = self.read(|tx| Ok(tx.list_tables()?.next().is_none()))?;
        if !empty {
            return Ok(());
        }
        self.write(lay_out)
    }

    fn check_format(&self) -> Result<()> {
        let not_ours = |why: &str| Error::NotADatabase { path: self.path().to_owned(), why: why.into() };
        let found = self.read(|tx| {
            let names = match tx.open_table(META) {
                Err(TableError::TableDoesNotExist(_)) => return Err(not_ours("it is a redb file of another program")),
                names => names?,
            };
            let version = names.get(meta::FORMAT)?.ok_or_else(|| not_ours("it has no format version"))?;
            let bytes = version.value().try_into().map_err(|_| Error::damaged("the format version"))?;
            Ok(u32::from_le_bytes(bytes))
        })?;
        if found > FORMAT_VERSION {
            return Err(Error::NewerFormat { path: self.path().to_owned(), found, supported: FORMAT_VERSION });
        }
        Ok(())
    }
}

/// Makes a new file with its tables under a temporary name and renames it: whatever ends this, the path never holds
/// an incomplete file.
fn make(path: &Path, options: &Options) -> Result<()> {
    match laid_out(path, options)?.put_in_place(false) {
        // Another process was faster, and its file is as good.
        Err(Error::FileExists { .. }) => Ok(()),
        put => put,
    }
}

/// Replaces an empty file, which others may take for a new plain one meanwhile, by an encrypted one: holding
/// their lock, and only while nothing is in it.
fn make_of_empty(path: &Path, options: &Options) -> Result<()> {
    let beside = laid_out(path, options)?;
    let plain = Options { encrypt: false, key: None, ..options.clone() };
    let old = match Store::open_with(path, Access::Create, &plain) {
        Err(Error::KeyNeeded { .. }) => return Ok(()),
        opened => opened?,
    };
    old.write(|tx| {
        let is_used = tx.open_table(table::COLLECTIONS)?.iter()?.next().is_some();
        let is_used = is_used || tx.open_table(table::TENANTS)?.iter()?.next().is_some();
        let is_used = is_used || tx.open_table(table::TOKENS)?.iter()?.next().is_some();
        if is_used { Ok(()) } else { beside.put_in_place(true) }
    })
}

/// Makes a complete file with its tables next to a path.
fn laid_out(path: &Path, options: &Options) -> Result<Beside> {
    let name = |e: Error| e.at(path, options.busy_timeout);
    // As `File::create` does it: the umask takes away what others may not do. An encrypted file is for its owner alone.
    let beside = beside(path, (!options.encrypt).then(|| Permissions::from_mode(0o666)))?;
    if options.encrypt {
        let key = options.key.clone().ok_or_else(|| Error::KeyNeeded { path: path.to_owned() })?;
        Seal::new(key)?.write_to(beside.as_file()).map_err(name)?;
    }
    fill(beside.path(), options).map_err(name)?;
    Ok(beside)
}
