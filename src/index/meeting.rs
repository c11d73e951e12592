//! Segments compared with many questions at once: a row in a register is compared with each of them.
//!
//! Questions are coded around the centre of the next segment, once for all segments of that centre. Invariant: every
//! row that is kept and whose bound for a question is within its limit is handed over.

use super::kernel::{Limit, Near, RowNumbers, Thresholds, Tile, kernels};
use super::row_filter::{BLOCK_ROWS, Gathered};
use crate::error::Result;
use crate::record::{Ordinal, Space};
use crate::store::{Bounds, Centre, QuantisedQuestion, Segment, above, quantise_query};

/// The most that f32 arithmetic adds to a slack.
const ROUNDED_UP: f32 = 1.0 + 1e-6;

/// What the rows of a segment are coded around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// The centre of this number, as in [`Segment::centre`].
    Centre(Option<u32>),
    /// The centre of the rows that are in no segment.
    Tail,
}

/// What is looked for.
pub(super) trait Goal {
    /// Whether a row counts.
    fn keeps(&self, ordinal: Ordinal) -> bool;
    /// The bound beyond which a row does not count for a question.
    fn limit(&self, question: usize) -> f64;
    /// Takes rows whose bounds are within the limits: questions, rows and bounds, block by block.
    fn take(&mut self, found: &mut [(usize, Ordinal, f64)]) -> Result<()>;
}

/// Buffers, and the questions as the last segment's centre has them.
pub(super) struct Meeting<'a> {
    embeddings: Vec<&'a [f32]>,
    space: Space,
    prepared: Option<(Around, PreparedQuestions)>,
    bounds: Bounds,
    slacks: Vec<f32>,
    rows: Vec<usize>,
    block: Gathered,
    near: Vec<Near>,
    found: Vec<(usize, Ordinal, f64)>,
}

/// All questions, coded around a centre.
pub(super) struct PreparedQuestions {
    pub(super) questions: Vec<QuantisedQuestion>,
    tile: Tile,
    limits: Thresholds,
    /// The largest of the questions.
    blur: f32,
}

impl<'a> Meeting<'a> {
    pub(super) fn new(embeddings: Vec<&'a [f32]>, space: Space) -> Self {
        Self {
            embeddings,
            space,
            prepared: None,
            bounds: Bounds::default(),
            slacks: Vec::new(),
            rows: Vec::new(),
            block: Gathered::default(),
            near: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Codes the questions around the centre of the next segment, unless it is the last one's too.
    pub(super) fn prepare(&mut self, around: Around, centre: impl FnOnce() -> Result<Centre>) -> Result<()> {
        if self.prepared.as_ref().is_none_or(|(known, _)| *known != around) {
            let centre = centre()?;
            let questions: Vec<QuantisedQuestion> =
                self.embeddings.iter().map(|embedding| quantise_query(embedding, &centre, self.space)).collect();
            let codes: Vec<i8> = questions.iter().flat_map(|question| question.codes.iter().copied()).collect();
            let blur = questions.iter().fold(0.0_f32, |most, question| most.max(question.blur));
            let tile = Tile::new(&codes, centre.components().len());
            let limit = |question: &QuantisedQuestion| Limit {
                scale: question.scale,
                reach: question.reach,
                farthest: f32::MIN,
            };
            let limits = Thresholds::new(questions.iter().map(limit));
            self.prepared = Some((around, PreparedQuestions { questions, tile, limits, blur }));
        }
        Ok(())
    }

    /// Reads the numbers of a segment, and what its rows' bounds lie below their estimates for each unit of reach.
    pub(super) fn read(&mut self, segment: &Segment) -> Option<(&PreparedQuestions, &mut Bounds, &[f32])> {
        let (_, prepared) = self.prepared.as_ref()?;
        segment.read_bounds(self.space, &mut self.bounds);
        self.slacks.clear();
        let lengths = self.bounds.residuals.iter().zip(&self.bounds.lengths);
        self.slacks.extend(lengths.map(|(residual, length)| (residual + prepared.blur * length) * ROUNDED_UP));
        Some((prepared, &mut self.bounds, &self.slacks))
    }

    /// Compares every row of a segment that counts with every question.
    pub(super) fn meet(&mut self, segment: &Segment, goal: &mut impl Goal) -> Result<()> {
        self.read(segment);
        let Self { prepared, bounds, slacks, rows, block, near, found, .. } = self;
        let Some((_, PreparedQuestions { questions, tile, limits, .. })) = prepared else { return Ok(()) };
        rows.clear();
        rows.extend((0..segment.rows()).filter(|row| goal.keeps(segment.ordinal(*row))));
        let numbers = RowNumbers { factors: &bounds.factors, biases: &bounds.biases, slacks };
        for rows in rows.chunks(BLOCK_ROWS) {
            let block = block.gather(segment, rows, &numbers);
            limits.draw(questions.iter().enumerate().map(|(at, question)| above(goal.limit(at) - question.shared)));
            near.clear();
            kernels().near_tile(tile, block.codes, &block.numbers, limits, near);
            found.clear();
            found.extend(near.iter().filter_map(|near| {
                let shared = questions.get(near.question)?.shared;
                let ordinal = segment.ordinal(*rows.get(near.row)?);
                Some((near.question, ordinal, f64::from(near.distance) + shared))
            }));
            goal.take(found)?;
        }
        Ok(())
    }
}
