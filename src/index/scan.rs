//! The scan: every quantised row against every question, segment by segment.
//!
//! Finds candidates, not answers: codes are approximate, so the caller ranks what comes back by the embeddings as
//! given. Threads take segments in turn and reuse their buffers. Invariant: every allowed row is compared; what
//! is returned for a question are the `depth` rows whose approximate distance is smallest.

use roaring::RoaringTreemap;

use super::kernel::{Limits, Near, Numbers, Tile, kernels};
use super::nearest::Nearest;
use super::turns::gather;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::{Codes, Segment, View, rows_per_segment};

/// Rows met by many questions before their limits are drawn closer.
pub(super) const BLOCK_ROWS: usize = 256;

/// Distances computed before the least of them is looked at: nearly always it is too large, and so are all.
pub(super) const AT_ONCE: usize = 64;

/// Which rows may be found.
#[derive(Debug, Clone, Copy)]
pub enum Allowed<'a> {
    /// Every row but these.
    AllBut(&'a RoaringTreemap),
    /// Only these, all of them alive.
    Only(&'a RoaringTreemap),
}

impl Allowed<'_> {
    pub(super) fn contains(&self, ordinal: Ordinal) -> bool {
        match self {
            Self::AllBut(dead) => !dead.contains(ordinal.0),
            Self::Only(set) => set.contains(ordinal.0),
        }
    }
}

/// Returns, for each question, the `depth` rows that seem nearest, nearest first. Questions are quantised by
/// [`crate::store::quantise_query`].
///
/// # Errors
/// [`crate::error::Error::Damaged`] when a segment does not parse.
pub fn scan(
    view: &View,
    questions: &[Codes],
    allowed: Allowed,
    depth: usize,
    threads: usize,
) -> Result<Vec<Vec<Ordinal>>> {
    let dimension = view.info().dimension.unwrap_or(1);
    let step = rows_per_segment(dimension) as u64;
    let end = view.sealed_until().0;
    let mut found = gather(end, step, threads, |turns| {
        let mut scanner = Scanner::new(questions, dimension, allowed, depth);
        for stretch in turns {
            view.for_each_segment(stretch, |bytes| {
                scanner.segment(&Segment::parse(bytes)?);
                Ok(())
            })?;
        }
        Ok(scanner.nearest)
    })?;
    tail(view, questions, allowed, &mut found)?;
    let ordinals = |nearest: Nearest<f32>| nearest.into_sorted().into_iter().map(|(_, ordinal)| ordinal).collect();
    Ok(found.into_iter().map(ordinals).collect())
}

fn tail(view: &View, questions: &[Codes], allowed: Allowed, found: &mut [Nearest<f32>]) -> Result<()> {
    let kernels = kernels();
    view.for_each_tail_row(|ordinal, factor, bias, codes| {
        if allowed.contains(ordinal) {
            for (question, nearest) in questions.iter().zip(found.iter_mut()) {
                nearest
                    .push(approximate(bias, kernels.dot_i8(&question.codes, codes), factor * question.factor), ordinal);
            }
        }
        Ok(())
    })
}

/// The distance without what all rows share; see [`crate::store::quantise`].
#[expect(clippy::cast_precision_loss, reason = "codes are approximate by far more than 2^-24")]
fn approximate(bias: f32, dot: i32, factor: f32) -> f32 {
    bias - dot as f32 * factor
}

/// One thread's buffers and what it has found.
struct Scanner<'a> {
    questions: &'a [Codes],
    tile: Tile,
    allowed: Allowed<'a>,
    nearest: Vec<Nearest<f32>>,
    factors: Vec<f32>,
    biases: Vec<f32>,
    scores: Vec<i32>,
    near: Vec<Near>,
    /// The rows of a segment that may be found.
    rows: Vec<usize>,
    block: Gathered,
}

impl<'a> Scanner<'a> {
    fn new(questions: &'a [Codes], dimension: usize, allowed: Allowed<'a>, depth: usize) -> Self {
        let codes: Vec<i8> = questions.iter().flat_map(|question| question.codes.iter().copied()).collect();
        Self {
            questions,
            tile: Tile::new(&codes, dimension),
            allowed,
            nearest: questions.iter().map(|_| Nearest::new(depth)).collect(),
            factors: Vec::new(),
            biases: Vec::new(),
            scores: Vec::new(),
            near: Vec::new(),
            rows: Vec::new(),
            block: Gathered::default(),
        }
    }

