//! The earlier records near each of some records, by comparing all of them in tiles.
//!
//! Invariant: nothing that is near enough is missed.

use super::found::Earlier;
use crate::error::Result;
use crate::index::exact_distance::Measure;
use crate::index::meeting::{Around, Goal, Meeting};
use crate::index::ranked::Ranked;
use crate::index::row_filter::{Allowed, Tail};
use crate::index::work_sharing::share;
use crate::record::Ordinal;
use crate::store::{Embeddings, Segment, View, rows_per_segment};
use roaring::RoaringTreemap;

/// Returns what of `among` is at most `most` away from each question and earlier than it; questions ascend.
///
/// # Errors
/// [`crate::error::Error::Damaged`].
pub fn near_earlier(
    view: &View,
    questions: &[(Ordinal, Vec<f32>)],
    among: &RoaringTreemap,
    most: f32,
    threads: usize,
) -> Result<Vec<Earlier>> {
    let (Some((first, _)), Some((last, _))) = (questions.first(), questions.last()) else { return Ok(Vec::new()) };
    let (space, dimension) = (view.info().space, view.info().dimension.unwrap_or(1));
    let embeddings: Vec<&[f32]> = questions.iter().map(|(_, embedding)| embedding.as_slice()).collect();
    let asked: Vec<(Ordinal, Measure)> =
        questions.iter().map(|(ordinal, embedding)| (*ordinal, Measure::new(space, embedding))).collect();
    let finder = || SelfJoinFinder::new(view, &asked, among, *first, most);
    let meeting = || Meeting::new(embeddings.clone(), space);
    let end = view.sealed_until().0.min(last.0 + 1);
    let found = share(
        end,
        rows_per_segment(dimension) as u64,
        threads,
        |turns| {
            let (mut finder, mut meeting) = (finder(), meeting());
            for stretch in turns {
                view.for_each_segment(stretch, |bytes| {
                    let segment = Segment::parse(bytes)?;
                    meeting.prepare(Around::Centre(segment.centre()), || view.centre(segment.centre()))?;
                    meeting.meet(&segment, &mut finder)
                })?;
            }
            Ok(finder.found)
        },
        |found, other| found.iter_mut().zip(other).for_each(|(found, other)| found.merge(other)),
    )?;
    let mut finder = SelfJoinFinder { found, ..finder() };
    if let Some(tail) = Tail::coded(view, &Tail::rows(view, Allowed::Only(among)))? {
        let mut meeting = meeting();
        meeting.prepare(Around::Tail, || Ok(tail.centre.clone()))?;
        meeting.meet(&Segment::parse(&tail.segment)?, &mut finder)?;
    }
    Ok(finder.found)
}

/// One thread's search.
struct SelfJoinFinder<'f> {
    embeddings: Embeddings<'f>,
    asked: &'f [(Ordinal, Measure<'f>)],
    among: &'f RoaringTreemap,
    first: Ordinal,
    most: f32,
    found: Vec<Earlier>,
}

impl<'f> SelfJoinFinder<'f> {
    fn new(
        view: &'f View,
        asked: &'f [(Ordinal, Measure<'f>)],
        among: &'f RoaringTreemap,
        first: Ordinal,
        most: f32,
    ) -> Self {
        let found = vec![Earlier::default(); asked.len()];
        Self { embeddings: view.embeddings(), asked, among, first, most, found }
    }
}

impl Goal for SelfJoinFinder<'_> {
    fn keeps(&self, ordinal: Ordinal) -> bool {
        self.among.contains(ordinal.0)
    }

    fn limit(&self, _question: usize) -> f64 {
        // Distances are compared as they are shown, rounded to f32.
        f64::from(self.most.next_up())
    }

    #[expect(clippy::cast_possible_truncation, reason = "distances are compared as they are shown")]
    fn take(&mut self, near: &mut [(usize, Ordinal, f64)]) -> Result<()> {
        // Rows in their order, so that a block of embeddings is read once.
        near.sort_unstable_by_key(|(question, ordinal, _)| (*ordinal, *question));
        for (question, ordinal, _) in near {
            let Some((own, measure)) = self.asked.get(*question) else { continue };
            if *ordinal >= *own {
                continue;
            }
            let distance = measure.distance(self.embeddings.row(*ordinal)?);
            if distance as f32 <= self.most
                && let Some(found) = self.found.get_mut(*question)
            {
                found.add(Ranked { ordinal: *ordinal, distance }, *ordinal >= self.first);
            }
        }
        Ok(())
    }
}
