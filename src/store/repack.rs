//! Packing the documents of all collections anew, when the file is compacted.
//!
//! A dictionary holds pieces of the documents it was made of, deleted ones among them by now; so each collection gets one
//! of documents it has. Collections that were filled bit by bit, or by an older version, get their first one so.
//! Invariant: what was made of deleted documents is in no table afterwards.

use std::borrow::Cow;

use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::catalog::{self, CatalogEntry};
use super::dictionaries;
use super::packing::no_dictionary;
use super::record::{decode, encode, is_packed};
use super::record_table::RecordTable;
use super::table::{self, CollectionNumber, PairKey, pair_ordinal};
use crate::error::Result;

/// Writes the records of all collections anew, packed with dictionaries of what they hold now.
pub(super) fn rewrite_records(tx: &WriteTransaction) -> Result<()> {
    let anew: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("records written anew");
    let old = tx.open_table(table::RECORDS)?;
    for (number, mut entry) in collections(tx)? {
        let before = entry.dictionary;
        let dictionary = before.map(|identity| dictionaries::read_for_writing(tx, number, identity)).transpose()?;
        if dictionary.is_some() {
            dictionaries::remove(tx, number)?;
        }
        let mut new = RecordTable::open_in(tx, anew, number, None)?;
        for row in old.range::<&PairKey>(&number.pair(0)..=&number.pair(u64::MAX))? {
            let (key, value) = row?;
            let bytes = if is_packed(value.value()) {
                let record = decode(value.value(), || dictionary.clone().ok_or_else(no_dictionary))?;
                Cow::Owned(encode(&record))
            } else {
                Cow::Borrowed(value.value())
            };
            new.put_bytes(pair_ordinal(key.value()), bytes)?;
        }
        entry.dictionary = new.finish()?;
        if entry.dictionary != before {
            catalog::put(&mut tx.open_table(table::COLLECTION)?, number, &entry)?;
        }
    }
    drop(old);
    tx.open_table(anew)?;
    tx.delete_table(table::RECORDS)?;
    Ok(tx.rename_table(anew, table::RECORDS)?)
}

fn collections(tx: &WriteTransaction) -> Result<Vec<(CollectionNumber, CatalogEntry)>> {
    let mut found = Vec::new();
    for row in tx.open_table(table::COLLECTION)?.iter()? {
        let (key, bytes) = row?;
        let number = CollectionNumber(u32::from_be_bytes(*key.value()));
        found.push((number, CatalogEntry::decode(bytes.value(), "")?));
    }
    Ok(found)
}
