//! The file as a whole: its facts, the catalogue, and what belongs to no collection.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableError, Value,
};
use uuid::Uuid;

use super::Findings;
use crate::error::{Error, Result};
use crate::record::Scope;
use crate::store::catalog::{self, Entry};
use crate::store::table::{self, CollectionNumber, PairKey, meta};

/// A collection as the catalogue has it.
pub(super) struct Named {
    scope: Scope,
    own_name: String,
    /// Its name, with tenant and database where they are not the default ones.
    pub(super) name: String,
    pub(super) number: CollectionNumber,
    /// `None` when it cannot be read.
    pub(super) entry: Option<Entry>,
}

/// All collections of a file.
pub(super) struct Catalogue {
    pub(super) collections: Vec<Named>,
}

impl Catalogue {
    /// Returns the number of the collection of that name.
    pub(super) fn number(&self, scope: &Scope, name: &str) -> Result<CollectionNumber> {
        let mut here = self.collections.iter().filter(|named| named.scope == *scope);
        let known = || here.clone().map(|named| named.own_name.clone()).collect();
        let not_found = Error::CollectionNotFound { name: name.to_owned(), known: known() };
        here.find(|named| named.own_name == name).map(|named| named.number).ok_or(not_found)
    }
}

pub(super) fn check(tx: &ReadTransaction, findings: &mut Findings) -> Result<Catalogue> {
    let mut collections = Vec::new();
    let mut names_of: BTreeMap<CollectionNumber, String> = BTreeMap::new();
    let entries = tx.open_table(table::COLLECTION)?;
    for row in tx.open_table(table::COLLECTIONS)?.iter()? {
        let (key, number) = row?;
        let (tenant, database, own_name) = key.value();
        let scope = Scope { tenant: tenant.to_owned(), database: database.to_owned() };
        let name = shown(&scope, own_name);
        let number = CollectionNumber(u32::from_be_bytes(*number.value()));
        if let Some(other) = names_of.insert(number, name.clone()) {
            findings.add(&name, format!("it has the same number as {other}"), false);
            continue;
        }
        let place = format!("{name}: settings");
        let entry = findings.take(place, false, catalog::entry(&entries, number, own_name))?;
        if entry.as_ref().is_some_and(|entry| entry.info.name.as_str() != own_name) {
            findings.add(format!("{name}: settings"), "they are of a collection of another name", false);
        }
        collections.push(Named { scope, own_name: own_name.to_owned(), name, number, entry });
    }
    for row in entries.iter()? {
        let number = CollectionNumber(u32::from_be_bytes(*row?.0.value()));
        if !names_of.contains_key(&number) {
            findings.add(format!("collection number {}", number.0), "it has settings but no name", false);
        }
    }
    let numbers: Vec<CollectionNumber> = names_of.into_keys().collect();
    check_meta(tx, numbers.last().copied(), findings)?;
    check_totals(tx, &collections, findings)?;
    check_strays(tx, &numbers, findings)?;
    Ok(Catalogue { collections })
}

fn shown(scope: &Scope, name: &str) -> String {
    if *scope == Scope::default() { name.to_owned() } else { format!("{}/{}/{name}", scope.tenant, scope.database) }
}

fn check_meta(tx: &ReadTransaction, last: Option<CollectionNumber>, findings: &mut Findings) -> Result<()> {
    let names = tx.open_table(table::META)?;
    let id = names.get(meta::FILE_ID)?;
    if id.is_none_or(|id| Uuid::from_slice(id.value()).is_err()) {
        findings.add("file: id", "it is missing or no uuid", false);
    }
    if names.get(meta::CREATED_BY)?.is_none() {
        findings.add("file: maker", "it is missing", false);
    }
    let next = names.get(meta::NEXT_COLLECTION)?;
    let next = next.map_or(Some(0), |next| next.value().try_into().ok().map(u32::from_le_bytes));
    if next.is_none_or(|next| last.is_some_and(|last| last.0 >= next)) {
        findings.add("file: number of the next collection", "it is taken or cannot be read", true);
    }
    Ok(())
}

/// Compares the lengths of tables, which redb knows, with what the collections count.
fn check_totals(tx: &ReadTransaction, collections: &[Named], findings: &mut Findings) -> Result<()> {
    let counted = collections.iter().map(|named| named.entry.as_ref().map(|entry| entry.records));
    let Some(counted) = counted.sum::<Option<u64>>() else { return Ok(()) };
    for (part, rows, derived) in
        [("ids", tx.open_table(table::IDS)?.len()?, true), ("records", tx.open_table(table::RECORDS)?.len()?, false)]
    {
        if rows != counted {
            findings.add(
                format!("file: {part}"),
                format!("there are {rows}, but {counted} records are counted"),
                derived,
            );
        }
    }
    Ok(())
}

/// Looks between the numbers of the collections for rows of none of them.
fn check_strays(tx: &ReadTransaction, numbers: &[CollectionNumber], findings: &mut Findings) -> Result<()> {
    // Before the first, between each two, and after the last.
    let first = numbers.first().map_or(u32::MAX, |first| first.0);
    let between = numbers.windows(2).filter_map(|pair| match pair {
        [left, right] => Some((left.0.checked_add(1)?, right.0)),
        _ => None,
    });
    let last = numbers.last().and_then(|last| last.0.checked_add(1)).map(|after| (after, u32::MAX));
    for (from, to) in std::iter::once((0, first)).chain(between).chain(last).filter(|(from, to)| from < to) {
        let (from, to) = (CollectionNumber(from), CollectionNumber(to));
        let (first, end): (PairKey, PairKey) = (from.pair(0), to.pair(0));
        for pairs in [table::RECORDS, table::VECTORS, table::TAIL, table::SEGMENTS, table::SKETCH, table::GRAPH] {
            stray(tx, pairs, &first, &end, findings)?;
        }
        stray(tx, table::IDS, from.key().as_slice(), to.key().as_slice(), findings)?;
        stray(tx, table::POSTINGS, from.key().as_slice(), to.key().as_slice(), findings)?;
        stray(tx, table::TERMS, from.key().as_slice(), to.key().as_slice(), findings)?;
        for sets in [table::DEAD, table::STALE] {
            stray(tx, sets, &from.key(), &to.key(), findings)?;
        }
    }
    Ok(())
}

fn stray<'k, K: Key + 'static, V: Value + 'static>(
    tx: &ReadTransaction,
    table: TableDefinition<K, V>,
    from: K::SelfType<'k>,
    to: K::SelfType<'k>,
    findings: &mut Findings,
) -> Result<()> {
    let name = redb::TableHandle::name(&table).to_owned();
    let rows: ReadOnlyTable<K, V> = match tx.open_table(table) {
        // The inverted index is absent until it is needed.
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        rows => rows?,
    };
    let found = rows.range((Bound::Included(from), Bound::Excluded(to)))?.next().transpose()?.is_some();
    if found {
        findings.add(format!("table {name}"), "it has rows of a collection that is not there", true);
    }
    Ok(())
}
