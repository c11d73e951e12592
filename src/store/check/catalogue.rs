//! The file as a whole: its facts, the catalogue, and what belongs to no collection.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableError, Value,
};
use uuid::Uuid;

use super::finding::Findings;
use crate::error::{Error, Result};
use crate::record::Scope;
use crate::store::catalog::{self, CatalogEntry};
use crate::store::table::{self, CollectionNumber, meta};
use crate::store::tokens;

/// A collection as the catalogue has it.
pub(super) struct Named {
    scope: Scope,
    own_name: String,
    /// Its name, with tenant and database where they are not the default ones.
    pub(super) name: String,
    pub(super) number: CollectionNumber,
    /// `None` when it cannot be read.
    pub(super) entry: Option<CatalogEntry>,
}

/// All collections of a file.
pub(super) struct CheckedCatalogue {
    pub(super) collections: Vec<Named>,
}

impl CheckedCatalogue {
    /// Returns the number of the collection of that name.
    pub(super) fn number(&self, scope: &Scope, name: &str) -> Result<CollectionNumber> {
        let mut here = self.collections.iter().filter(|named| named.scope == *scope);
        let known = || here.clone().map(|named| named.own_name.clone()).collect();
        let not_found = Error::CollectionNotFound { name: name.to_owned(), known: known() };
        here.find(|named| named.own_name == name).map(|named| named.number).ok_or(not_found)
    }
}

pub(super) fn check(tx: &ReadTransaction, findings: &mut Findings) -> Result<CheckedCatalogue> {
    findings.take("tokens", false, tokens::read(tx))?;
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
    let numbers: BTreeSet<CollectionNumber> = names_of.into_keys().collect();
    let rows = check_rows_numbers(&collections, findings);
    let last = numbers.iter().chain(rows.iter().flatten()).max().copied();
    check_meta(tx, last, findings)?;
    check_totals(tx, &collections, findings)?;
    check_strays(tx, &numbers, rows.as_ref(), findings)?;
    check_stray_clusters(tx, &collections, findings)?;
    Ok(CheckedCatalogue { collections })
}

/// Returns the numbers that embeddings are stored under; `None` where the settings of a collection cannot be read.
fn check_rows_numbers(collections: &[Named], findings: &mut Findings) -> Option<BTreeSet<CollectionNumber>> {
    let mut found = BTreeSet::new();
    for named in collections {
        let entry = named.entry.as_ref()?;
        let next = entry.next.as_ref().map(|next| CollectionNumber(next.number));
        for number in [entry.rows_number(named.number)].into_iter().chain(next) {
            if !found.insert(number) {
                findings.add(
                    &named.name,
                    format!("its embeddings are stored under {}, like those of another collection", number.0),
                    false,
                );
            }
        }
    }
    Some(found)
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
fn check_strays(
    tx: &ReadTransaction,
    numbers: &BTreeSet<CollectionNumber>,
    rows: Option<&BTreeSet<CollectionNumber>>,
    findings: &mut Findings,
) -> Result<()> {
    for (from, to) in between(numbers) {
        for pairs in [table::RECORDS, table::GRAPH] {
            stray(tx, pairs, &from.pair(0), &to.pair(0), findings)?;
        }
        stray(tx, table::IDS, from.key().as_slice(), to.key().as_slice(), findings)?;
        stray(tx, table::POSTINGS, from.key().as_slice(), to.key().as_slice(), findings)?;
        stray(tx, table::TERMS, from.key().as_slice(), to.key().as_slice(), findings)?;
        stray(tx, table::DEAD, &from.key(), &to.key(), findings)?;
        for dictionaries in table::DICTIONARIES {
            // A damaged page of one is no damage to the file as a whole.
            findings.check(format!("table {}", redb::TableHandle::name(&dictionaries)), true, |findings| {
                stray(tx, dictionaries, &from.key(), &to.key(), findings)
            })?;
        }
    }
    let Some(rows) = rows else { return Ok(()) };
    for (from, to) in between(rows) {
        for pairs in table::ROWS {
            stray(tx, pairs, &from.pair(0), &to.pair(0), findings)?;
        }
    }
    // A graph's set is stored under the collection's number, that of a re-embedding under its own.
    for (from, to) in between(&(numbers | rows)) {
        stray(tx, table::STALE, &from.key(), &to.key(), findings)?;
    }
    Ok(())
}

/// Looks for clusters that no collection has, or had begun to build.
fn check_stray_clusters(tx: &ReadTransaction, collections: &[Named], findings: &mut Findings) -> Result<()> {
    let mut known = BTreeSet::new();
    for named in collections {
        let Some(entry) = &named.entry else { return Ok(()) };
        known.extend(entry.clusters.map(|clusters| CollectionNumber(clusters.number)));
        known.extend(entry.unfinished_clusters.map(CollectionNumber));
    }
    for (from, to) in between(&known) {
        stray(tx, table::CLUSTERS, &from.pair(0), &to.pair(0), findings)?;
    }
    Ok(())
}

/// Returns the ranges of numbers before the first, between each two and after the last.
fn between(numbers: &BTreeSet<CollectionNumber>) -> Vec<(CollectionNumber, CollectionNumber)> {
    let after = |number: &CollectionNumber| CollectionNumber(number.0.saturating_add(1));
    let starts = std::iter::once(CollectionNumber(0)).chain(numbers.iter().map(after));
    let ends = numbers.iter().copied().chain([CollectionNumber(u32::MAX)]);
    starts.zip(ends).filter(|(from, to)| from < to).collect()
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
