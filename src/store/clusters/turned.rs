//! Embeddings as clusters see them: turned once, so that the signs around any centre are a subtraction away.
//!
//! With `R` the rotation of sketches, `b` the base of a collection's clusters and `p` a cluster's point, its centre is the
//! point `c` where `R (c - b) = p`. An embedding x, as its space sees it, is kept as `t = R (x - b)`, so `R (x - c) = t - p`. The
//! numbers of a row and of a question around `c` are those of [`crate::store::quantise`], of that difference instead of its codes.
//!
//! Invariant: what f32 arithmetic is off is part of the numbers, so that bounds hold as those of sketches do.

use crate::error::Result;
use crate::record::{Ordinal, Space};
use crate::store::centre::Centre;
use crate::store::quantise::{F32_ROUNDING, LENGTHS, above, below, difference};
use crate::store::rotation::{LANES, Lane, Rotation};
use crate::store::sketch::SketchQuestion;
use crate::store::vector::Embeddings;

/// At least what a turned component is off, as a part of the length: 70 steps of f32 for 65,536 components.
const OFF: f64 = 1e-5;
/// Differences that are shorter are told apart by their embeddings.
const SHORT: f64 = 1e-12;
const SUMS: usize = 8;

/// An embedding as clusters see it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turned {
    /// What leads to it from the base, turned.
    pub(crate) components: Vec<f32>,
    /// The length of that, infinite where f32 cannot hold what is made of it.
    length: f64,
}

/// Turns embeddings, several at once.
pub(crate) struct Turner<'b> {
    base: &'b ClusterBase,
    rotation: Rotation,
    lanes: Vec<Lane>,
}

/// What a chunk keeps of a row besides its signs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RowAround {
    /// The sums of the squares and of the sizes of its difference from the centre.
    pub(crate) sums: (f32, f32),
    /// Weight, bias, what is off, and the length of the difference.
    pub(crate) numbers: [f32; 4],
}

/// A question's difference from a centre.
#[derive(Debug, Clone)]
pub(crate) struct QuestionAround {
    pub(crate) question: SketchQuestion,
    /// What every distance to the question has in common, less than that by what arithmetic is off.
    pub(crate) shared: f64,
    /// How far the difference may be off.
    pub(crate) off: f32,
}

/// What all embeddings and centres are seen from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClusterBase {
    at: Centre,
    /// The same, turned.
    turned: Vec<f32>,
    length: f64,
    space: Space,
}

impl ClusterBase {
    pub(crate) fn new(at: Centre, space: Space) -> Self {
        let turned = Rotation::new(at.components().len()).turn_one(at.components());
        Self { length: at.squared().sqrt(), turned, at, space }
    }

    /// Returns the base as it was given.
    pub(crate) fn at(&self) -> &Centre {
        &self.at
    }

    /// Returns the space that embeddings are seen in.
    pub(crate) fn space(&self) -> Space {
        self.space
    }

    /// Returns the inner product of the centre at `point` with itself.
    pub(crate) fn squared(&self, point: &[f32]) -> f64 {
        let parts = point.iter().zip(&self.turned);
        parts.map(|(p, b)| (f64::from(*p) + f64::from(*b)).powi(2)).sum()
    }

    /// Returns its components, turned.
    pub(crate) fn turned(&self) -> &[f32] {
        &self.turned
    }
}

impl<'b> Turner<'b> {
    pub(crate) fn new(base: &'b ClusterBase) -> Self {
        let dimension = base.turned.len();
        Self { base, rotation: Rotation::new(dimension), lanes: vec![[0.0; LANES]; dimension] }
    }

    /// Turns one embedding.
    pub(crate) fn turn_one(&mut self, embedding: &[f32]) -> Turned {
        let none = || Turned { components: Vec::new(), length: f64::INFINITY };
        self.turn(&[embedding]).pop().unwrap_or_else(none)
    }

    /// Reads the embeddings of rows, and turns them.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`] when one is missing.
    pub(crate) fn read(
        &mut self,
        embeddings: &mut Embeddings,
        rows: impl Iterator<Item = Ordinal>,
    ) -> Result<Vec<Turned>> {
        let floats = rows.map(|row| embeddings.floats(row)).collect::<Result<Vec<_>>>()?;
        Ok(self.turn(&floats.iter().map(Vec::as_slice).collect::<Vec<_>>()))
    }

