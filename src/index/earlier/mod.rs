//! For each of some records the earlier ones that are near it: what near-duplicates are found by.
//!
//! With many records most are seen to be too far without their embeddings ([`Kept`]). Otherwise, and where distances are
//! inner products, the codes of all rows meet the codes of all questions in tiles; what may be near is measured by the embeddings as
//! given, at once, so that memory does not grow with the number of pairs. Invariant: nothing that is near enough is
//! missed: the limit for codes is drawn wider by all that their rounding can be off.

mod axes;
mod kept;

pub use kept::Kept;

use roaring::RoaringTreemap;

use crate::error::Result;
use crate::index::kernel::{Limits, Near, Tile, kernels};
use crate::index::measure::Measure;
use crate::index::ranked::Ranked;
use crate::index::rows::{Allowed, BLOCK_ROWS, Block, Gathered, Tail};
use crate::index::turns::share;
use crate::record::{Ordinal, Space};
use crate::store::{Embeddings, Segment, View, quantise_query, rows_per_segment};

/// Half a step, in which a code was rounded, and what the rounding itself is off.
const HALF_STEP: f64 = 0.5001;
/// What 32-bit arithmetic is off, as a part of the numbers it adds.
const ROUNDING: f64 = 1e-6;

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
    let dimension = view.info().dimension.unwrap_or(1);
    let asked: Vec<Asked> =
        questions.iter().map(|(at, embedding)| Asked::new(*at, embedding, view.info().space)).collect();
    let tile = Tile::new(&asked.iter().flat_map(|asked| asked.codes.iter().copied()).collect::<Vec<i8>>(), dimension);
    let finder = || Finder::new(view, &asked, &tile, among, *first, most);
    let end = view.sealed_until().0.min(last.0 + 1);
    let found = share(
        end,
        rows_per_segment(dimension) as u64,
        threads,
        |turns| {
            let mut finder = finder();
            for stretch in turns {
                view.for_each_segment(stretch, |bytes| finder.segment(&Segment::parse(bytes)?))?;
            }
            Ok(finder.found)
        },
        |found, other| found.iter_mut().zip(other).for_each(|(found, other)| found.merge(other)),
    )?;
    let mut finder = Finder { found, ..finder() };
    finder.tail()?;
    Ok(finder.found)
}

impl Earlier {
    fn add(&mut self, near: Ranked, first: Ordinal) {
        if near.ordinal >= first {
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

/// One question, and how far its codes are off.
struct Asked<'q> {
    ordinal: Ordinal,
    measure: Measure<'q>,
    codes: Vec<i8>,
    scale: f32,
    space: Space,
    length: f64,
    /// The length of what the codes leave out.
    lost: f64,
    root_of_dimension: f64,
}

impl<'q> Asked<'q> {
    #[expect(clippy::cast_precision_loss, reason = "a dimension is small")]
    fn new(ordinal: Ordinal, embedding: &'q [f32], space: Space) -> Self {
        let codes = quantise_query(embedding, space);
        let largest = embedding.iter().fold(0.0_f64, |most, x| most.max(f64::from(x.abs())));
        let step = largest / 127.0;
        let lost =
            embedding.iter().zip(&codes.codes).map(|(x, code)| (f64::from(*x) - step * f64::from(*code)).powi(2));
        Self {
            ordinal,
            measure: Measure::new(space, embedding),
            space,
            length: embedding.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt(),
            lost: lost.sum::<f64>().sqrt(),
            root_of_dimension: (embedding.len() as f64).sqrt(),
            scale: codes.factor,
            codes: codes.codes,
        }
    }

    /// Returns the distance by codes from which on a row with at most this factor and bias is certainly too far.
    ///
    /// The product of two embeddings is off by at most what the question's codes lose times the length of the row, and
    /// what the row's lose times the length of the question's codes.
    #[expect(clippy::cast_possible_truncation, reason = "rounding is allowed for")]
    fn limit(&self, most: f32, factor: f32, bias: f32) -> f32 {
        let (most, factor, bias) = (f64::from(most), f64::from(factor), f64::from(bias));
        let (row_lost, kept) = (HALF_STEP * self.root_of_dimension, self.length + self.lost);
        let (limit, size) = match self.space {
            Space::Cosine if self.length > 0.0 => {
                let off = self.lost / self.length + kept / self.length * row_lost * factor;
                (most + off, 2.0)
            }
            Space::Cosine => (most, 2.0),
            Space::Ip => {
                let row_length = 127.0 * factor * self.root_of_dimension;
                (most + self.lost * row_length + kept * row_lost * factor, 1.0 + kept * row_length)
            }
            Space::L2 => {
                let row_length = bias.sqrt();
                let off = 2.0 * (self.lost * row_length + kept * row_lost * factor / 2.0);
                (most - self.length.powi(2) + off, (kept + row_length).powi(2))
            }
        };
        (limit + ROUNDING * (size + most.abs())) as f32
    }
}

/// One thread's buffers and what it has found.
struct Finder<'f> {
    view: &'f View,
    embeddings: Embeddings<'f>,
    asked: &'f [Asked<'f>],
    tile: &'f Tile,
    among: &'f RoaringTreemap,
    first: Ordinal,
    most: f32,
    near: Vec<Near>,
    found: Vec<Earlier>,
}

