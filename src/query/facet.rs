//! Facts about metadata: which values a key has, how often, the smallest and the largest.
//!
//! Answered from the postings; records are read only for strings too long for a posting's key. Invariant: a value
//! of an array is told apart from a scalar, and `1` and `1.0` are one value, as in filters.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use super::select::{RecordQuery, choose};
use super::sort::{compare, kind_of, resolve};
use crate::error::Result;
use crate::record::Value;
use crate::store::{Collection, TermKind};

/// One value of a metadata key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facet {
    /// The value; of an array, one element.
    pub value: Value,
    /// What kind of value it is.
    pub kind: TermKind,
    /// The records that hold it.
    pub count: u64,
}

/// The values of one kind that a metadata key has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// The key.
    pub key: String,
    /// The kind.
    pub kind: TermKind,
    /// The records that have such a value.
    pub records: u64,
    /// How many different values there are.
    pub distinct: u64,
    /// The smallest of them.
    pub min: Value,
    /// The largest of them.
    pub max: Value,
}

impl Collection {
    /// Returns the values of a metadata key among the records of a query, with how many hold each, in the order of
    /// the values: truth values, numbers, strings, then elements of arrays.
    ///
    /// Offset, limit and sort of the query are not for values and do nothing.
    ///
    /// # Errors
    /// [`crate::error::Error::CollectionNotFound`], or a damaged file.
    pub fn distinct(&self, key: &str, among: &RecordQuery) -> Result<Vec<Facet>> {
        let view = self.view()?;
        let chosen = choose(&view, among.ids.as_deref(), among.filter.as_ref())?;
        let mut facets = Vec::new();
        view.for_each_term(Some(key), |_, term, records| {
            let records = within(records, chosen.as_ref());
            if !records.is_empty() {
                let (kind, value) = (kind_of(term)?, resolve(&view, key, term, &records)?);
                facets.push(Facet { value, kind, count: records.len() });
            }
            Ok(())
        })?;
        in_order_of_values(&mut facets);
        Ok(facets)
    }

    /// Returns the metadata keys that the records of a query have, by name, one entry for each kind of value.
    ///
    /// # Errors
    /// As [`Collection::distinct`].
    pub fn keys(&self, among: &RecordQuery) -> Result<Vec<KeyFacts>> {
        let view = self.view()?;
        let chosen = choose(&view, among.ids.as_deref(), among.filter.as_ref())?;
        let mut found: BTreeMap<(String, TermKind), (KeyFacts, RoaringTreemap)> = BTreeMap::new();
        view.for_each_term(None, |key, term, records| {
            let records = within(records, chosen.as_ref());
            if records.is_empty() {
                return Ok(());
            }
            let (kind, value) = (kind_of(term)?, resolve(&view, key, term, &records)?);
            let (facts, holders) = found.entry((key.to_owned(), kind)).or_insert_with(|| {
                let (key, min, max) = (key.to_owned(), value.clone(), value.clone());
                (KeyFacts { key, kind, records: 0, distinct: 0, min, max }, RoaringTreemap::new())
            });
            facts.distinct += 1;
            *holders |= records;
            if compare(&value, &facts.min).is_lt() {
                facts.min = value;
            } else if compare(&value, &facts.max).is_gt() {
                facts.max = value;
            }
            Ok(())
        })?;
        let counted = found.into_values().map(|(facts, holders)| KeyFacts { records: holders.len(), ..facts });
        Ok(counted.collect())
    }
}

/// Puts values in their order: truth values, numbers, strings, then elements of arrays.
pub(crate) fn in_order_of_values(facets: &mut [Facet]) {
    facets.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| compare(&a.value, &b.value)));
}

fn within(records: RoaringTreemap, chosen: Option<&RoaringTreemap>) -> RoaringTreemap {
    match chosen {
        Some(chosen) => records & chosen,
        None => records,
    }
}
