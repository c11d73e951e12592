//! The scan: every quantised row against every question, segment by segment.
//!
//! Finds candidates, not answers: codes are approximate, so the caller ranks what comes back by the embeddings as
//! given. Threads take segments in turn and reuse their buffers. Invariant: every allowed row is compared; what
//! is returned for a question are the `depth` rows whose approximate distance is smallest.

use roaring::RoaringTreemap;

use super::kernel::{Numbers, Tile, kernels};
use super::nearest::Nearest;
use super::turns::gather;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::{Codes, Segment, View, rows_per_segment};

/// Rows scored at once when there are several questions: their scores stay in the second-level cache.
const BLOCK_ROWS: usize = 256;

/// Distances computed before the least of them is looked at: nearly always it is too large, and so are all.
const AT_ONCE: usize = 64;

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
    scores: Vec<i32>,
    factors: Vec<f32>,
    biases: Vec<f32>,
}

impl<'a> Scanner<'a> {
    fn new(questions: &'a [Codes], dimension: usize, allowed: Allowed<'a>, depth: usize) -> Self {
        let codes: Vec<i8> = questions.iter().flat_map(|question| question.codes.iter().copied()).collect();
        Self {
            questions,
            tile: Tile::new(&codes, dimension),
            allowed,
            nearest: questions.iter().map(|_| Nearest::new(depth)).collect(),
            scores: Vec::new(),
            factors: Vec::new(),
            biases: Vec::new(),
        }
    }

    fn segment(&mut self, segment: &Segment) {
        self.factors.clear();
        self.factors.extend(segment.factors());
        self.biases.clear();
        self.biases.extend(segment.biases());
        let block_rows = if self.questions.len() == 1 { segment.rows() } else { BLOCK_ROWS };
        for (block, codes) in segment.codes().chunks(block_rows * segment.dimension()).enumerate() {
            self.block(segment, block * block_rows, codes);
        }
    }

    fn block(&mut self, segment: &Segment, first_row: usize, codes: &[i8]) {
        let rows = codes.len() / segment.dimension();
        match self.questions {
            [only] => {
                self.scores.resize(rows, 0);
                kernels().dot_i8_rows(&only.codes, codes, &mut self.scores);
            }
            _ => kernels().dot_i8_tile(&self.tile, codes, &mut self.scores),
        }
        let (factors, biases) = (self.factors.get(first_row..), self.biases.get(first_row..));
        let (factors, biases) = (factors.unwrap_or_default(), biases.unwrap_or_default());
        let by_question = self.scores.chunks_exact(rows.max(1));
        for ((question, nearest), scores) in self.questions.iter().zip(&mut self.nearest).zip(by_question) {
            let mut row = first_row;
            let parts = scores.chunks(AT_ONCE).zip(factors.chunks(AT_ONCE)).zip(biases.chunks(AT_ONCE));
            for ((scores, factors), biases) in parts {
                let mut distances = [0.0; AT_ONCE];
                let least = kernels().distances(scores, &Numbers { factors, biases }, question.factor, &mut distances);
                if least <= nearest.threshold() {
                    for (distance, row) in distances.iter().take(scores.len()).zip(row..) {
                        let ordinal = segment.ordinal(row);
                        if *distance <= nearest.threshold() && self.allowed.contains(ordinal) {
                            nearest.push(*distance, ordinal);
                        }
                    }
                }
                row += AT_ONCE;
            }
        }
    }
}
