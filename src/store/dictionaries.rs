//! The dictionaries of collections, in two tables.
//!
//! Documents cannot be read without theirs, so there are two of each, and no page of one table leads to the other.
//! Invariants: a collection whose settings name a dictionary has it in both tables; every packed document of a collection
//! is packed with that one.

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::packing::Dictionary;
use super::panic_guard::guarded;
use super::table::{CollectionNumber, DICTIONARIES};
use crate::error::{Error, Result};

type Dictionaries = TableDefinition<'static, &'static [u8; 4], &'static [u8]>;

/// Returns what each table holds for a collection: the dictionary of that identity, or why not.
pub(crate) fn copies(tx: &ReadTransaction, number: CollectionNumber, identity: u64) -> [Result<Dictionary>; 2] {
    DICTIONARIES.map(|table| copy(|| tx.open_table(table), number, identity))
}

/// Returns the dictionary of a collection from the first table that has it whole.
///
/// # Errors
/// [`Error::Damaged`] where neither has.
pub(crate) fn read(tx: &ReadTransaction, number: CollectionNumber, identity: u64) -> Result<Arc<Dictionary>> {
    first(DICTIONARIES.map(|table| move || copy(|| tx.open_table(table), number, identity)))
}

/// Does the same in a transaction that writes.
pub(crate) fn read_for_writing(
    tx: &WriteTransaction,
    number: CollectionNumber,
    identity: u64,
) -> Result<Arc<Dictionary>> {
    first(DICTIONARIES.map(|table| move || copy(|| tx.open_table(table), number, identity)))
}

fn first(copies: [impl Fn() -> Result<Dictionary>; 2]) -> Result<Arc<Dictionary>> {
    for copy in copies {
        match copy() {
            Ok(dictionary) => return Ok(Arc::new(dictionary)),
            Err(Error::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Err(Error::damaged("both copies of the dictionary that documents are packed with"))
}

fn copy<T: ReadableTable<&'static [u8; 4], &'static [u8]>>(
    table: impl FnOnce() -> Result<T, TableError>,
    number: CollectionNumber,
    identity: u64,
) -> Result<Dictionary> {
    guarded(|| {
        let table = match table() {
            Err(TableError::TableDoesNotExist(_)) => return Err(Error::damaged("it is missing")),
            table => table?,
        };
        let bytes = table.get(&number.key())?.ok_or_else(|| Error::damaged("it is missing"))?;
        let dictionary = Dictionary::from_bytes(bytes.value())?;
        if dictionary.identity() == identity {
            Ok(dictionary)
        } else {
            Err(Error::damaged("it is another one than the settings of the collection name"))
        }
    })
}

/// Gives a collection a dictionary in place of what it had.
pub(crate) fn put(tx: &WriteTransaction, number: CollectionNumber, dictionary: &Dictionary) -> Result<()> {
    let bytes = dictionary.to_bytes();
    DICTIONARIES.into_iter().try_for_each(|table: Dictionaries| {
        tx.open_table(table)?.insert(&number.key(), bytes.as_slice())?;
        Ok(())
    })
}

/// Takes from a collection the dictionary it has.
pub(crate) fn remove(tx: &WriteTransaction, number: CollectionNumber) -> Result<()> {
    DICTIONARIES.into_iter().try_for_each(|table: Dictionaries| {
        tx.open_table(table)?.remove(&number.key())?;
        Ok(())
    })
}
