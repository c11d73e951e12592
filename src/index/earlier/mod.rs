//! For each of some records the earlier ones that are near it: what near-duplicates are found by.
//!
//! With many records nearly all are seen to be too far along a few axes ([`SeenRecords`]). Where a sample shows no such axes the
//! codes of all rows meet the codes of all questions in tiles. Either way what the bounds leave is measured by the
//! embeddings as given, at once, so that memory does not grow with the number of pairs. Invariant: nothing that is near
//! enough is missed.

mod axes;
mod fine;
mod kept;
mod places;
mod telling;

pub use kept::SeenRecords;

use roaring::RoaringTreemap;

use crate::error::Result;
use crate::index::measure::Measure;
use crate::index::meeting::{Around, Goal, Meeting};
use crate::index::ranked::Ranked;
use crate::index::rows::{Allowed, Tail};
use crate::index::turns::share;
use crate::record::Ordinal;
use crate::store::{Embeddings, Segment, View, rows_per_segment};

/// What is near one record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Earlier {
    /// The nearest record before the first question.
    pub before: Option<Ranked>,
    /// Those from there to the record itself.
    pub among: Vec<Ranked>,
}

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

impl Earlier {
    fn add(&mut self, near: Ranked, is_among: bool) {
        if is_among {
            self.among.push(near);
        } else if self.before.is_none_or(|before| is_nearer(&near, &before)) {
            self.before = Some(near);
        }
    }

    fn merge(&mut self, other: Self) {
        self.before = match (self.before, other.before) {
            (Some(a), Some(b)) => Some(if is_nearer(&b, &a) { b } else { a }),
            (a, b) => a.or(b),
        };
        self.among.extend(other.among);
    }
}

/// Returns whether the first is nearer, or as near and inserted before.
fn is_nearer(a: &Ranked, b: &Ranked) -> bool {
    a.distance.total_cmp(&b.distance).then(a.ordinal.cmp(&b.ordinal)).is_lt()
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