impl<'f> Finder<'f> {
    fn new(
        view: &'f View,
        asked: &'f [Asked<'f>],
        tile: &'f Tile,
        among: &'f RoaringTreemap,
        first: Ordinal,
        most: f32,
    ) -> Self {
        let found = vec![Earlier::default(); asked.len()];
        Self { view, embeddings: view.embeddings(), asked, tile, among, first, most, near: Vec::new(), found }
    }

    fn segment(&mut self, segment: &Segment) -> Result<()> {
        let (factors, biases): (Vec<f32>, Vec<f32>) = (segment.factors().collect(), segment.biases().collect());
        let rows: Vec<usize> = (0..segment.rows()).filter(|row| self.among.contains(segment.ordinal(*row).0)).collect();
        let mut gathered = Gathered::default();
        for rows in rows.chunks(BLOCK_ROWS) {
            let ordinals: Vec<Ordinal> = rows.iter().map(|row| segment.ordinal(*row)).collect();
            self.block(&gathered.gather(segment, rows, (&factors, &biases)), &ordinals)?;
        }
        Ok(())
    }

    /// Meets the rows that are in no segment yet.
    fn tail(&mut self) -> Result<()> {
        for (block, ordinals) in Tail::gather(self.view, Allowed::Only(self.among))?.blocks() {
            self.block(&block, ordinals)?;
        }
        Ok(())
    }

    /// Meets rows that stand together with all questions, and measures what may be near.
    #[expect(clippy::cast_possible_truncation, reason = "distances are compared as they are shown")]
    fn block(&mut self, block: &Block, ordinals: &[Ordinal]) -> Result<()> {
        let largest = |numbers: &[f32]| numbers.iter().copied().fold(0.0_f32, f32::max);
        let (factor, bias) = (largest(block.numbers.factors), largest(block.numbers.biases));
        let limits = Limits::new(self.asked.iter().map(|asked| (asked.scale, asked.limit(self.most, factor, bias))));
        self.near.clear();
        kernels().near_tile(self.tile, block.codes, &block.numbers, &limits, &mut self.near);
        // Rows in their order, so that a block of embeddings is read once.
        self.near.sort_unstable_by_key(|near| (near.row, near.question));
        for near in &self.near {
            let (Some(&ordinal), Some(asked)) = (ordinals.get(near.row), self.asked.get(near.question)) else {
                continue;
            };
            if ordinal >= asked.ordinal {
                continue;
            }
            let distance = asked.measure.distance(self.embeddings.row(ordinal)?);
            if distance as f32 <= self.most
                && let Some(found) = self.found.get_mut(near.question)
            {
                found.add(Ranked { ordinal, distance }, self.first);
            }
        }
        Ok(())
    }
}
