//! The records nearest to a sparse vector: every block of its terms read, the products summed.
//!
//! Scores of documents count each term by how rare it is; those of stored vectors are the plain product, as in
//! Chroma. Invariant: a record is found when it holds a term of the question, and only then.

use std::collections::HashMap;

use roaring::RoaringTreemap;

use crate::error::Result;
use crate::record::{Ordinal, SparseVector};
use crate::store::{DOCUMENT, View};

/// Returns the records with the greatest product with a question, greatest first, ties by insertion.
///
/// `field` is [`DOCUMENT`] or the metadata key of a sparse vector; `chosen` limits the search to some records.
///
/// # Errors
/// [`crate::error::Error::Damaged`] or [`crate::error::Error::Io`].
pub fn best_by_terms(
    view: &View,
    field: &str,
    question: &SparseVector,
    chosen: Option<&RoaringTreemap>,
    limit: usize,
) -> Result<Vec<(Ordinal, f64)>> {
    let records = view.counts().records;
    let mut products: HashMap<u64, f64> = HashMap::new();
    for (term, asked) in question.iter() {
        let mut holding = Vec::new();
        view.for_each_weight(field, term, |ordinal, weight| holding.push((ordinal.0, weight)))?;
        let rarity = if field == DOCUMENT { rarity(records, holding.len()) } else { 1.0 };
        let asked = f64::from(asked) * rarity;
        for (ordinal, weight) in holding {
            if chosen.is_none_or(|chosen| chosen.contains(ordinal)) {
                *products.entry(ordinal).or_default() += asked * f64::from(weight);
            }
        }
    }
    let mut best: Vec<(Ordinal, f64)> =
        products.into_iter().map(|(ordinal, product)| (Ordinal(ordinal), product)).collect();
    best.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    best.truncate(limit);
    Ok(best)
}

/// The weight of a term by the documents that hold it: `ln(1 + (n - df + 0.5) / (df + 0.5))` (Robertson and Zaragoza,
/// 2009, in the form that is never negative).
#[expect(clippy::cast_precision_loss, reason = "counts of records are below 2^52")]
fn rarity(records: u64, holding: usize) -> f64 {
    let (records, holding) = (records as f64, holding as f64);
    ((records - holding + 0.5).max(0.0) / (holding + 0.5)).ln_1p()
}