    /// Turns embeddings.
    fn turn(&mut self, embeddings: &[&[f32]]) -> Vec<Turned> {
        let mut turned = Vec::with_capacity(embeddings.len());
        for some in embeddings.chunks(LANES) {
            let first = turned.len();
            for (lane, embedding) in some.iter().enumerate() {
                let known = difference(embedding, &self.base.at, self.base.space);
                let length = known.as_ref().map_or(f64::INFINITY, |known| known.length);
                let components = known.map_or_else(|| vec![0.0; embedding.len()], |known| known.components);
                for (slot, x) in self.lanes.iter_mut().zip(&components) {
                    if let Some(slot) = slot.get_mut(lane) {
                        *slot = *x;
                    }
                }
                turned.push(Turned { components, length });
            }
            self.rotation.turn(&mut self.lanes);
            for (lane, turned) in turned.iter_mut().skip(first).enumerate() {
                let found = self.lanes.iter().filter_map(|components| components.get(lane));
                turned.components.iter_mut().zip(found).for_each(|(slot, x)| *slot = *x);
            }
        }
        turned
    }
}

/// Sums over a difference from a centre, in lanes that the compiler turns into vector instructions.
#[derive(Default)]
struct Sums {
    squares: [f64; SUMS],
    sizes: [f64; SUMS],
    /// Its inner product with the centre.
    product: [f64; SUMS],
    /// The inner product of the point with itself.
    point: [f64; SUMS],
}

/// What they come to.
#[derive(Debug, Clone, Copy)]
struct Summed {
    squares: f64,
    sizes: f64,
    product: f64,
    /// At most how far the difference is off.
    off: f64,
    /// At least the length of what leads to the centre.
    to_centre: f64,
}

impl Sums {
    fn add(&mut self, turned: &[f32], point: &[f32], base: &[f32]) {
        let sums = self.squares.iter_mut().zip(&mut self.sizes).zip(&mut self.product).zip(&mut self.point);
        for (((x, p), b), (((square, size), product), of_point)) in turned.iter().zip(point).zip(base).zip(sums) {
            let (difference, p) = (f64::from(x - p), f64::from(*p));
            *square += difference * difference;
            *size += difference.abs();
            *product += difference * (p + f64::from(*b));
            *of_point += p * p;
        }
    }
}

impl ClusterBase {
    /// Writes the signs of a row's difference from the centre at `point`, and returns its numbers.
    #[expect(clippy::cast_possible_truncation, reason = "sums whose sizes f32 holds")]
    pub(crate) fn row(&self, row: &Turned, point: &[f32], signs: &mut [u8]) -> RowAround {
        let mut sums = Sums::default();
        let parts = row.components.chunks(SUMS).zip(point.chunks(SUMS)).zip(self.turned.chunks(SUMS));
        for (byte, ((row, point), base)) in signs.iter_mut().zip(parts) {
            *byte = 0;
            for (bit, (x, p)) in row.iter().zip(point).enumerate() {
                *byte |= u8::from(x - p > 0.0) << bit;
            }
            sums.add(row, point, base);
        }
        let Some(Summed { squares, sizes, product, off, to_centre }) = self.summed(row, &sums) else {
            return RowAround { sums: (0.0, 0.0), numbers: [0.0, 0.0, f32::INFINITY, 0.0] };
        };
        let length = squares.sqrt();
        let bias = match self.space {
            Space::L2 => squares - 2.0 * off * length,
            Space::Ip | Space::Cosine => -product - off * to_centre - OFF * self.length * length,
        };
        let weight = if self.space == Space::L2 { 2.0 } else { 1.0 };
        let (weight, off) = if length < SHORT { (0.0, off + length) } else { (weight, off) };
        let numbers = [weight, below(bias - F32_ROUNDING * bias.abs()), above(off), above(length)];
        RowAround { sums: (squares as f32, sizes as f32), numbers }
    }

    /// Returns a question's difference from the centre at `point`; `None` where f32 cannot hold bounds for it.
    pub(crate) fn question(&self, question: &Turned, point: &[f32]) -> Option<QuestionAround> {
        let mut sums = Sums::default();
        let parts = question.components.chunks(SUMS).zip(point.chunks(SUMS)).zip(self.turned.chunks(SUMS));
        for ((question, point), base) in parts {
            sums.add(question, point, base);
        }
        let Summed { squares, product, off, to_centre, .. } = self.summed(question, &sums)?;
        let length = squares.sqrt();
        let shared = match self.space {
            Space::L2 => squares - 2.0 * off * length,
            Space::Ip | Space::Cosine => {
                1.0 - self.squared(point) - product - off * to_centre - OFF * self.length * (2.0 * to_centre + length)
            }
        };
        let turned = question.components.iter().zip(point).map(|(x, p)| x - p).collect();
        Some(QuestionAround { question: SketchQuestion::of(turned, length + off), shared, off: above(off) })
    }

