//! The tables of a new file, and the version of its format.
//!
//! Invariant: a file that is written to carries the version of the format that its newest parts need.

use std::path::Path;

use redb::{ReadableTable, WriteTransaction};
use uuid::Uuid;

use super::connect::writer;
use super::options::Options;
use super::table::{self, FORMAT_VERSION, META, meta};
use crate::error::Result;

/// Raises a file's format version to this one's before anything is written.
pub(super) fn raise_format(tx: &WriteTransaction) -> Result<()> {
    let mut names = tx.open_table(META)?;
    let version = names.get(meta::FORMAT)?.map(|version| version.value().to_vec());
    if version.is_some_and(|version| version != FORMAT_VERSION.to_le_bytes()) {
        names.insert(meta::FORMAT, FORMAT_VERSION.to_le_bytes().as_slice())?;
    }
    Ok(())
}

/// Makes the tables of an empty file.
pub(super) fn lay_out(tx: &WriteTransaction) -> Result<()> {
    let mut names = tx.open_table(META)?;
    if names.get(meta::FORMAT)?.is_some() {
        return Ok(());
    }
    names.insert(meta::FORMAT, FORMAT_VERSION.to_le_bytes().as_slice())?;
    names.insert(meta::CREATED_BY, concat!("huedb ", env!("CARGO_PKG_VERSION")).as_bytes())?;
    names.insert(meta::FILE_ID, Uuid::new_v4().as_bytes().as_slice())?;
    tx.open_table(table::COLLECTIONS)?;
    tx.open_table(table::COLLECTION)?;
    tx.open_table(table::IDS)?;
    tx.open_table(table::POSTINGS)?;
    for pairs in [table::RECORDS, table::VECTORS, table::SEGMENTS, table::SKETCH, table::GRAPH] {
        tx.open_table(pairs)?;
    }
    for sets in [table::DEAD, table::STALE] {
        tx.open_table(sets)?;
    }
    Ok(())
}

/// Makes a database of a file that is empty, or that only has the header of an encrypted one.
pub(super) fn fill(path: &Path, options: &Options) -> Result<()> {
    let file = writer(path, options, true)?.file;
    let tx = file.begin_write()?;
    lay_out(&tx)?;
    tx.commit()?;
    Ok(file.close()?)
}
