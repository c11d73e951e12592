//! Checks a file and lists its damage, one finding at a time.
//!
//! A quick check compares counters and checksums; a deep one computes everything derived again and compares. Neither
//! changes a record. Invariant: damage to one thing does not hide damage to another: each part is checked by itself,
//! and what cannot be read is a [`Finding`], not an error.

mod catalogue;
mod graph;
mod pages;
mod postings;
mod records;
mod rows;
mod sketches;
mod terms;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::ReadTransaction;
use roaring::RoaringTreemap;

use super::catalog::{CatalogEntry, NextEmbeddings};
use super::table::{self, CollectionNumber};
use super::write::read_set;
use super::{Store, crypt};
use crate::error::{Error, Result};

/// The most findings that are listed: enough to see what happened, few enough to read.
pub const MOST_FINDINGS: usize = 100;

/// How much of the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The catalogue, counters, and every checksum: all pages are read.
    Quick,
    /// Every record too, and all that is derived from them is computed again.
    Deep,
}

/// One thing in the file that is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which part of the file, as in `notes: segment of row 5440`.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
    /// Whether it can be computed again from what is stored beside it; else something was lost.
    pub derived: bool,
}

/// Gathers findings until there are [`MOST_FINDINGS`].
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, place: impl Into<String>, what: impl Into<String>, derived: bool) {
        if self.0.len() < MOST_FINDINGS {
            self.0.push(Finding { place: place.into(), what: what.into(), derived });
        }
    }

    /// Checks one part; what cuts the check short is a finding.
    ///
    /// redb trusts the bytes of a damaged page and panics: that, too, ends only the part.
    fn check(
        &mut self,
        place: impl Into<String>,
        derived: bool,
        part: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        // Findings are only ever added to, so a panic leaves them whole.
        let checked = catch_unwind(AssertUnwindSafe(|| part(self)));
        let checked = checked.unwrap_or_else(|_| Err(Error::damaged("a page of it cannot be read")));
        self.take(place, derived, checked).map(drop)
    }

    /// Takes damage as a finding; any other error stays one.
    fn take<T>(&mut self, place: impl Into<String>, derived: bool, checked: Result<T>) -> Result<Option<T>> {
        match checked {
            Ok(value) => Ok(Some(value)),
            Err(Error::Damaged { what, .. }) => {
                self.add(place, what, derived);
                Ok(None)
            }
            // redb reads nothing more after a page that pointed outside the file.
            Err(error) if error.is_consequence() && !self.0.is_empty() => {
                self.add(place, "it cannot be checked after the damage found before", derived);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

/// A collection that is checked.
struct Subject<'a> {
    tx: &'a ReadTransaction,
    name: String,
    number: CollectionNumber,
    /// The number its embeddings and their rows are stored under.
    rows_number: CollectionNumber,
    entry: CatalogEntry,
    dead: RoaringTreemap,
    depth: Depth,
}

impl Subject<'_> {
    fn place(&self, part: &str) -> String {
        format!("{}: {part}", self.name)
    }

    fn live(&self) -> RoaringTreemap {
        let mut all = RoaringTreemap::new();
        all.insert_range(0..self.entry.next_ordinal);
        all - &self.dead
    }

    fn check(&self, findings: &mut Findings) -> Result<()> {
        self.check_counters(findings);
        findings.check(self.place("quantised rows"), true, |findings| self.check_rows(findings))?;
        findings.check(self.place("graph"), true, |findings| self.check_graph(findings))?;
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

impl Store {
    /// Looks for damage in the whole file or, beside its catalogue, in one collection; a sound file gives no findings.
    ///
    /// Nothing is written, so a file open for reading will do, and others may read and write meanwhile. At most
    /// [`MOST_FINDINGS`] are returned.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`], [`Error::Busy`] or [`Error::Io`]; damage is no error here.
    pub fn check(&self, collection: Option<&str>, depth: Depth) -> Result<Vec<Finding>> {
        let mut findings = Findings::default();
        self.check_header(&mut findings)?;
        // Damage to a page is reported by the walk over the pages; it must not end what follows here.
        self.handle()
            .pages
            .trusting(|| findings.check("file", false, |findings| self.check_tables(collection, depth, findings)))?;
        Ok(findings.0)
    }

    fn check_tables(&self, collection: Option<&str>, depth: Depth, findings: &mut Findings) -> Result<()> {
        self.read(|tx| {
            // The transaction keeps others from using the pages for something else.
            self.check_pages(findings)?;
            let catalogue = catalogue::check(&tx, findings)?;
            let asked = match collection {
                None => catalogue.collections,
                Some(name) => {
                    let number = catalogue.number(self.scope(), name)?;
                    catalogue.collections.into_iter().filter(|named| named.number == number).collect()
                }
            };
            for named in asked {
                let Some(entry) = named.entry else { continue };
                let place = format!("{}: deleted rows", named.name);
                let dead = read_set(&tx.open_table(table::DEAD)?, named.number, "the set");
                let Some(dead) = findings.take(place, true, dead)? else { continue };
                let (name, number, rows_number) = (named.name, named.number, entry.rows_number(named.number));
                Subject { tx: &tx, name, number, rows_number, entry, dead, depth }.check(findings)?;
            }
            Ok(())
        })
    }

    /// Compares the two copies of the header of an encrypted file; `huedb rekey` writes both anew.
    fn check_header(&self, findings: &mut Findings) -> Result<()> {
        if self.handle().seal.is_some()
            && let Some(what) = File::open(self.path())
                .map_err(|e| Error::io(String::new(), e))
                .and_then(|file| crypt::finding(&file))?
        {
            findings.add("header of the encryption", what, true);
        }
        Ok(())
    }
}
