//! The scan: every quantised row against every question, segment by segment.
//!
//! Finds candidates, not answers: of every allowed row it computes a bound, and keeps those whose bound is least. Threads
//! take segments in turn and reuse their buffers. Invariant: no allowed row that is let go lies nearer than what is said
//! of the rest ([`Candidates::beyond`]).

use super::candidates::Candidates;
use super::kernel::{RowNumbers, kernels};
use super::meeting::{Around, Goal, Meeting};
use super::resident::ResidentRows;
use super::row_filter::{Allowed, Tail};
use super::top_k::Nearest;
use super::work_sharing::gather;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::{Bounds, Segment, View, rows_per_segment};

/// Bounds computed before their minimum is checked: nearly always it is too large, and so are all.
const AT_ONCE: usize = 64;

/// A question, and the distance beyond which nothing counts for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoundedQuestion<'q> {
    pub(super) embedding: &'q [f32],
    pub(super) limit: f64,
}

/// Returns, for each question, the up to `depth` rows that may be nearest, of the segments that begin at an ordinal or later,
/// which may be in memory, and of a tail that is coded.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when a segment or its centre does not parse.
pub(super) fn scan(
    (view, resident, tail): (&View, Option<&ResidentRows>, Option<&Tail>),
    from: u64,
    asked: &[BoundedQuestion],
    allowed: Allowed,
    depth: usize,
    threads: usize,
) -> Result<Vec<Candidates>> {
    let step = rows_per_segment(view.info().dimension.unwrap_or(1)) as u64;
    let scanner = || CodeScanner::new(view, asked, allowed, depth);
    let found = gather(view.sealed_until().0.saturating_sub(from), step, threads, |turns| {
        let mut scanner = scanner();
        for turn in turns {
            let stretch = from + turn.start..from + turn.end;
            let visit = |bytes: &[u8]| {
                let segment = Segment::parse(bytes)?;
                scanner.meeting.prepare(Around::Centre(segment.centre()), || view.centre(segment.centre()))?;
                scanner.segment(&segment)
            };
            match resident {
                Some(resident) => resident.for_each_segment(stretch, visit)?,
                None => view.for_each_segment(stretch, visit)?,
            }
        }
        Ok(scanner.best.nearest)
    })?;
    let mut scanner = scanner();
    scanner.best.nearest = found;
    if let Some(tail) = tail {
        scanner.meeting.prepare(Around::Tail, || Ok(tail.centre.clone()))?;
        scanner.segment(&Segment::parse(&tail.segment)?)?;
    }
    for segment in resident.into_iter().flat_map(ResidentRows::tail) {
        let segment = segment.segment()?;
        let centre =
            || resident.map_or_else(|| view.centre(segment.centre()), |rows| rows.centre(segment.centre()).cloned());
        scanner.meeting.prepare(Around::Centre(segment.centre()), centre)?;
        scanner.segment(&segment)?;
    }
    let found = scanner.best.nearest.into_iter().zip(asked);
    Ok(found.map(|(nearest, asked)| Candidates::new(nearest, asked.limit)).collect())
}

/// One thread's buffers and what it has found.
struct CodeScanner<'a> {
    meeting: Meeting<'a>,
    best: LeastBounds<'a>,
    scores: Vec<i32>,
}

/// The rows of the least bounds.
pub(super) struct LeastBounds<'a> {
    pub(super) allowed: Allowed<'a>,
    pub(super) nearest: Vec<Nearest<f64>>,
}

impl Goal for LeastBounds<'_> {
    fn keeps(&self, ordinal: Ordinal) -> bool {
        self.allowed.contains(ordinal)
    }

    fn limit(&self, question: usize) -> f64 {
        self.nearest.get(question).map_or(f64::NEG_INFINITY, Nearest::threshold)
    }

    fn take(&mut self, found: &mut [(usize, Ordinal, f64)]) -> Result<()> {
        for (question, ordinal, bound) in found {
            if let Some(nearest) = self.nearest.get_mut(*question)
                && *bound <= nearest.threshold()
            {
                nearest.push(*bound, *ordinal);
            }
        }
        Ok(())
    }
}

impl<'a> CodeScanner<'a> {
    fn new(view: &View, asked: &'a [BoundedQuestion<'a>], allowed: Allowed<'a>, depth: usize) -> Self {
        let nearest = asked.iter().map(|asked| Nearest::up_to(depth, asked.limit)).collect();
        let embeddings = asked.iter().map(|asked| asked.embedding).collect();
        let meeting = Meeting::new(embeddings, view.info().space);
        Self { meeting, best: LeastBounds { allowed, nearest }, scores: Vec::new() }
    }

    fn segment(&mut self, segment: &Segment) -> Result<()> {
        if self.best.nearest.len() == 1 {
            self.one_question(segment);
            Ok(())
        } else {
            self.meeting.meet(segment, &mut self.best)
        }
    }

    /// Reads the rows at the speed of memory.
    fn one_question(&mut self, segment: &Segment) {
        let Self { meeting, best: LeastBounds { allowed, nearest }, scores } = self;
        let Some((prepared, bounds, slacks)) = meeting.read(segment) else { return };
        let (Some(nearest), Some(question)) = (nearest.first_mut(), prepared.questions.first()) else { return };
        scores.resize(segment.rows(), 0);
        kernels().dot_i8_rows(&question.codes, segment.codes(), scores);
        bounds.biases.iter_mut().zip(slacks).for_each(|(bias, slack)| *bias -= question.reach * *slack);
        let keeps = |ordinal| allowed.contains(ordinal);
        keep_least(scores, bounds, (question.scale, question.shared), nearest, keeps, |row| segment.ordinal(row));
    }
}

/// Turns products of rows into bounds and keeps the least; `bounds` has their factors and biases, slack taken off.
pub(super) fn keep_least(
    products: &[i32],
    bounds: &Bounds,
    (scale, shared): (f32, f64),
    nearest: &mut Nearest<f64>,
    keeps: impl Fn(Ordinal) -> bool,
    ordinal: impl Fn(usize) -> Ordinal,
) {
    let numbers = bounds.factors.chunks(AT_ONCE).zip(bounds.biases.chunks(AT_ONCE));
    for (part, (products, (factors, biases))) in products.chunks(AT_ONCE).zip(numbers).enumerate() {
        let mut found = [0.0; AT_ONCE];
        let numbers = RowNumbers { factors, biases, slacks: &[] };
        let least = kernels().distances(products, &numbers, scale, &mut found);
        if f64::from(least) + shared <= nearest.threshold() {
            for (bound, row) in found.iter().take(products.len()).zip(part * AT_ONCE..) {
                let (bound, ordinal) = (f64::from(*bound) + shared, ordinal(row));
                if bound <= nearest.threshold() && keeps(ordinal) {
                    nearest.push(bound, ordinal);
                }
            }
        }
    }
}
