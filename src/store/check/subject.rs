//! A collection that is checked: its counters here, its parts in the files beside.
//!
//! Invariant: each part is checked by itself.

use std::cell::OnceCell;
use std::sync::Arc;

use redb::ReadTransaction;
use roaring::RoaringTreemap;

use super::finding::{Depth, Findings};
use crate::error::{Error, Result};
use crate::store::catalog::{CatalogEntry, NextEmbeddings};
use crate::store::dictionaries;
use crate::store::packing::{Dictionary, no_dictionary};
use crate::store::record::{StoredRecord, decode, decode_but_document};
use crate::store::table::{self, CollectionNumber};
use crate::store::write::read_set;

/// A collection that is checked.
pub(super) struct Subject<'a> {
    pub(super) tx: &'a ReadTransaction,
    pub(super) name: String,
    pub(super) number: CollectionNumber,
    /// The number its embeddings and their rows are stored under.
    pub(super) rows_number: CollectionNumber,
    pub(super) entry: CatalogEntry,
    pub(super) dead: RoaringTreemap,
    pub(super) depth: Depth,
    /// What its documents are packed with; `None` where it has none that can be read.
    pub(super) dictionary: OnceCell<Option<Arc<Dictionary>>>,
}

impl Subject<'_> {
    pub(super) fn place(&self, part: &str) -> String {
        format!("{}: {part}", self.name)
    }

    pub(super) fn live(&self) -> RoaringTreemap {
        let mut all = RoaringTreemap::new();
        all.insert_range(0..self.entry.next_ordinal);
        all - &self.dead
    }

    pub(super) fn check(&self, findings: &mut Findings) -> Result<()> {
        self.check_counters(findings);
        self.check_dictionary(findings)?;
        findings.check(self.place("quantised rows"), true, |findings| self.check_rows(findings))?;
        findings.check(self.place("graph"), true, |findings| self.check_graph(findings))?;
        findings.check(self.place("clusters"), true, |findings| self.check_clusters(findings))?;
        if self.depth == Depth::Deep {
            findings.check(self.place("records"), false, |findings| self.check_records(findings))?;
            findings.check(self.place("inverted index"), true, |findings| self.check_terms(findings))?;
        }
        match &self.entry.next {
            Some(next) => self.check_next(next, findings),
            None => Ok(()),
        }
    }

    /// Checks embeddings that another model makes as if they were searched already.
    fn check_next(&self, next: &NextEmbeddings, findings: &mut Findings) -> Result<()> {
        let number = CollectionNumber(next.number);
        let mut dead = self.dead.clone();
        dead.remove_range(next.until..);
        let mut info = self.entry.info.clone();
        info.dimension = Some(next.embedder.dimension);
        let subject = Subject {
            tx: self.tx,
            name: format!("{}: embeddings by {}", self.name, next.embedder.model),
            number: self.number,
            rows_number: number,
            entry: CatalogEntry {
                info,
                next_ordinal: next.until,
                records: next.until.saturating_sub(dead.len()),
                sealed: next.sealed,
                next: None,
                ..self.entry.clone()
            },
            dead,
            depth: self.depth,
            dictionary: OnceCell::new(),
        };
        if next.until > self.entry.next_ordinal {
            findings.add(subject.place("counters"), "they are of more rows than were given", true);
        }
        let stale = read_set(&self.tx.open_table(table::STALE)?, number, "the set");
        let stale = findings.take(subject.place("changed documents"), true, stale)?.unwrap_or_default();
        if stale.max().is_some_and(|last| last >= next.until) || !stale.is_disjoint(&self.dead) {
            findings.add(subject.place("changed documents"), "some are of records that are not there", true);
        }
        findings.check(subject.place("quantised rows"), true, |findings| subject.check_rows(findings))
    }

    /// Checks both copies of the dictionary.
    fn check_dictionary(&self, findings: &mut Findings) -> Result<()> {
        let Some(identity) = self.entry.dictionary else { return Ok(()) };
        let copies = dictionaries::copies(self.tx, self.number, identity);
        let one_is_whole = copies.iter().any(Result::is_ok);
        for (copy, named) in copies.into_iter().zip(["first", "second"]) {
            let Err(Error::Damaged { what, .. }) = copy else {
                copy?;
                continue;
            };
            let follows = if one_is_whole {
                "documents are unpacked with the other copy, and a repair writes both"
            } else {
                "no packed document can be read without it"
            };
            let place = self.place(&format!("{named} copy of the dictionary"));
            findings.add(place, format!("{what}; {follows}"), one_is_whole);
        }
        Ok(())
    }

    /// Reads a record as a view does.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<StoredRecord> {
        decode(bytes, || self.dictionary().ok_or_else(no_dictionary))
    }

    /// Reads a record, without its document where the dictionary is lost, which is a finding by itself.
    pub(super) fn decode_what_can_be(&self, bytes: &[u8]) -> Result<StoredRecord> {
        let is_lost = self.entry.dictionary.is_some() && self.dictionary().is_none();
        if is_lost { decode_but_document(bytes) } else { self.decode(bytes) }
    }

    fn dictionary(&self) -> Option<Arc<Dictionary>> {
        let read = |identity| dictionaries::read(self.tx, self.number, identity).ok();
        self.dictionary.get_or_init(|| self.entry.dictionary.and_then(read)).clone()
    }

    fn check_counters(&self, findings: &mut Findings) {
        let CatalogEntry { next_ordinal, records, .. } = self.entry;
        let beyond = self.dead.max().is_some_and(|last| last >= next_ordinal);
        if beyond {
            findings.add(self.place("deleted rows"), format!("they go past the last row, {next_ordinal}"), true);
        }
        if next_ordinal.checked_sub(self.dead.len()) != Some(records) && !beyond {
            let (given, dead) = (next_ordinal, self.dead.len());
            let what = format!("{records} records are counted, but of {given} rows {dead} are deleted");
            findings.add(self.place("counters"), what, true);
        }
        if self.entry.sealed.sealed_until > next_ordinal {
            findings.add(self.place("counters"), "more rows are sealed than were given", true);
        }
        if next_ordinal > 0 && self.entry.info.dimension.is_none() {
            findings.add(self.place("settings"), "there are rows but no dimension", false);
        }
    }
}
