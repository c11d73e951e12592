//! One test of a filter, answered the cheapest way there is: from postings, from the table of ids, or record by record.
//!
//! Invariant: every way keeps exactly the records that [`Test::matches`] does; which one is taken is a matter of time alone.

use roaring::RoaringTreemap;

use super::filter::{Scalar, Side, Test, TextField, TextTest};
use super::sort::resolve;
use crate::error::Result;
use crate::record::{Number, Ordinal, RecordId, Value};
use crate::store::{Term, View};

/// A record is read in about the time in which this many entries of an index are passed.
const ENTRIES_PER_RECORD: u64 = 16;

/// What it takes to answer a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    /// A value's postings, or those of neighbouring values, are looked up.
    Lookup,
    /// All values of a key, or all ids, are passed.
    Walk,
    /// Records are read.
    Records,
}

pub(super) fn cost(test: &Test) -> Cost {
    match test {
        Test::In { .. } | Test::Contains { .. } | Test::Range { .. } | Test::Id { .. } => Cost::Lookup,
        Test::Text { field: TextField::Key(_) | TextField::Id, test } if test.as_prefix().is_some() => Cost::Lookup,
        Test::Exists { .. } | Test::Text { field: TextField::Key(_) | TextField::Id, .. } => Cost::Walk,
        Test::Uri { .. } | Test::Text { field: TextField::Uri | TextField::Document, .. } => Cost::Records,
    }
}

/// Returns those of `within` that pass.
pub(super) fn keep_test(view: &View, test: &Test, within: &RoaringTreemap) -> Result<RoaringTreemap> {
    let few = within.len().saturating_mul(ENTRIES_PER_RECORD) < view.counts().records;
    match cost(test) {
        Cost::Walk if few => by_record(view, test, within),
        Cost::Lookup | Cost::Walk => from_index(view, test, within),
        Cost::Records => by_record(view, test, within),
    }
}

fn by_record(view: &View, test: &Test, within: &RoaringTreemap) -> Result<RoaringTreemap> {
    let mut passed = RoaringTreemap::new();
    let reads_documents = matches!(test, Test::Text { field: TextField::Document, .. });
    for ordinal in within.iter().map(Ordinal) {
        let stored = if reads_documents { view.stored(ordinal)? } else { view.stored_but_document(ordinal)? };
        if test.matches((&stored).into()) {
            passed.insert(ordinal.0);
        }
    }
    Ok(passed)
}

fn from_index(view: &View, test: &Test, within: &RoaringTreemap) -> Result<RoaringTreemap> {
    let (found, negated) = match test {
        Test::In { key, values, negated } => (holding_any(view, key, values.iter().map(scalar_term))?, *negated),
        Test::Contains { key, element, negated } => (view.holding(key, &element_term(element))?, *negated),
        Test::Range { key, side, bound } => (on_side(view, key, *side, bound)?, false),
        Test::Exists { key, negated } => (view.with_key(key)?, *negated),
        Test::Id { ids, negated } => {
            let ids: Vec<RecordId> = ids.iter().filter_map(|id| RecordId::parse(id.as_str()).ok()).collect();
            (view.ordinals(&ids)?, *negated)
        }
        Test::Text { field: TextField::Key(key), test } => (holding_text(view, key, test)?, test.is_negated()),
        Test::Text { field: TextField::Id, test } => {
            let start = test.as_prefix().unwrap_or_default();
            (view.ordinals_where(start, |id| test.is_found_in(id))?, test.is_negated())
        }
        Test::Text { field: TextField::Uri | TextField::Document, .. } | Test::Uri { .. } => {
            return by_record(view, test, within);
        }
    };
    Ok(if negated { within - found } else { found & within })
}

fn holding_any(view: &View, key: &str, terms: impl Iterator<Item = Term>) -> Result<RoaringTreemap> {
    let mut found = RoaringTreemap::new();
    for term in terms {
        found |= view.holding(key, &term)?;
    }
    Ok(found)
}

/// Returns the records whose key holds what a text is tested for, whether the test is negated or not.
fn holding_text(view: &View, key: &str, test: &TextTest) -> Result<RoaringTreemap> {
    let found = strings_where(view, key, test.as_prefix().unwrap_or_default(), |text| test.is_found_in(text))?;
    Ok(match test.as_substring() {
        Some(element) => found | view.holding(key, &Term::text_element(element))?,
        None => found,
    })
}

/// Returns the records whose key holds a string that begins with `start` and for which `keeps` holds.
fn strings_where(view: &View, key: &str, start: &str, keeps: impl Fn(&str) -> bool) -> Result<RoaringTreemap> {
    let mut found = RoaringTreemap::new();
    view.for_each_text(key, start, |key, term, records| {
        if matches!(resolve(view, key, term, &records)?, Value::Str(text) if keeps(&text)) {
            found |= records;
        }
        Ok(())
    })?;
    Ok(found)
}

fn on_side(view: &View, key: &str, side: Side, bound: &Scalar) -> Result<RoaringTreemap> {
    let term = scalar_term(bound);
    let (first, last) = match bound {
        Scalar::Number(_) => Term::all_numbers(),
        Scalar::Bool(_) => return Ok(RoaringTreemap::new()),
        Scalar::Str(_) if term.value().is_some() => Term::all_texts(),
        // Terms of longer strings keep the order of their beginnings alone.
        Scalar::Str(bound) => return strings_where(view, key, "", |text| side.holds(text.cmp(bound))),
    };
    match side {
        Side::Above => view.holding_between(key, (&term, false), (&last, false)),
        Side::AtLeast => view.holding_between(key, (&term, true), (&last, false)),
        Side::Below => view.holding_between(key, (&first, true), (&term, false)),
        Side::AtMost => view.holding_between(key, (&first, true), (&term, true)),
    }
}

fn scalar_term(value: &Scalar) -> Term {
    match value {
        Scalar::Bool(b) => Term::bool(*b),
        Scalar::Number(n) => Term::number(*n),
        Scalar::Str(s) => Term::text(s),
    }
}

fn element_term(value: &Scalar) -> Term {
    match value {
        Scalar::Bool(b) => Term::bool_element(*b),
        Scalar::Number(Number::Int(i)) => Term::int_element(*i),
        Scalar::Number(Number::Float(f)) => Term::float_element(*f),
        Scalar::Str(s) => Term::text_element(s),
    }
}
