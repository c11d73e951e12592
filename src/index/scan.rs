//! The scan: every quantised row against every question, segment by segment.
//!
//! Finds candidates, not answers: codes are approximate, so the caller ranks what comes back by the embeddings as
//! given. Threads take segments in turn and reuse their buffers. Invariant: every allowed row is compared; what
//! is returned for a question are the `depth` rows whose approximate distance is smallest.

use super::kernel::{Limits, Near, Numbers, Tile, kernels};
use super::nearest::Nearest;
use super::rows::{Allowed, BLOCK_ROWS, Block, Gathered, Tail};
use super::turns::gather;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::{Codes, Segment, View, rows_per_segment};

/// Distances computed before the least of them is looked at: nearly always it is too large, and so are all.
pub(super) const AT_ONCE: usize = 64;

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
    let tile = Tile::new(&questions.iter().flat_map(|q| q.codes.iter().copied()).collect::<Vec<i8>>(), dimension);
    let scanner = || Scanner::new(questions, &tile, allowed, depth);
    let found = gather(end, step, threads, |turns| {
        let mut scanner = scanner();
        for stretch in turns {
            view.for_each_segment(stretch, |bytes| {
                scanner.segment(&Segment::parse(bytes)?);
                Ok(())
            })?;
        }
        Ok(scanner.nearest)
    })?;
    let mut scanner = Scanner { nearest: found, ..scanner() };
    for (block, ordinals) in Tail::gather(view, allowed)?.blocks() {
        scanner.meet.block(&block, questions, &mut scanner.nearest, |row| ordinals.get(row).copied());
    }
    let ordinals = |nearest: Nearest<f32>| nearest.into_sorted().into_iter().map(|(_, ordinal)| ordinal).collect();
    Ok(scanner.nearest.into_iter().map(ordinals).collect())
}

/// One thread's buffers and what it has found.
struct Scanner<'a> {
    questions: &'a [Codes],
    meet: Meeting<'a>,
    allowed: Allowed<'a>,
    nearest: Vec<Nearest<f32>>,
    factors: Vec<f32>,
    biases: Vec<f32>,
    scores: Vec<i32>,
    /// The rows of a segment that may be found.
    rows: Vec<usize>,
    block: Gathered,
}

impl<'a> Scanner<'a> {
    fn new(questions: &'a [Codes], tile: &'a Tile, allowed: Allowed<'a>, depth: usize) -> Self {
        Self {
            questions,
            meet: Meeting { tile, near: Vec::new() },
            allowed,
            nearest: questions.iter().map(|_| Nearest::new(depth)).collect(),
            factors: Vec::new(),
            biases: Vec::new(),
            scores: Vec::new(),
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
            let ordinal = |row: usize| rows.get(row).map(|row| segment.ordinal(*row));
            self.meet.block(&block, self.questions, &mut self.nearest, ordinal);
        }
    }
}

/// All questions, ready to meet rows that stand together.
struct Meeting<'a> {
    tile: &'a Tile,
    near: Vec<Near>,
}

impl Meeting<'_> {
    fn block(
        &mut self,
        block: &Block,
        questions: &[Codes],
        nearest: &mut [Nearest<f32>],
        ordinal: impl Fn(usize) -> Option<Ordinal>,
    ) {
        let thresholds = nearest.iter().map(Nearest::threshold);
        let limits = Limits::new(questions.iter().map(|question| question.factor).zip(thresholds));
        self.near.clear();
        kernels().near_tile(self.tile, block.codes, &block.numbers, &limits, &mut self.near);
        for near in &self.near {
            if let Some((nearest, ordinal)) = nearest.get_mut(near.question).zip(ordinal(near.row))
                && near.distance <= nearest.threshold()
            {
                nearest.push(near.distance, ordinal);
            }
        }
    }
}