    fn segment(&mut self, segment: &Segment) {
        self.factors.clear();
        self.factors.extend(segment.factors());
        self.biases.clear();
        self.biases.extend(segment.biases());
        if let [only] = self.questions {
            self.one_question(only, segment);
        } else {
            self.many_questions(segment);
        }
    }

    /// Reads the rows at the speed of memory.
    fn one_question(&mut self, question: &Codes, segment: &Segment) {
        let Some(nearest) = self.nearest.first_mut() else { return };
        self.scores.resize(segment.rows(), 0);
        kernels().dot_i8_rows(&question.codes, segment.codes(), &mut self.scores);
        let parts = self.scores.chunks(AT_ONCE).zip(self.factors.chunks(AT_ONCE)).zip(self.biases.chunks(AT_ONCE));
        for (part, ((scores, factors), biases)) in parts.enumerate() {
            let mut distances = [0.0; AT_ONCE];
            let least = kernels().distances(scores, &Numbers { factors, biases }, question.factor, &mut distances);
            if least <= nearest.threshold() {
                for (distance, row) in distances.iter().take(scores.len()).zip(part * AT_ONCE..) {
                    let ordinal = segment.ordinal(row);
                    if *distance <= nearest.threshold() && self.allowed.contains(ordinal) {
                        nearest.push(*distance, ordinal);
                    }
                }
            }
        }
    }

    /// Meets each row that may be found with every question while it is in a register.
    fn many_questions(&mut self, segment: &Segment) {
        self.rows.clear();
        self.rows.extend((0..segment.rows()).filter(|row| self.allowed.contains(segment.ordinal(*row))));
        for rows in self.rows.chunks(BLOCK_ROWS) {
            let block = self.block.gather(segment, rows, (&self.factors, &self.biases));
            let thresholds = self.nearest.iter().map(Nearest::threshold);
            let limits = Limits::new(self.questions.iter().map(|question| question.factor).zip(thresholds));
            self.near.clear();
            kernels().near_tile(&self.tile, block.codes, &block.numbers, &limits, &mut self.near);
            for near in &self.near {
                let row = rows.get(near.row);
                if let Some((nearest, row)) = self.nearest.get_mut(near.question).zip(row) {
                    nearest.push(near.distance, segment.ordinal(*row));
                }
            }
        }
    }
}

/// Rows brought together, so that only they are compared, and while they are in the cache.
#[derive(Default)]
pub(super) struct Gathered {
    codes: Vec<i8>,
    factors: Vec<f32>,
    biases: Vec<f32>,
}

/// Some rows that stand together.
pub(super) struct Block<'b> {
    pub(super) codes: &'b [i8],
    pub(super) numbers: Numbers<'b>,
}

impl Gathered {
    /// Brings rows of a segment together, unless they stand together already.
    pub(super) fn gather<'b>(
        &'b mut self,
        segment: &Segment<'b>,
        rows: &[usize],
        numbers: (&'b [f32], &'b [f32]),
    ) -> Block<'b> {
        let dimension = segment.dimension();
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
            return Block { codes: &[], numbers: Numbers { factors: &[], biases: &[] } };
        };
        let codes = |from: usize, to: usize| segment.codes().get(from * dimension..to * dimension).unwrap_or_default();
        if last - first + 1 == rows.len() {
            let part = |numbers: &'b [f32]| numbers.get(first..=last).unwrap_or_default();
            let numbers = Numbers { factors: part(numbers.0), biases: part(numbers.1) };
            return Block { codes: codes(first, last + 1), numbers };
        }
        self.codes.clear();
        for row in rows {
            self.codes.extend_from_slice(codes(*row, row + 1));
        }
        for (kept, all) in [(&mut self.factors, numbers.0), (&mut self.biases, numbers.1)] {
            kept.clear();
            kept.extend(rows.iter().filter_map(|row| all.get(*row)));
        }
        Block { codes: &self.codes, numbers: Numbers { factors: &self.factors, biases: &self.biases } }
    }
}
