//! What a view finds by metadata: the records that hold a term, the keys there are, and the weights of terms.
//!
//! Invariant: what only a newer file has, of an older one is empty and no damage.

use redb::ReadOnlyTable;
use roaring::RoaringTreemap;

use super::View;
use crate::error::{Error, Result};
use crate::record::Ordinal;
use crate::store::posting::{self, Term, TermKind};
use crate::store::{table, terms};

impl View {
    /// Opens the table of terms and weights; `None` where no version with this table has written to the file yet.
    fn terms(&self) -> Result<Option<ReadOnlyTable<&'static [u8], &'static [u8]>>> {
        match self.tx.open_table(table::TERMS) {
            Ok(table) => Ok(Some(table)),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the records whose metadata key holds a term.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub(crate) fn holding(&self, key: &str, term: &Term) -> Result<RoaringTreemap> {
        self.named(|| posting::equal(&self.tx.open_table(table::POSTINGS)?, self.number, key, term, self.end()))
    }

    /// Returns the records whose metadata key holds a term between two; the flags include the bounds.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub(crate) fn holding_between(&self, key: &str, from: (&Term, bool), to: (&Term, bool)) -> Result<RoaringTreemap> {
        self.named(|| posting::between(&self.tx.open_table(table::POSTINGS)?, self.number, key, from, to))
    }

    /// Returns the records that have a metadata key; one with a sparse vector without weights has not.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub(crate) fn with_key(&self, key: &str) -> Result<RoaringTreemap> {
        self.named(|| {
            let mut found = posting::with_key(&self.tx.open_table(table::POSTINGS)?, self.number, key)?;
            if let Some(table) = self.terms()? {
                terms::add_with_key(&table, self.number, key, &mut found)?;
            }
            Ok(found)
        })
    }

    /// Visits the terms of a metadata key's strings that begin with `start`, in order, with the records that hold each;
    /// of those longer than a term, all whose beginning fits.
    ///
    /// # Errors
    /// [`Error::Damaged`], or what `visit` answers.
    pub(crate) fn for_each_text(
        &self,
        key: &str,
        start: &str,
        visit: impl FnMut(&str, &Term, RoaringTreemap) -> Result<()>,
    ) -> Result<()> {
        self.named(|| posting::each_text(&self.tx.open_table(table::POSTINGS)?, self.number, (key, start), visit))
    }

    /// Visits every term of a metadata key, or of every key, with the records that hold it; terms of a key in order.
    ///
    /// # Errors
    /// [`Error::Damaged`], or what `visit` answers.
    pub(crate) fn for_each_term(
        &self,
        key: Option<&str>,
        visit: impl FnMut(&str, &Term, RoaringTreemap) -> Result<()>,
    ) -> Result<()> {
        self.named(|| posting::each(&self.tx.open_table(table::POSTINGS)?, self.number, key, visit))
    }

    /// Returns the metadata keys that records have, in order.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn metadata_keys(&self) -> Result<Vec<String>> {
        self.named(|| {
            let mut keys = posting::metadata_keys(&self.tx.open_table(table::POSTINGS)?, self.number)?;
            if let Some(table) = self.terms()? {
                keys.extend(terms::metadata_keys(&table, self.number)?);
            }
            keys.sort_unstable();
            keys.dedup();
            Ok(keys)
        })
    }

    /// Returns the metadata keys that records have, sparse vectors apart, with the kinds of values of each.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn key_kinds(&self) -> Result<Vec<(String, Vec<TermKind>)>> {
        if let Some(visible) = &self.visible {
            return self.kinds_among(visible);
        }
        self.named(|| posting::key_kinds(&self.tx.open_table(table::POSTINGS)?, self.number))
    }

    fn kinds_among(&self, records: &RoaringTreemap) -> Result<Vec<(String, Vec<TermKind>)>> {
        let mut found: Vec<(String, Vec<TermKind>)> = Vec::new();
        self.for_each_term(None, |key, term, holding| {
            if holding.is_disjoint(records) {
                return Ok(());
            }
            let kind = term.kind().ok_or_else(|| Error::damaged("a posting of an unknown kind"))?;
            match found.last_mut().filter(|(last, _)| last == key) {
                Some((_, kinds)) if kinds.contains(&kind) => {}
                Some((_, kinds)) => kinds.push(kind),
                None => found.push((key.to_owned(), vec![kind])),
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns whether a record has a metadata key.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn has_metadata_key(&self, key: &str) -> Result<bool> {
        self.named(|| {
            if posting::has_key(&self.tx.open_table(table::POSTINGS)?, self.number, key)? {
                return Ok(true);
            }
            self.terms()?.map_or(Ok(false), |table| terms::has_key(&table, self.number, key))
        })
    }

    /// Visits the records that hold a term, in order, and its weight in each.
    ///
    /// `field` is [`super::DOCUMENT`] or the metadata key of a sparse vector.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub(crate) fn for_each_weight(&self, field: &str, term: u32, mut visit: impl FnMut(Ordinal, f32)) -> Result<()> {
        let visit = |ordinal: Ordinal, weight| {
            if self.shows(ordinal.0) {
                visit(ordinal, weight);
            }
        };
        self.named(|| {
            self.terms()?.map_or(Ok(()), |table| terms::for_each_weight(&table, self.number, field, term, visit))
        })
    }
}
