//! Is the file sound: what does not say what it must, named one by one.
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
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::ReadTransaction;
use roaring::RoaringTreemap;

use super::Store;
use super::catalog::Entry;
use super::table::{self, CollectionNumber};
use super::write::read_set;
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

/// One thing in the file that does not say what it must.
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

    /// Checks one part; what stops it short is a finding.
    ///
    /// Where the bytes of a page are damaged redb trusts them and panics: that too stops only the part.
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
            Err(other) => Err(other),
        }
    }
}

/// A collection that is checked.
struct Subject<'a> {
    tx: &'a ReadTransaction,
    name: String,
    number: CollectionNumber,
    entry: Entry,
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
        }
        Ok(())
    }

    fn check_counters(&self, findings: &mut Findings) {
        let Entry { next_ordinal, records, sealed_until, .. } = self.entry;
        let beyond = self.dead.max().is_some_and(|last| last >= next_ordinal);
        if beyond {
            findings.add(self.place("deleted rows"), format!("they go past the last row, {next_ordinal}"), true);
        }
        if next_ordinal.checked_sub(self.dead.len()) != Some(records) && !beyond {
            let (given, dead) = (next_ordinal, self.dead.len());
            let what = format!("{records} records are counted, but of {given} rows {dead} are deleted");
            findings.add(self.place("counters"), what, true);
        }
        if sealed_until > next_ordinal {
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
    /// Nothing is written, so a file open for reading will do, and others may read and write meanwhile. At the most
    /// [`MOST_FINDINGS`] are returned.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`], [`Error::Busy`] or [`Error::Io`]; damage is no error here.
    pub fn check(&self, collection: Option<&str>, depth: Depth) -> Result<Vec<Finding>> {
        let mut findings = Findings::default();
        // Damage to a page is told by the walk over the pages; here it must not end what follows.
        self.pages
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
                let (name, number) = (named.name, named.number);
                Subject { tx: &tx, name, number, entry, dead, depth }.check(findings)?;
            }
            Ok(())
        })
    }
}
