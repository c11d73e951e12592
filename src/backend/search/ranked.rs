//! What a place found, ranked by the distance that a file gives.
//!
//! Invariant: a list ascends by distance, ties by insertion, and has no more records than are wanted.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::{Among, Found, Searcher};
use crate::error::Result;
use crate::index::Measure;
use crate::query::{Answer, RecordQuery};
use crate::record::{Record, RecordId};
use crate::store::Include;

/// A record and its distance to a question.
#[derive(Debug, Clone)]
pub(super) struct Near {
    pub(super) record: Record,
    pub(super) order: Option<u64>,
    pub(super) distance: f64,
}

/// Returns the `wanted` nearest records of each question, with their embeddings and what else is to be read.
pub(super) fn nearest(
    place: &dyn Searcher,
    questions: &[&[f32]],
    among: &Among,
    wanted: usize,
    exact: bool,
    include: Include,
    answer: &mut Answer,
) -> Result<Vec<Vec<Near>>> {
    if wanted == 0 || place.records() == 0 {
        return Ok(vec![Vec::new(); questions.len()]);
    }
    let include = Include { embeddings: true, ..include };
    let start = Instant::now();
    let found = place.nearest(questions, &among.query, wanted.saturating_add(among.but.len()), exact, include)?;
    answer.timing.candidates += start.elapsed();
    let start = Instant::now();
    let mut lists = Vec::with_capacity(questions.len());
    for (question, found) in questions.iter().zip(found) {
        answer.ranked += found.len() as u64;
        let mut list = measured(place, question, found, &among.but);
        list.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        if list.array_windows().any(|[a, b]| a.distance.total_cmp(&b.distance).is_eq()) {
            in_order(place, &mut list)?;
            list.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        }
        list.truncate(wanted);
        lists.push(list);
    }
    answer.timing.rank += start.elapsed();
    Ok(lists)
}

/// Returns the distance of an embedding.
pub(super) fn distance(measure: &Measure, record: &Record) -> f64 {
    let embedding = record.embedding.as_deref().unwrap_or_default();
    let bytes: Vec<u8> = embedding.iter().flat_map(|x| x.to_le_bytes()).collect();
    measure.distance(&bytes)
}

fn measured(place: &dyn Searcher, question: &[f32], found: Vec<Found>, but: &HashSet<RecordId>) -> Vec<Near> {
    let measure = Measure::new(place.info().space, question);
    let wanted = found.into_iter().filter(|found| !but.contains(&found.record.id));
    wanted.map(|Found { record, order }| Near { distance: distance(&measure, &record), record, order }).collect()
}

/// Puts records in the order they were inserted in, which the place is asked for where it did not say.
pub(super) fn in_order(place: &dyn Searcher, list: &mut [Near]) -> Result<()> {
    if list.iter().all(|near| near.order.is_some()) {
        list.sort_by_key(|near| near.order);
        return Ok(());
    }
    let ids = list.iter().map(|near| near.record.id.clone()).collect();
    let page = place.find(&RecordQuery { ids: Some(ids), ..RecordQuery::default() }, Include::NONE)?;
    let order = page.ids().zip(0..).map(|(id, at)| Ok((id?, at))).collect::<Result<HashMap<RecordId, u64>>>()?;
    list.sort_by_key(|near| order.get(&near.record.id).copied());
    Ok(())
}
