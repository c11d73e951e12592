//! The records that are kept so far, by where they lie along a few axes: what most of them are too far away for is seen
//! without their embeddings.
//!
//! They are gathered in cells, each with the bounds of what is in it; inside of a cell a few numbers of many records
//! stand together, so that they are compared several at once. Invariant: nothing that is near enough is missed: along
//! [`Axes`] nothing is farther apart than it is, and what rounding can be off is added to the limit.

use std::ops::Range;

use super::axes::{Axes, PLACE_ERROR};
use super::{Earlier, is_nearer};
use crate::error::Result;
use crate::index::measure::Measure;
use crate::index::ranked::Ranked;
use crate::index::turns::share;
use crate::record::{Ordinal, Space};
use crate::store::{Embeddings, View};

/// With fewer records all are compared.
const RECORDS: u64 = 500;
/// Records that the axes are found from.
const SAMPLE: u64 = 1024;
/// Axes, and how many records there may be for so many: 256 MiB of places at the most.
const AXES: [(usize, u64); 3] = [(32, 2_000_000), (16, 4_000_000), (8, u64::MAX)];
/// Axes that are looked at first.
const FIRST: usize = 8;
/// Axes that cells are cut along, each in four.
const CUT: usize = 4;
const ROWS: usize = 256;
/// Of so many pairs of the sample one may be as near along the axes as is asked for.
const NEAR_OF: usize = 300;
/// Questions that a thread takes at a time.
const TURN: u64 = 8;

/// Records that later ones are compared with.
pub struct Kept {
    axes: Axes,
    space: Space,
    most: f32,
    /// The length of the longest record, as it is placed.
    longest: f64,
    /// Three cuts along each of the first axes.
    cuts: Vec<[f32; 3]>,
    cells: Vec<Cell>,
}

/// A question and where it lies.
struct Asked<'q> {
    ordinal: Ordinal,
    measure: Measure<'q>,
    place: Vec<f32>,
    length: f64,
}

#[derive(Default, Clone)]
struct Cell {
    low: Vec<f32>,
    high: Vec<f32>,
    ordinals: Vec<Ordinal>,
    /// By blocks of [`ROWS`] records, then by axes.
    places: Vec<f32>,
}

