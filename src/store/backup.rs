//! A copy of a file as it was at one moment, in another file.
//!
//! The copy is made from one read transaction, so others go on reading and writing meanwhile. It is written beside its
//! place, opened and checked, and only then renamed into it. Invariant: the target is either what
//! it was before or a complete copy that passed the check.

use std::path::Path;
use std::time::Duration;

use redb::{Database, Key, ReadTransaction, ReadableTable, TableDefinition, TableError, Value, WriteTransaction};

use super::atomic_file::{beside, no_file, real_place};
use super::crypt::Seal;
use super::{Access, Depth, FileFacts, Options, Store, connect, panic_guard, table};
use crate::error::{Error, Result};

/// The most passes that move pages.
const MOST_PASSES: usize = 3;

impl Store {
    /// Writes all that the file holds at this moment to a new file; returns facts about the copy.
    ///
    /// The copy keeps the identity of the file and has no free space; that of an encrypted file has the same header.
    /// `replace` says whether an existing file at `target` may be replaced.
    ///
    /// # Errors
    /// [`Error::FileExists`] when there is one and it may not; [`Error::Damaged`] when this file cannot be read or the
    /// copy fails its check; [`Error::Io`]. Then `target` is as it was.
    pub fn backup(&self, target: &Path, replace: bool) -> Result<FileFacts> {
        if is_same_file(self.path(), target) {
            return Err(Error::argument(format!("{} is the database itself", target.display())));
        }
        refuse_existing(target, replace)?;
        self.put_copy(target, replace, self.handle().seal.as_ref())
    }

    /// Puts a copy at `target`, encrypted as `seal` says.
    pub(super) fn put_copy(&self, target: &Path, replace: bool, seal: Option<&Seal>) -> Result<FileFacts> {
        let target = &real_place(target);
        let beside = beside(target, None)?;
        let options = Options { key: seal.map(|seal| seal.key().clone()), ..Options::default() };
        if let Some(seal) = seal {
            seal.write_to(beside.as_file()).map_err(|e| e.at(target, Duration::ZERO))?;
        }
        self.copy_to(beside.path(), &options)?;
        let facts = verify(beside.path(), &options)?;
        share_permissions(self.path(), beside.path())?;
        beside.put_in_place(replace)?;
        Ok(facts)
    }

    fn copy_to(&self, target: &Path, options: &Options) -> Result<()> {
        let name = |e: Error| e.at(target, Duration::ZERO);
        let options = Options { cache_bytes: Options::BULK_CACHE_BYTES, ..options.clone() };
        let mut copy = connect::writer(target, &options, true).map_err(name)?.file;
        self.read(|from| panic_guard::guarded(|| copy_tables(&from, &copy)))?;
        panic_guard::guarded(|| shorten(&mut copy)).map_err(name)?;
        panic_guard::guarded(|| copy.close().map_err(Error::from)).map_err(name)
    }
}

/// Puts a backup in the place of a database file; returns facts about what is there now.
///
/// `replace` says whether an existing file at `target` may be replaced, which happens once the new one is complete. Other
/// processes are given time to end their writes.
///
/// # Errors
/// [`Error::FileExists`] when there is one and it may not; [`Error::Damaged`] or [`Error::NotADatabase`] when the backup
/// is not sound, [`Error::Busy`] when another process writes to `target`, [`Error::KeyNeeded`] or [`Error::WrongKey`] when
/// the key of `options` does not open both, [`Error::Io`]. Then `target` is as it was.
pub fn restore(backup: &Path, target: &Path, replace: bool, options: &Options) -> Result<FileFacts> {
    refuse_existing(target, replace)?;
    let source = Store::open_with(backup, Access::Read, options)?;
    require_sound(&source.check(None, Depth::Quick)?, backup)?;
    // A damaged file cannot be locked, and need not be: nobody can write to it.
    let old = match Store::open_with(target, Access::Write, options) {
        Ok(old) => Some(old),
        Err(error @ (Error::Busy { .. } | Error::KeyNeeded { .. } | Error::WrongKey { .. })) => return Err(error),
        Err(_) => None,
    };
    while_locked(old, || source.backup(target, replace))
}

