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
pub(crate) fn best_by_terms(
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

/// Returns whether any record holds a term of a question.
///
/// # Errors
/// [`crate::error::Error::Damaged`] or [`crate::error::Error::Io`].
pub(crate) fn holds_any(view: &View, field: &str, question: &SparseVector) -> Result<bool> {
    for (term, _) in question.iter() {
        let mut holds = false;
        view.for_each_weight(field, term, |_, _| holds = true)?;
        if holds {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The weight of a term by the documents that hold it: `ln(1 + (n - df + 0.5) / (df + 0.5))` (Robertson and Zaragoza,
/// 2009, in the form that is never negative).
#[expect(clippy::cast_precision_loss, reason = "counts of records are below 2^52")]
pub(crate) fn rarity(records: u64, holding: usize) -> f64 {
    let (records, holding) = (records as f64, holding as f64);
    ((records - holding + 0.5).max(0.0) / (holding + 0.5)).ln_1p()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::bm25::bm25;
    use crate::record::random::Random;
    use crate::record::{CollectionName, MetadataPatch, RecordId, Value};
    use crate::store::{Access, Change, Collection, Effect, Mode, NewCollection, Store};

    const WORDS: [&str; 9] = ["fox", "whale", "frog", "tax", "income", "running", "jumps", "quick", "rare"];

    /// What a record is to hold: its text and its vector.
    type HeldTerms = (Option<String>, Option<SparseVector>);

    fn text(random: &mut Random) -> String {
        let count = random.below(6);
        (0..count).map(|_| *random.pick(&WORDS)).collect::<Vec<_>>().join(" ")
    }

    fn vector(random: &mut Random) -> SparseVector {
        let indices: Vec<u32> = (0..8).filter(|_| random.below(2) == 0).collect();
        let values = random.floats(indices.len());
        SparseVector::new(indices, values, None).unwrap()
    }

    fn change(id: &RecordId, (document, vector): &HeldTerms, null: bool) -> Change {
        let mut metadata = MetadataPatch::default();
        if vector.is_some() || null {
            metadata.insert("terms", vector.clone().map(Value::Sparse)).unwrap();
        }
        let embedding = Some(vec![1.0]);
        Change { id: id.clone(), embedding, embedded_here: false, document: document.clone(), uri: None, metadata }
    }

    /// Compares every record's score with a plain computation over what the records are to hold.
    fn check(collection: &Collection, model: &BTreeMap<RecordId, HeldTerms>, random: &mut Random) {
        let view = collection.view().unwrap();
        for field in [DOCUMENT, "terms"] {
            let held: Vec<(Ordinal, SparseVector)> = model
                .iter()
                .filter_map(|(id, (document, vector))| {
                    let vector = if field == DOCUMENT { document.as_deref().map(bm25) } else { vector.clone() }?;
                    Some((view.ordinal(id).unwrap().unwrap(), vector))
                })
                .collect();
            let question = if field == DOCUMENT { bm25(&text(random)) } else { vector(random) };
            let chosen: RoaringTreemap = (0..view.end().0).filter(|_| random.below(2) == 0).collect();
            let chosen = (random.below(2) == 0).then_some(&chosen);
            let weight =
                |vector: &SparseVector, term| vector.iter().find(|(t, _)| *t == term).map(|(_, weight)| weight);
            let mut expected = Vec::new();
            for (ordinal, vector) in held.iter().filter(|(o, _)| chosen.is_none_or(|chosen| chosen.contains(o.0))) {
                let mut score = None;
                for (term, asked) in question.iter() {
                    let n = held.iter().filter(|(_, vector)| weight(vector, term).is_some()).count() as f64;
                    let rare = (1.0 + (model.len() as f64 - n + 0.5) / (n + 0.5)).ln();
                    let rare = if field == DOCUMENT { rare } else { 1.0 };
                    if let Some(weight) = weight(vector, term) {
                        score = Some(score.unwrap_or(0.0) + f64::from(asked) * f64::from(weight) * rare);
                    }
                }
                expected.extend(score.map(|score| (*ordinal, score)));
            }
            let mut found = best_by_terms(&view, field, &question, chosen, usize::MAX).unwrap();
            assert!(found.is_sorted_by(|a, b| a.1 > b.1 || (a.1 >= b.1 && a.0 < b.0)), "{found:?}");
            found.sort_unstable_by_key(|(ordinal, _)| *ordinal);
            expected.sort_unstable_by_key(|(ordinal, _)| *ordinal);
            assert_eq!(found.len(), expected.len(), "{field}");
            for (found, expected) in found.iter().zip(&expected) {
                assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-9, "{field} {found:?} {expected:?}");
            }
        }
    }

    #[test]
    fn random_changes_leave_the_scores_of_a_plain_computation() {
        let mut random = Random::new();
        let folder = tempfile::TempDir::new().unwrap();
        let store = Store::open(folder.path().join("test.redb"), Access::Create).unwrap();
        let new = NewCollection { bm25: random.below(2) == 0, ..NewCollection::default() };
        store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
        let collection = store.collection("notes").unwrap();
        let mut model: BTreeMap<RecordId, HeldTerms> = BTreeMap::new();
        let id = |random: &mut Random| RecordId::parse(random.below(2500).to_string()).unwrap();
        for round in 0..12 {
            let mut changes = Vec::new();
            // The first rounds are long enough for terms of several blocks.
            for _ in 0..if round < 3 { 900 } else { 60 } {
                let id = id(&mut random);
                let document = (random.below(5) > 0).then(|| text(&mut random));
                let held = (document, (random.below(3) > 0).then(|| vector(&mut random)));
                let null = random.below(2) == 0;
                changes.push(change(&id, &held, null));
                let old = model.entry(id).or_default();
                old.0 = held.0.or(old.0.take());
                old.1 = if null { held.1 } else { held.1.or(old.1.take()) };
            }
            let effects = collection.apply(changes, Mode::Upsert).unwrap();
            assert!(!effects.contains(&Effect::NeedsEmbedding));
            let gone: Vec<RecordId> = (0..random.below(200)).map(|_| id(&mut random)).collect();
            collection.delete(&gone).unwrap();
            for id in &gone {
                model.remove(id);
            }
            if round % 4 == 3 {
                collection.index_documents(false).unwrap();
            }
            collection.index_documents(true).unwrap();
            check(&collection, &model, &mut random);
        }
        // A collection that is emptied leaves no term behind.
        let all: Vec<RecordId> = model.keys().cloned().collect();
        collection.delete(&all).unwrap();
        let view = collection.view().unwrap();
        for word in WORDS {
            assert_eq!(best_by_terms(&view, DOCUMENT, &bm25(word), None, 9).unwrap(), []);
        }
    }
}
