//! Questions that a file's own code answers, on a copy of the records that decide the answer.
//!
//! Invariant: a copy holds, in the order of insertion, every record that can be among the hits or has a part in their
//! scores.

use std::collections::HashMap;
use std::time::Instant;

use super::ranked::{Near, in_order, nearest};
use super::{Among, Searcher};
use crate::backend::LocalRecords;
use crate::error::Result;
use crate::query::rank::{EMBEDDING, KnnQuery};
use crate::query::{Answer, Ask, Query, Rank, RecordQuery, Thinned, vector_of};
use crate::record::{CollectionInfo, Hit, RecordId};
use crate::store::{DOCUMENT, Include, check_dimension, check_embedding};

/// How many times as many candidates are fetched where hits were too few.
const MORE: usize = 4;

/// Which records are copied.
enum Candidates<'q> {
    /// All there are: the rarity of words depends on each.
    All,
    /// All that ids and filter keep.
    Kept,
    /// The nearest to each of these vectors, so many of them.
    Nearest(Vec<(&'q [f32], usize)>),
}

/// Returns whether hits are ranked by more than their distance to a vector.
pub(super) fn is_scored(query: &Query) -> bool {
    query.hybrid || query.group_by.is_some() || query.thins()
}

/// Returns the hits of a question.
pub(super) fn answered_by_copy(
    place: &dyn Searcher,
    query: &Query,
    ask: &Ask,
    among: &Among,
    answer: &mut Answer,
) -> Result<Vec<Hit>> {
    let include = Include { metadatas: true, uris: true, embeddings: true, ..query.include };
    let everything = Include::ALL;
    let (hits, thinned) = match candidates(place.info(), query, ask) {
        Candidates::All => {
            let copy = LocalRecords::copy(place.info(), &place.find(&RecordQuery::default(), everything)?)?;
            by_copy(&copy, query, ask, &among.query, answer)?
        }
        Candidates::Kept => {
            let include = Include { documents: include.documents || query.hybrid, ..include };
            let copy = LocalRecords::copy(place.info(), &place.find(&among.query, include)?)?;
            by_copy(&copy, query, ask, &RecordQuery::default(), answer)?
        }
        Candidates::Nearest(mut legs) => loop {
            let (found, is_more) = union(place, query, &legs, among, include, answer)?;
            let copy = LocalRecords::copy_of(place.info(), found.into_iter().map(|near| Ok(near.record)))?;
            let (hits, thinned) = by_copy(&copy, query, ask, &RecordQuery::default(), answer)?;
            // An expression finds as many as it says, however many hits are left of them.
            let may_grow = query.thins() && vector_of(ask).is_some();
            if !(may_grow && is_more && hits.len() < query.top) {
                break (hits, thinned);
            }
            for (_, wanted) in &mut legs {
                *wanted = wanted.saturating_mul(MORE);
            }
        },
    };
    if let Some(thinned) = thinned {
        answer.thinned.get_or_insert_default().add(thinned);
    }
    Ok(hits)
}

fn candidates<'q>(info: &CollectionInfo, query: &Query, ask: &'q Ask) -> Candidates<'q> {
    if query.hybrid {
        // The terms of a sparse model count alike however rare they are.
        let is_weighed = info.sparse.is_some() && matches!(ask, Ask::Text { sparse: Some(_), .. });
        return if is_weighed { Candidates::Kept } else { Candidates::All };
    }
    if let Some(vector) = vector_of(ask) {
        return Candidates::Nearest(vec![(vector, query.ranking_depth())]);
    }
    match ask {
        Ask::Rank(rank) => candidates_of(rank),
        // Nothing ranks them.
        _ => Candidates::Kept,
    }
}

fn candidates_of(rank: &Rank) -> Candidates<'_> {
    let searches = rank.knns();
    let by_words = |query: &KnnQuery, key: &str| match query {
        KnnQuery::Words(_) => true,
        KnnQuery::Sparse(_) => key == DOCUMENT,
        KnnQuery::Dense(_) | KnnQuery::Text(_) => false,
    };
    if searches.iter().any(|knn| by_words(&knn.query, &knn.key)) {
        return Candidates::All;
    }
    if searches.iter().any(|knn| matches!(knn.query, KnnQuery::Sparse(_))) {
        return Candidates::Kept;
    }
    // What else is asked is an error, which the copy finds.
    let leg = searches.into_iter().filter_map(|knn| match &knn.query {
        KnnQuery::Dense(vector) if knn.key == EMBEDDING => Some((vector.as_slice(), knn.limit)),
        _ => None,
    });
    Candidates::Nearest(leg.collect())
}

/// Returns the nearest of all these vectors in the order of insertion, and whether there may be others that are hits.
fn union(
    place: &dyn Searcher,
    query: &Query,
    legs: &[(&[f32], usize)],
    among: &Among,
    include: Include,
    answer: &mut Answer,
) -> Result<(Vec<Near>, bool)> {
    let (mut found, mut is_more): (HashMap<RecordId, Near>, bool) = (HashMap::new(), false);
    let records = usize::try_from(place.records()).unwrap_or(usize::MAX);
    for (vector, wanted) in legs {
        check_embedding(vector)?;
        check_dimension(place.info(), vector)?;
        let wanted = (*wanted).min(records);
        let list = nearest(place, &[vector], among, wanted, query.exact, include, answer)?.pop().unwrap_or_default();
        let farthest = list.last().map(|near| near.distance);
        let is_beyond = farthest.zip(query.max_distance).is_some_and(|(farthest, most)| farthest > f64::from(most));
        is_more |= list.len() == wanted && wanted < records && !is_beyond;
        found.extend(list.into_iter().map(|near| (near.record.id.clone(), near)));
    }
    let mut found: Vec<Near> = found.into_values().collect();
    in_order(place, &mut found)?;
    Ok((found, is_more))
}

/// Has the copy answer; returns the hits, and what was left out because of better ones.
fn by_copy(
    copy: &LocalRecords,
    query: &Query,
    ask: &Ask,
    among: &RecordQuery,
    answer: &mut Answer,
) -> Result<(Vec<Hit>, Option<Thinned>)> {
    let mut here = query.clone();
    (here.asks, here.ids, here.filter) = (vec![ask.clone()], among.ids.clone(), among.filter.clone());
    here.way = None;
    let start = Instant::now();
    let mut answered = copy.collection.view()?.query(&here)?;
    answer.timing.rank += start.elapsed();
    answer.warnings.append(&mut answered.warnings);
    Ok((answered.hits.pop().unwrap_or_default(), answered.thinned))
}