/// Runs `work` while nobody else writes to the file that is about to be replaced.
pub(super) fn while_locked<T>(old: Option<Store>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (mut work, mut done) = (Some(work), None);
    if let Some(old) = old {
        let locked = panic_guard::guarded(|| {
            old.write(|_| {
                done = work.take().map(|work| work());
                Ok(())
            })
        });
        // Once the work is done, an error of the old file does not matter; nor can every damaged file be locked.
        if let (None, Err(busy @ Error::Busy { .. })) = (&done, locked) {
            return Err(busy);
        }
    }
    match (done, work) {
        (Some(done), _) => done,
        (None, Some(work)) => work(),
        (None, None) => Err(Error::damaged("the file that is to be replaced")),
    }
}

/// Makes a copy as private as its original.
pub(super) fn share_permissions(from: &Path, to: &Path) -> Result<()> {
    let permissions =
        std::fs::metadata(from).map_err(|e| Error::io(format!("read {}", from.display()), e))?.permissions();
    std::fs::set_permissions(to, permissions).map_err(|e| Error::io(format!("write {}", to.display()), e))
}

/// Refuses anything but a regular file: a device or pipe would be gone for all that use it.
pub(super) fn refuse_no_file(target: &Path) -> Result<()> {
    match no_file(target) {
        Some(what) => Err(Error::argument(format!("{} is {what}, not a file", target.display()))),
        None => Ok(()),
    }
}

pub(super) fn refuse_existing(target: &Path, replace: bool) -> Result<()> {
    refuse_no_file(target)?;
    if !replace && target.symlink_metadata().is_ok() {
        return Err(Error::FileExists { path: target.to_owned() });
    }
    Ok(())
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Opens a file and refuses it when the quick check finds anything.
pub(super) fn verify(path: &Path, options: &Options) -> Result<FileFacts> {
    let copy = Store::open_with(path, Access::Read, options)?;
    require_sound(&copy.check(None, Depth::Quick)?, path)?;
    copy.file_facts()
}

fn require_sound(findings: &[super::Finding], path: &Path) -> Result<()> {
    match findings.first() {
        None => Ok(()),
        Some(first) => {
            let what = format!("{}: {}", first.place, first.what);
            Err(Error::Damaged { path: path.to_owned(), what })
        }
    }
}

/// Moves the pages of a new file together: as it grew, it was extended by more than it needs.
fn shorten(copy: &mut Database) -> Result<()> {
    // A pass frees what the pass before still held.
    for _ in 0..MOST_PASSES {
        if !copy.compact()? {
            break;
        }
    }
    Ok(())
}

fn copy_tables(from: &ReadTransaction, copy: &Database) -> Result<()> {
    let to = copy.begin_write()?;
    copy_table(from, &to, table::META)?;
    copy_table(from, &to, table::TENANTS)?;
    copy_table(from, &to, table::DATABASES)?;
    copy_table(from, &to, table::TOKENS)?;
    copy_table(from, &to, table::COLLECTIONS)?;
    copy_table(from, &to, table::COLLECTION)?;
    copy_table(from, &to, table::IDS)?;
    copy_table(from, &to, table::POSTINGS)?;
    copy_table(from, &to, table::TERMS)?;
    for pairs in [table::RECORDS, table::TAIL, table::GRAPH, table::CLUSTERS].into_iter().chain(table::ROWS) {
        copy_table(from, &to, pairs)?;
    }
    for by_number in [table::DEAD, table::STALE].into_iter().chain(table::DICTIONARIES) {
        copy_table(from, &to, by_number)?;
    }
    Ok(to.commit()?)
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<K, V>,
) -> Result<()> {
    let old = match from.open_table(table) {
        // Some tables are made when they are first needed.
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        old => old?,
    };
    let mut new = to.open_table(table)?;
    for row in old.iter()? {
        let (key, value) = row?;
        new.insert(key.value(), value.value())?;
    }
    Ok(())
}
