//! Hits thinned out: only the best of each value, and none that is nearly the same as a better one.
//!
//! Knows nothing of how records are ranked. Invariant: a list has as many hits as were asked for, or every record that may
//! be in it: the ranking is looked through deeper until one of them is so.

use std::collections::HashSet;

use super::BestPer;
use super::answer::{FoundRecord, Thinned};
use super::request::{Ask, Query};
use crate::error::{Error, Result};
use crate::record::Ordinal;
use crate::store::View;

/// The cosine distance, from 0 to 2, within which a hit is a near-duplicate of a better one, in collections of every
/// space. Texts that say the same are mostly within it: copies are at 0, copies with another date or name at .01 to .04.
pub const NEAR_DUPLICATE: f32 = 0.05;
/// How many times as deep it is looked where that was not enough.
const DEEPER: usize = 4;

/// Refuses to thin out what nothing ranks, and what is grouped.
pub(crate) fn check_thinned(query: &Query) -> Result<()> {
    if !query.thins() {
        return Ok(());
    }
    if query.asks.contains(&Ask::All) {
        return Err(Error::argument("the best per value and unique hits need something that ranks the records"));
    }
    if query.group_by.is_some() {
        return Err(Error::argument("hits are either grouped, or the best per value or unique, not both"));
    }
    Ok(())
}

/// Returns the records that stay of a ranking, and what was left out; `ranking` returns so many of the best, or fewer where
/// there are no more.
pub(super) fn thinned(
    view: &View,
    query: &Query,
    mut ranking: impl FnMut(usize) -> Result<Vec<FoundRecord>>,
) -> Result<(Vec<FoundRecord>, Thinned)> {
    let wanted = query.top.saturating_add(query.offset);
    let mut depth = query.ranking_depth();
    loop {
        let found = ranking(depth)?;
        // An expression finds as many as it says, however deep it is looked.
        let is_all = found.len() != depth;
        let is_beyond = |last: &FoundRecord| query.max_distance.is_some_and(|most| last.distance > f64::from(most));
        let is_enough = is_all || found.last().is_some_and(is_beyond);
        let (mut sieve, mut kept) = (Sieve::of(view, query), Vec::new());
        for record in found {
            if kept.len() >= wanted {
                break;
            }
            if sieve.keeps(record.ordinal)? {
                kept.push(record);
            }
        }
        if kept.len() >= wanted || is_enough {
            return Ok((kept, sieve.thinned));
        }
        depth = depth.saturating_mul(DEEPER);
    }
}

/// What was kept, and so what is left out.
struct Sieve<'v> {
    view: &'v View,
    best_per: Option<&'v BestPer>,
    unique: bool,
    values: HashSet<String>,
    /// The embeddings that were kept, each of length 1.
    kept: Vec<Vec<f32>>,
    thinned: Thinned,
}

impl<'v> Sieve<'v> {
    fn of(view: &'v View, query: &'v Query) -> Self {
        let (best_per, unique) = (query.best_per.as_ref(), query.unique);
        Self { view, best_per, unique, values: HashSet::new(), kept: Vec::new(), thinned: Thinned::default() }
    }

    fn keeps(&mut self, ordinal: Ordinal) -> Result<bool> {
        self.thinned.looked_at += 1;
        let value = match self.best_per {
            Some(per) => per.value_of(&self.view.stored_but_document(ordinal)?),
            None => None,
        };
        if value.as_ref().is_some_and(|value| self.values.contains(value)) {
            self.thinned.same_value += 1;
            return Ok(false);
        }
        if self.unique {
            // Zeros are near nothing, as in a cosine space.
            let embedding = unit(&self.view.embedding(ordinal)?);
            if self.kept.iter().any(|kept| dot(kept, &embedding) >= 1.0 - NEAR_DUPLICATE) {
                self.thinned.near_duplicates += 1;
                return Ok(false);
            }
            self.kept.push(embedding);
        }
        self.values.extend(value);
        Ok(true)
    }
}

