//! The inverted index against the records: each is listed under every term it holds, with its weight, and under no other.
//!
//! Records are taken a batch at a time, so memory is bounded. Invariant: that all weights are found, and that there are
//! as many as were looked for, tells that there are no others.

use std::collections::{BTreeMap, HashMap};

use redb::{ReadOnlyTable, TableError};

use super::finding::{Findings, MOST_FINDINGS};
use super::subject::Subject;
use crate::error::{Error, Result};
use crate::record::Ordinal;
use crate::store::table::{self, PairKey, pair_ordinal};
use crate::store::terms::{self, BLOCK_RECORDS};

type Terms = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// By term, the records that hold it and its weight in each.
type ExpectedTerms = HashMap<Vec<u8>, Vec<(Ordinal, f32)>>;

/// Records whose terms are looked up together: some 50 MB.
const RECORDS_AT_ONCE: u64 = 10_000;

impl Subject<'_> {
    pub(super) fn check_terms(&self, findings: &mut Findings) -> Result<()> {
        let terms = match self.tx.open_table(table::TERMS) {
            // No version with this table has written to the file yet.
            Err(TableError::TableDoesNotExist(_)) => None,
            terms => Some(terms?),
        };
        let (mut expected, mut records, mut weights) = (ExpectedTerms::new(), 0, 0);
        let (first, last) = (self.number.pair(0), self.number.pair(u64::MAX));
        for row in self.tx.open_table(table::RECORDS)?.range::<&PairKey>(&first..=&last)? {
            let (key, value) = row?;
            // One that does not decode is a finding among the records.
            let Ok(stored) = self.decode(value.value()) else { continue };
            for (term, weight) in terms::weights(self.number, &stored, self.entry.words_indexed()) {
                expected.entry(term).or_default().push((pair_ordinal(key.value()), weight));
                weights += 1;
            }
            records += 1;
            if records % RECORDS_AT_ONCE == 0 {
                self.find_weights(terms.as_ref(), std::mem::take(&mut expected), findings)?;
            }
        }
        self.find_weights(terms.as_ref(), expected, findings)?;
        let Some(terms) = terms else { return Ok(()) };
        if self.check_blocks(&terms, findings)? == weights {
            Ok(())
        } else {
            self.find_strange_weights(&terms, findings)
        }
    }

    fn terms_place(&self, key: &[u8]) -> String {
        match terms::field_of(key) {
            None => self.place("index of words"),
            Some(field) => self.place(&format!("index of sparse vectors {field:?}")),
        }
    }

    /// Looks for records that are missing from a term, or have another weight there.
    fn find_weights(&self, terms: Option<&Terms>, expected: ExpectedTerms, findings: &mut Findings) -> Result<()> {
        let mut expected: Vec<_> = expected.into_iter().collect();
        expected.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (term, records) in expected {
            let mut held = BTreeMap::new();
            if let (Some(terms), Some((first, _)), Some((last, _))) = (terms, records.first(), records.last()) {
                let read = terms::for_each_weight_near(terms, &term, *first, *last, |ordinal, weight| {
                    held.insert(ordinal, weight.to_bits());
                });
                // What cannot be read is a finding among the blocks.
                if !matches!(read, Ok(()) | Err(Error::Damaged { .. })) {
                    return read;
                }
            }
            let wrong = |(ordinal, weight): &&(Ordinal, f32)| held.get(ordinal) != Some(&weight.to_bits());
            if let Some((first, _)) = records.iter().find(wrong) {
                let count = records.iter().filter(wrong).count();
                let what =
                    format!("a term lacks {count} of its records, or their weights; the first is row {}", first.0);
                findings.add(self.terms_place(&term), what, true);
            }
        }
        Ok(())
    }

    /// Checks every block by itself; returns how many weights there are.
    fn check_blocks(&self, terms: &Terms, findings: &mut Findings) -> Result<u64> {
        let (from, to) = self.number.prefix();
        let mut weights = 0;
        // The term of the block before, and its last record.
        let mut before: (Vec<u8>, Option<Ordinal>) = (Vec::new(), None);
        for block in terms.range(from.as_slice()..to.as_slice())? {
            let (key, bytes) = block?;
            let place = || self.terms_place(key.value());
            let Some((term, first)) = terms::split_block_key(key.value()) else {
                findings.add(place(), "a key of it is too short", true);
                continue;
            };
            if before.0 != term {
                before = (term.to_vec(), None);
            }
            let (mut records, mut ascend) = (0, true);
            let read = terms::visit_block(first, bytes.value(), |ordinal, _| {
                ascend &= before.1.is_none_or(|before| before < ordinal);
                before.1 = Some(ordinal);
                records += 1;
            });
            weights += records as u64;
            let is_read = findings.take(place(), true, read)?.is_some();
            if is_read && (!ascend || records == 0 || records > BLOCK_RECORDS) {
                findings.add(place(), format!("the block of row {first} is out of order, empty or too long"), true);
            }
        }
        Ok(weights)
    }

    /// Checks that every record of every block holds the term.
    fn find_strange_weights(&self, terms: &Terms, findings: &mut Findings) -> Result<()> {
        let records = self.tx.open_table(table::RECORDS)?;
        let (from, to) = self.number.prefix();
        for block in terms.range(from.as_slice()..to.as_slice())? {
            let (key, bytes) = block?;
            let Some((term, first)) = terms::split_block_key(key.value()) else { continue };
            let mut ordinals = Vec::new();
            // Damage was found before.
            let _ = terms::visit_block(first, bytes.value(), |ordinal, _| ordinals.push(ordinal));
            for ordinal in ordinals {
                let holds = match records.get(&self.number.pair(ordinal.0))? {
                    // What an unreadable record holds is not known.
                    Some(record) => self.decode(record.value()).map_or(true, |stored| {
                        let held = terms::weights(self.number, &stored, self.entry.words_indexed());
                        held.iter().any(|(held, _)| held == term)
                    }),
                    None => false,
                };
                if !holds {
                    let what = format!("it names row {}, which does not hold the term", ordinal.0);
                    findings.add(self.terms_place(key.value()), what, true);
                }
            }
            if findings.0.len() >= MOST_FINDINGS {
                break;
            }
        }
        Ok(())
    }
}
