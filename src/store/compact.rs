//! Giving free space back to the file system, and what was deleted with it.
//!
//! redb moves pages to the front of the file and cuts it off behind them. That alone leaves old text in pages that
//! stay free, in the unused ends of pages, in keys that only part one page from the next, and in dictionaries, and deleted
//! embeddings next to those that are left; so [`Store::compact`] zeroes these, rewrites the tables that hold text and
//! overwrites every free page. Invariant: no other process loses what it
//! wrote, and none is waited for longer than the busy timeout at a time.

use std::thread::sleep;
use std::time::{Duration, Instant};

use redb::{CompactionError, Key, ReadableTable, TableDefinition, Value, WriteTransaction};

use super::catalog::CatalogEntry;
use super::panic_guard::guarded;
use super::table::CollectionNumber;
use super::write::{WriteBatch, read_set};
use super::{Store, repack, table, vector};
use crate::error::{Error, Result};

/// What [`Store::compact`] did to the length of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Its length before, in bytes.
    pub before: u64,
    /// Its length after, in bytes, while it is open: closing it adds a little that the next to open needs.
    pub after: u64,
}

/// Overwrites free pages; it exists only inside [`Store::compact`].
const FILLER: TableDefinition<u64, &[u8]> = TableDefinition::new("filler");
/// No two such values fit one page of 4 KiB.
const FILLER_BYTES: usize = 3500;
/// How many fillers are written before the length of the file is checked again.
const FILLERS_AT_ONCE: u64 = 32;
const PAUSE: Duration = Duration::from_millis(20);

impl Store {
    /// Gives free space back to the file system and overwrites what was deleted; no [`super::View`] may be open.
    ///
    /// Until it is done other processes that read or write wait, each for its own busy timeout; for a while the file
    /// is longer by the size of its records, ids and metadata index, and of embeddings that stand beside deleted ones.
    ///
    /// # Errors
    /// [`Error::Busy`] when other processes did not stop reading or writing in time, or a view of this process is
    /// open; what was done until then stays. [`Error::Damaged`], or [`Error::Io`] when the disk is full.
    pub fn compact(&self) -> Result<Compacted> {
        let before = self.file_bytes()?;
        self.write(|tx| {
            upgrade_rows(tx)?;
            clear_deleted(tx)?;
            rewrite_texts(tx)
        })?;
        self.move_pages(self.busy_timeout())?;
        self.overwrite_free_pages()?;
        self.move_pages(self.busy_timeout())?;
        Ok(Compacted { before, after: self.file_bytes()? })
    }