/// Returns a vector in its direction of length 1; zeros stay.
#[expect(clippy::cast_possible_truncation, reason = "no component of such a vector is larger than 1")]
pub(super) fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if length > 0.0 { vector.iter().map(|&x| (f64::from(x) / length) as f32).collect() } else { vector.to_vec() }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{ChromaRequest, Filter};
    use crate::record::random::Random;
    use crate::record::{CollectionName, NewRecord, Space};
    use crate::store::{Access, Collection, Mode, NewCollection, Store};
    use serde_json::json;

    /// Records on a circle, some at the same place, with a uri, a metadata key, or neither.
    fn world(random: &mut Random, records: u64) -> (tempfile::TempDir, Collection) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("n.redb"), Access::Create).unwrap();
        store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
        let notes = store.collection("notes").unwrap();
        let rows = (0..records).map(|n| {
            let angle = random.below(40) as f32 / 40.0;
            let length = 1.0 + random.below(3) as f32;
            let mut row = NewRecord::new(format!("r{n}")).unwrap();
            row.embedding = Some(vec![angle.cos() * length, angle.sin() * length]);
            if random.below(5) > 0 {
                row.uri = Some(format!("f{}", random.below(20)));
                row = row.with_metadata(json!({"n": random.below(3)})).unwrap();
            }
            row
        });
        notes.write_rows(rows.collect::<Vec<_>>(), Mode::Add).unwrap();
        (folder, notes)
    }

    fn ids(notes: &Collection, query: &Query) -> Vec<String> {
        let answer = notes.query(query).unwrap();
        answer.hits[0].iter().map(|hit| hit.record.id.to_string()).collect()
    }

    #[test]
    fn lists_are_as_long_as_they_can_be_and_hold_the_best() {
        let mut random = Random::new();
        for records in [0, 1, 30, 700] {
            let (_folder, notes) = world(&mut random, records);
            let all = notes.query(&Query::vector(vec![1.0, 0.1]).top(1000).include(crate::Include::ALL)).unwrap();
            for (best_per, unique) in [("uri", false), ("n", false), ("", true), ("uri", true), ("metadata.n", true)] {
                let mut kept: Vec<&crate::Hit> = Vec::new();
                for hit in &all.hits[0] {
                    let value = |hit: &crate::Hit| match best_per {
                        "" => None,
                        "uri" => hit.record.uri.clone(),
                        _ => hit.record.metadata.as_ref().map(|m| m.get("n").unwrap().to_string()),
                    };
                    let near = |kept: &&crate::Hit| {
                        let [a, b] = [kept, &hit].map(|hit| hit.record.embedding.as_ref().unwrap());
                        Space::Cosine.distance(a, b) <= f64::from(NEAR_DUPLICATE)
                    };
                    let is_alike = |kept: &&crate::Hit| value(hit).is_some() && value(kept) == value(hit);
                    if !kept.iter().any(|kept| is_alike(kept) || (unique && near(kept))) {
                        kept.push(hit);
                    }
                }
                let expected: Vec<String> = kept.iter().map(|hit| hit.record.id.to_string()).collect();
                for (offset, top) in [(0, 1), (0, 5), (3, 4), (0, 1000), (2, 1000)] {
                    let per = (!best_per.is_empty()).then(|| best_per.parse::<BestPer>().unwrap());
                    let query = Query::vector(vec![1.0, 0.1]).best_per(per).unique(unique).top(top).offset(offset);
                    let wanted: Vec<String> = expected.iter().skip(offset).take(top).cloned().collect();
                    assert_eq!(ids(&notes, &query), wanted, "{records} {best_per} {unique} {offset} {top}");
                    // However few it looks at first.
                    assert_eq!(ids(&notes, &query.depth(1)), wanted);
                }
            }
        }
    }

    #[test]
    fn a_filter_and_a_distance_hold_and_it_is_told_what_was_left_out() {
        let (_folder, notes) = world(&mut Random::new(), 300);
        let query = Query::vector(vec![1.0, 0.1]).best_per(BestPer::Key("n".into())).top(50);
        let answer = notes.query(&query.clone().filter(Filter::parse("n >= 1").unwrap())).unwrap();
        assert_eq!(answer.hits[0].len(), 2);
        let thinned = answer.thinned.unwrap();
        assert_eq!((thinned.looked_at - thinned.same_value, thinned.near_duplicates), (2, 0));
        let near = notes.query(&query.max_distance(0.001_f32)).unwrap();
        assert!(near.hits[0].iter().all(|hit| hit.distance <= 0.001));
        assert_eq!(notes.query(&Query::vector(vec![1.0, 0.1])).unwrap().thinned, None);
    }

    #[test]
    fn searches_of_the_server_are_thinned_too() {
        let (_folder, notes) = world(&mut Random::new(), 300);
        let ids = |fields: &str| {
            let rank = r#""rank": {"$knn": {"query": [1.0, 0.1], "limit": 300}}, "limit": 20"#;
            let request = ChromaRequest::parse(&format!(r#"{{"searches": [{{{rank}{fields}}}]}}"#)).unwrap();
            notes.view().unwrap().respond(&request).unwrap().0["ids"][0].clone()
        };
        let query = Query::vector(vec![1.0, 0.1]).top(20);
        for (fields, query) in [
            (r#", "best_per": "uri""#, query.clone().best_per(BestPer::Uri)),
            (r#", "unique": true"#, query.clone().unique(true)),
            (r#", "unique": false, "best_per": null"#, query),
        ] {
            assert_eq!(ids(fields), json!(self::ids(&notes, &query)), "{fields}");
        }
        for (search, why) in [
            (r#"{"unique": true}"#, "at searches[0]: \"best_per\" and \"unique\" need a rank"),
            (r#"{"rank": {"$val": 1}, "unique": 1}"#, "at searches[0].unique: expected true or false"),
            (r##"{"rank": {"$val": 1}, "best_per": "#x"}"##, "at searches[0].best_per: "),
        ] {
            let error = ChromaRequest::parse(&format!(r#"{{"searches": [{search}]}}"#)).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_thinned_is_refused() {
        let (_folder, notes) = world(&mut Random::new(), 3);
        let refused = |query: Query| notes.query(&query).unwrap_err().to_string();
        assert!(refused(Query::all().unique(true)).contains("ranks the records"));
        assert!("".parse::<BestPer>().is_err());
        assert_eq!("uri".parse::<BestPer>().unwrap(), BestPer::Uri);
        assert_eq!("metadata.uri".parse::<BestPer>().unwrap(), BestPer::Key("uri".into()));
    }
}
