//! A repair from its beginning to its end: a new file, filled from the old one, checked and put in its place.
//!
//! Invariant: the old file is untouched until the new one is complete and checked.

use std::path::{Path, PathBuf};

use super::loss::{Loss, RepairedCollection};
use crate::error::{Error, Result};
use crate::store::atomic_file::{Beside, beside, real_place};
use crate::store::backup::{refuse_existing, refuse_no_file, share_permissions, verify, while_locked};
use crate::store::{Access, FileFacts, Options, Store, connect, page};

/// A new file, written next to its final path.
pub struct Repair {
    pub(super) file: Beside,
    pub(super) target: PathBuf,
    /// The collections in it.
    pub kept: Vec<RepairedCollection>,
    /// What is missing from it, or in doubt.
    pub losses: Vec<Loss>,
    /// Pages of the old file that were damaged.
    pub damaged_pages: u64,
    /// Those of them that were restored, because only one bit of each was flipped.
    pub healed_pages: u64,
}

impl Repair {
    /// Reads what can be read of the file at `source` into a new file beside `target`.
    ///
    /// # Errors
    /// [`Error::Damaged`] when not even the header can be read, [`Error::NewerFormat`], [`Error::Busy`], [`Error::Io`].
    pub fn begin(source: &Path, target: &Path, options: &Options) -> Result<Self> {
        let name = |e: Error| e.at(source, options.busy_timeout);
        // A file that opens is kept from changing while it is read; one that does not, nobody can change.
        let opened = match Store::open_with(source, Access::Read, options) {
            Err(error) if !matches!(error, Error::NotADatabase { .. } | Error::Damaged { .. }) => return Err(error),
            opened => opened,
        };
        // The source itself is reported as not being a database.
        if source != target {
            refuse_no_file(target)?;
        }
        let target = &real_place(target);
        let file = beside(target, None)?;
        let mut repair = Self {
            file,
            target: target.to_owned(),
            kept: Vec::new(),
            losses: Vec::new(),
            damaged_pages: 0,
            healed_pages: 0,
        };
        match opened {
            Ok(store) => store.read(|_state| {
                let handle = store.handle();
                let tree = handle.pages.header().and_then(|header| page::Tree::new(handle.pages.file(), &header));
                repair.copy(&tree.ok_or_else(|| Error::damaged("its header"))?, handle.seal.as_ref())
            }),
            Err(why) => {
                let (raw, seal) = connect::raw(source, options).map_err(name)?;
                let mut bytes = [0; page::HEADER_BYTES];
                let header = raw.read(0, &mut bytes).ok().and_then(|()| page::FileHeader::parse(&bytes));
                let Some(tree) = header.and_then(|header| page::Tree::new(&*raw, &header)) else { return Err(why) };
                match repair.copy(&tree, seal.as_ref()) {
                    // What can be read is not huedb's.
                    Ok(()) if repair.kept.is_empty() && repair.losses.is_empty() => return Err(why),
                    copied => copied,
                }
            }
        }
        .map_err(name)?;
        Ok(repair)
    }

    /// Returns whether all that the old file held is in the new one, for certain.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.losses.is_empty()
    }

    /// Opens the new file for writing, for derived data that is made elsewhere.
    ///
    /// # Errors
    /// See [`Store::open_with`].
    pub fn open(&self, options: &Options) -> Result<Store> {
        Store::open_with(self.file.path(), Access::Write, options)
    }

    /// Checks the new file and moves it to its path; `replace` says whether a file that is there may be replaced.
    ///
    /// # Errors
    /// [`Error::FileExists`] when there is one and it may not; [`Error::Damaged`] when the new file fails its check;
    /// [`Error::Io`]. Then what is there is as it was.
    pub fn finish(self, source: &Path, replace: bool, options: &Options) -> Result<FileFacts> {
        refuse_existing(&self.target, replace)?;
        let facts = verify(self.file.path(), options)?;
        share_permissions(source, self.file.path())?;
        // Others that hold the old file have ended their writes when this one can write to it.
        let old = match Store::open_with(&self.target, Access::Write, options) {
            Ok(old) => Some(old),
            Err(error @ Error::Busy { .. }) => return Err(error),
            Err(_) => None,
        };
        let file = self.file;
        while_locked(old, || file.put_in_place(replace))?;
        Ok(facts)
    }
}