    /// Adds up, unless f32 cannot hold what that gives.
    fn summed(&self, turned: &Turned, sums: &Sums) -> Option<Summed> {
        let of = |lanes: &[f64; SUMS]| lanes.iter().sum::<f64>();
        let (squares, point) = (of(&sums.squares), of(&sums.point).sqrt());
        let holds = [turned.length, self.length, squares.sqrt(), point].iter().all(|length| LENGTHS.contains(length));
        holds.then(|| Summed {
            squares,
            sizes: of(&sums.sizes),
            product: of(&sums.product),
            off: OFF * (turned.length + point),
            to_centre: self.length + point,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;
    use crate::store::clusters::{ChunkRows, ClusterChunkRef};
    use crate::store::segment::Bounds;
    use crate::store::sketch_size::sign_bytes;

    const DIMENSION: usize = 96;

    fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
        rows.iter().map(Vec::as_slice).collect()
    }

    /// Returns the bound of each row for a question, around a point.
    fn bounds(base: &ClusterBase, rows: &[Vec<f32>], question: &[f32], point: &[f32]) -> Vec<f64> {
        let mut turner = Turner::new(base);
        let mut chunk = ChunkRows::with_room(DIMENSION, rows.len());
        for (row, ordinal) in turner.turn(&slices(rows)).iter().zip(0..) {
            let mut signs = vec![0; sign_bytes(DIMENSION)];
            let RowAround { sums, numbers } = base.row(row, point, &mut signs);
            chunk.push(Ordinal(ordinal), (&signs, sums), numbers, base.space());
        }
        let bytes = chunk.to_bytes(0);
        let sketch = ClusterChunkRef::verified(&bytes).unwrap().sketch;
        let Some(around) = base.question(&turner.turn_one(question), point) else {
            return vec![f64::NEG_INFINITY; rows.len()];
        };
        let mut numbers = Bounds::default();
        sketch.read_bounds(&around.question, (0.0, around.off), &mut numbers);
        let rows = sketch.signs().chunks(sign_bytes(DIMENSION)).zip(numbers.biases.iter().zip(&numbers.factors));
        let bound = |(signs, (bias, factor)): (&[u8], (&f32, &f32))| {
            let signed = |(at, x): (usize, &f32)| if signs[at / 8] >> (at % 8) & 1 == 1 { *x } else { -*x };
            let product: f32 = around.question.turned.iter().enumerate().map(signed).sum();
            f64::from(bias - factor * product) + around.shared
        };
        rows.map(bound).collect()
    }

    #[test]
    fn bounds_lie_below_distances_and_tell_the_near_from_the_far_whatever_the_data() {
        let mut random = Random::new();
        for (offset, size) in [(0.0, 1.0), (40.0, 1.0), (0.0, 1e-9), (0.0, 1e15), (1e6, 1.0), (0.0, 0.0), (0.0, 1e30)] {
            let mut embedding = || random.floats(DIMENSION).iter().map(|x| offset + size * x).collect::<Vec<f32>>();
            let rows: Vec<Vec<f32>> = (0..150).map(|_| embedding()).collect();
            let near = rows.iter().map(|row| row.iter().zip(embedding()).map(|(x, y)| x + 0.05 * (y - x)).collect());
            let questions: Vec<Vec<f32>> = near.step_by(10).collect();
            let centre = embedding();
            for space in Space::ALL {
                let base = ClusterBase::new(Centre::of(&slices(&rows), space), space);
                let point = Turner::new(&base).turn_one(&centre).components;
                let (mut below, mut left) = (0, 0);
                for (question, own) in questions.iter().zip(rows.iter().step_by(10)) {
                    let kth = space.distance(question, own);
                    for (row, bound) in rows.iter().zip(bounds(&base, &rows, question, &point)) {
                        below += usize::from(bound > space.distance(question, row));
                        left += usize::from(bound <= kth);
                    }
                }
                // Of 2,250 pairs half a one is expected at 3.5 deviations.
                assert!(below <= 6, "{space} {offset} {size}: {below}, {random:?}");
                if offset < 100.0 && (1e-9..1e20).contains(&size) && space != Space::Ip {
                    assert!(left < 2250 / 4, "{space} {offset} {size}: {left}, {random:?}");
                }
            }
        }
    }

    #[test]
    fn a_turned_row_around_the_origin_keeps_its_length_and_products() {
        let mut random = Random::new();
        let base = ClusterBase::new(Centre::origin(DIMENSION), Space::Ip);
        let (row, question) = (random.floats(DIMENSION), random.floats(DIMENSION));
        let turned = Turner::new(&base).turn(&[&row, &question]);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let (before, after) = (dot(&row, &question), dot(&turned[0].components, &turned[1].components));
        assert!((before - after).abs() < 1e-3, "{before} {after}, {random:?}");
        assert!((base.squared(&turned[0].components) - dot(&row, &row)).abs() < 1e-3, "{random:?}");
    }
}