impl Kept {
    /// Looks where the records of a view differ; `None` where to compare them all is as good.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`].
    pub fn begin(view: &View, chosen: &roaring::RoaringTreemap, most: f32) -> Result<Option<Self>> {
        let space = view.info().space;
        // An inner product is no distance; half a turn away nothing is too far.
        let can_be_told = match space {
            Space::Ip => false,
            Space::Cosine => most < 1.0,
            Space::L2 => true,
        };
        let (records, Some(dimension)) = (chosen.len(), view.info().dimension) else { return Ok(None) };
        if !can_be_told || records < RECORDS {
            return Ok(None);
        }
        let step = records / SAMPLE.min(records / 4).max(1);
        let mut sample = Vec::new();
        for ordinal in chosen.iter().step_by(usize::try_from(step.max(1)).unwrap_or(1)) {
            sample.push(placed_in(space, &view.embedding(Ordinal(ordinal))?).0);
        }
        let count = AXES.iter().find(|(_, most)| records <= *most).map_or(FIRST, |(count, _)| *count);
        let axes = Axes::find(&sample, dimension, count);
        let places: Vec<Vec<f32>> = sample.iter().map(|row| axes.place(row)).collect();
        let longest = sample.iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).fold(0.0, f64::max);
        if !tells_apart(&places, limit(space, most, 2.0 * longest)) {
            return Ok(None);
        }
        let cuts: Vec<[f32; 3]> = (0..axes.count().min(CUT)).map(|axis| quarters(&places, axis)).collect();
        let cells = vec![Cell::default(); 4_usize.pow(u32::try_from(cuts.len()).unwrap_or(0))];
        Ok(Some(Self { axes, space, most, longest: 0.0, cuts, cells }))
    }

    /// Returns what was kept before the first question and is at most so far away from each, and what of the questions
    /// themselves is earlier and as near.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`].
    pub fn near(&self, view: &View, questions: &[(Ordinal, Vec<f32>)], threads: usize) -> Result<Vec<Earlier>> {
        let asked: Vec<Asked> = questions.iter().map(|(ordinal, embedding)| self.ask(*ordinal, embedding)).collect();
        let all = self.with(&asked);
        let mut found = share(
            asked.len() as u64,
            TURN,
            threads,
            |turns| {
                let mut embeddings = view.embeddings();
                let mut found = Vec::new();
                for at in turns.flat_map(|Range { start, end }| start..end) {
                    let Some(one) = usize::try_from(at).ok().and_then(|at| asked.get(at)) else { continue };
                    found.push((at, all.near(one, asked.first().map(|first| first.ordinal), &mut embeddings)?));
                }
                Ok(found)
            },
            |found, other: Vec<(u64, Earlier)>| found.extend(other),
        )?;
        found.sort_unstable_by_key(|(at, _)| *at);
        Ok(found.into_iter().map(|(_, found)| found).collect())
    }

    /// Keeps a record.
    pub fn keep(&mut self, ordinal: Ordinal, embedding: &[f32]) {
        let (row, length) = placed_in(self.space, embedding);
        let place = self.axes.place(&row);
        self.longest = self.longest.max(length);
        let cell = cell_of(&self.cuts, &place);
        if let Some(cell) = self.cells.get_mut(cell) {
            cell.push(ordinal, &place);
        }
    }

    fn ask<'q>(&self, ordinal: Ordinal, embedding: &'q [f32]) -> Asked<'q> {
        let (row, length) = placed_in(self.space, embedding);
        Asked { ordinal, measure: Measure::new(self.space, embedding), place: self.axes.place(&row), length }
    }

    /// What is kept, and the questions as one cell more.
    fn with<'k>(&'k self, asked: &[Asked]) -> WithQuestions<'k> {
        let mut questions = Cell::default();
        for one in asked {
            questions.push(one.ordinal, &one.place);
        }
        let longest = asked.iter().map(|one| one.length).fold(self.longest, f64::max);
        WithQuestions { kept: self, questions, longest }
    }
}

struct WithQuestions<'k> {
    kept: &'k Kept,
    questions: Cell,
    longest: f64,
}

impl WithQuestions<'_> {
    #[expect(clippy::cast_possible_truncation, reason = "distances are compared as they are shown")]
    fn near(&self, asked: &Asked, first: Option<Ordinal>, embeddings: &mut Embeddings) -> Result<Earlier> {
        let limit = limit(self.kept.space, self.kept.most, asked.length + self.longest);
        let mut near = Vec::new();
        for cell in self.kept.cells.iter().chain([&self.questions]) {
            if cell.is_within(&asked.place, limit) {
                cell.near(&asked.place, limit, &mut near);
            }
        }
        near.retain(|ordinal| *ordinal < asked.ordinal);
        // In their order, so that a block of embeddings is read once.
        near.sort_unstable();
        let mut found = Earlier::default();
        for ordinal in near {
            let distance = asked.measure.distance(embeddings.row(ordinal)?);
            if distance as f32 > self.kept.most {
                continue;
            }
            let near = Ranked { ordinal, distance };
            if first.is_some_and(|first| ordinal >= first) {
                found.among.push(near);
            } else if found.before.is_none_or(|before| is_nearer(&near, &before)) {
                found.before = Some(near);
            }
        }
        Ok(found)
    }
}

impl Cell {
    fn push(&mut self, ordinal: Ordinal, place: &[f32]) {
        let row = self.ordinals.len() % ROWS;
        if row == 0 {
            // Where there is no record there is nothing near.
            self.places.resize(self.places.len() + ROWS * place.len(), f32::INFINITY);
        }
        if self.ordinals.is_empty() {
            (self.low, self.high) = (place.to_vec(), place.to_vec());
        }
        let block = self.places.len() - ROWS * place.len();
        for (axis, x) in place.iter().enumerate() {
            if let Some(at) = self.places.get_mut(block + axis * ROWS + row) {
                *at = *x;
            }
        }
        for ((low, high), x) in self.low.iter_mut().zip(&mut self.high).zip(place) {
            (*low, *high) = (low.min(*x), high.max(*x));
        }
        self.ordinals.push(ordinal);
    }