    /// Gives free space back to the file system, unless another process is in the way; returns whether it did.
    ///
    /// Deleted text may stay in the file: see [`Store::compact`].
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn give_back_space(&self) -> Result<bool> {
        // An import leaves the pages of postings half full and all over the file, where they keep larger ones from
        // moving: rewriting them saves 2 % of it.
        let anew = self.write(|tx| rewrite(tx, table::POSTINGS));
        match anew.and_then(|()| self.move_pages_once(Duration::ZERO)) {
            Ok(_) => Ok(true),
            Err(Error::Busy { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the length of the file in bytes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn file_bytes(&self) -> Result<u64> {
        let facts = std::fs::metadata(self.path());
        Ok(facts.map_err(|e| Error::io(format!("read {}", self.path().display()), e))?.len())
    }

    /// Moves pages for as long as that makes the file shorter.
    fn move_pages(&self, patience: Duration) -> Result<()> {
        let mut bytes = self.file_bytes()?;
        // A pass frees what the pass before still held.
        while self.move_pages_once(patience)? && self.file_bytes()? < bytes {
            bytes = self.file_bytes()?;
        }
        Ok(())
    }

    /// Has redb move pages to the front and cut the file, as soon as nobody reads an old state of it; returns whether
    /// there was something to move.
    fn move_pages_once(&self, patience: Duration) -> Result<bool> {
        let deadline = Instant::now() + patience;
        loop {
            // Not held while waiting for others: they may be in this process.
            let turn = self.queue().turn(deadline);
            let moved = match &turn {
                Some(_) => self.alone(|file| guarded(|| Ok::<_, Error>(file.compact())))?,
                None => None,
            };
            drop(turn);
            match moved.transpose().map_err(|error| self.name(error))? {
                Some(Ok(moved)) => return Ok(moved),
                Some(Err(error)) if !matches!(error, CompactionError::TransactionInProgress) => {
                    return Err(self.name(error.into()));
                }
                _ if Instant::now() < deadline => sleep(PAUSE),
                _ => return Err(Error::Busy { path: self.path().to_owned(), waited: patience }),
            }
        }
    }

    /// Fills free pages until the file has to grow: then no page is left that holds deleted data.
    fn overwrite_free_pages(&self) -> Result<()> {
        self.write(|tx| {
            let mut fillers = tx.open_table(FILLER)?;
            let zeros = [0; FILLER_BYTES];
            let bytes = self.file_bytes()?;
            let mut next = 0;
            while self.file_bytes()? <= bytes {
                for filler in next..next + FILLERS_AT_ONCE {
                    fillers.insert(filler, zeros.as_slice())?;
                }
                next += FILLERS_AT_ONCE;
            }
            Ok(())
        })?;
        self.write(|tx| Ok(tx.delete_table(FILLER).map(drop)?))
    }
}

/// Reseals the rows of collections of version 1 of the format.
fn upgrade_rows(tx: &WriteTransaction) -> Result<()> {
    let mut old = Vec::new();
    for row in tx.open_table(table::COLLECTION)?.iter()? {
        let (key, bytes) = row?;
        let entry = CatalogEntry::decode(bytes.value(), "")?;
        if !entry.sealed.bounded {
            old.push((CollectionNumber(u32::from_be_bytes(*key.value())), entry.info.name));
        }
    }
    old.iter().try_for_each(|(number, name)| WriteBatch::begin(tx, *number, name.as_str())?.finish().map(drop))
}

/// Zeroes the embeddings of deleted records.
fn clear_deleted(tx: &WriteTransaction) -> Result<()> {
    let (sets, mut vectors) = (tx.open_table(table::DEAD)?, tx.open_table(table::VECTORS)?);
    for row in tx.open_table(table::COLLECTION)?.iter()? {
        let (key, bytes) = row?;
        let (number, entry) =
            (CollectionNumber(u32::from_be_bytes(*key.value())), CatalogEntry::decode(bytes.value(), "")?);
        let dead = read_set(&sets, number, "the set of deleted rows")?;
        if let Some(form) = entry.row_form() {
            vector::clear(&mut vectors, entry.rows_number(number), form, &dead)?;
        }
        if let Some(next) = &entry.next {
            let form = next.row_form(entry.info.precision);
            vector::clear(&mut vectors, CollectionNumber(next.number), form, &dead)?;
        }
    }
    Ok(())
}

/// Rewrites every table that holds text.
fn rewrite_texts(tx: &WriteTransaction) -> Result<()> {
    rewrite(tx, table::META)?;
    rewrite(tx, table::TENANTS)?;
    rewrite(tx, table::DATABASES)?;
    rewrite(tx, table::TOKENS)?;
    rewrite(tx, table::COLLECTIONS)?;
    rewrite(tx, table::COLLECTION)?;
    rewrite(tx, table::IDS)?;
    repack::rewrite_records(tx)?;
    rewrite(tx, table::POSTINGS)?;
    rewrite(tx, table::TERMS)
}

fn rewrite<K: Key + 'static, V: Value + 'static>(tx: &WriteTransaction, table: TableDefinition<K, V>) -> Result<()> {
    let anew = TableDefinition::<K, V>::new("written anew");
    let (old, mut new) = (tx.open_table(table)?, tx.open_table(anew)?);
    for row in old.iter()? {
        let (key, value) = row?;
        new.insert(key.value(), value.value())?;
    }
    drop((old, new));
    tx.delete_table(table)?;
    Ok(tx.rename_table(anew, table)?)
}