    /// Whether a place is so near to the bounds of the cell.
    fn is_within(&self, place: &[f32], limit: f32) -> bool {
        let bounds = self.low.iter().zip(&self.high).zip(place);
        let apart = bounds.map(|((low, high), x)| (low - x).max(x - high).max(0.0).powi(2)).sum::<f32>();
        !self.ordinals.is_empty() && apart <= limit
    }

    /// Gathers the records that are no farther along the axes.
    fn near(&self, place: &[f32], limit: f32, near: &mut Vec<Ordinal>) {
        let (first, rest) = place.split_at(place.len().min(FIRST));
        for (block, ordinals) in self.places.chunks_exact(ROWS * place.len()).zip(self.ordinals.chunks(ROWS)) {
            let mut apart = [0.0_f32; ROWS];
            for (column, x) in block.chunks_exact(ROWS).zip(first) {
                apart.iter_mut().zip(column).for_each(|(apart, y)| *apart += (x - y) * (x - y));
            }
            // Nearly always none is near, which one pass over all of them sees.
            if apart.iter().fold(f32::INFINITY, |least, apart| least.min(*apart)) > limit {
                continue;
            }
            for ((row, apart), ordinal) in apart.iter().enumerate().zip(ordinals) {
                if *apart > limit {
                    continue;
                }
                let columns = block.chunks_exact(ROWS).skip(first.len()).zip(rest);
                let others: f32 = columns.map(|(column, x)| column.get(row).map_or(0.0, |y| (x - y) * (x - y))).sum();
                if apart + others <= limit {
                    near.push(*ordinal);
                }
            }
        }
    }
}

/// Returns the square of the distance along the axes from which on two records are certainly too far apart; `lengths` are
/// those of both.
#[expect(clippy::cast_possible_truncation, reason = "rounding is allowed for")]
fn limit(space: Space, most: f32, lengths: f64) -> f32 {
    let most = f64::from(most).max(0.0);
    let squared = if space == Space::Cosine { 2.0 * most } else { most };
    ((squared.sqrt() + 2.0 * PLACE_ERROR * lengths).powi(2) * 1.0001) as f32
}

/// Whether the axes tell nearly all records of a sample apart; what they do not is measured one by one, which takes longer
/// than to compare the codes of all.
fn tells_apart(places: &[Vec<f32>], limit: f32) -> bool {
    let mut near = 0;
    for (at, one) in places.iter().enumerate() {
        let apart = |other: &Vec<f32>| one.iter().zip(other).map(|(x, y)| (x - y) * (x - y)).sum::<f32>();
        near += places.iter().take(at).filter(|other| apart(other) <= limit).count();
    }
    near * NEAR_OF < places.len().saturating_mul(places.len()) / 2
}

/// An embedding as its distance to others is that of the space, and its length: of cosine the direction alone counts.
fn placed_in(space: Space, embedding: &[f32]) -> (Vec<f64>, f64) {
    let mut row: Vec<f64> = embedding.iter().map(|x| f64::from(*x)).collect();
    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    if space != Space::Cosine || length == 0.0 {
        return (row, length);
    }
    for x in &mut row {
        *x /= length;
    }
    (row, 1.0)
}

fn quarters(places: &[Vec<f32>], axis: usize) -> [f32; 3] {
    let mut along: Vec<f32> = places.iter().filter_map(|place| place.get(axis).copied()).collect();
    along.sort_unstable_by(f32::total_cmp);
    [1, 2, 3].map(|quarter| along.get(along.len() * quarter / 4).copied().unwrap_or_default())
}

fn cell_of(cuts: &[[f32; 3]], place: &[f32]) -> usize {
    cuts.iter().zip(place).fold(0, |cell, (cuts, x)| cell * 4 + cuts.iter().filter(|cut| *x > **cut).count())
}
