//! Where embeddings lie along a few axes, and how near that is for those that are near.
//!
//! In every space a distance of at most `most` is a Euclidean one: of cosine, embeddings divided by their lengths lie at
//! most the root of `2 most` apart; of an inner product `q . x >= 1 - most`,
//!
//! `|q - x|^2 = |q|^2 + |x|^2 - 2 q . x  <=  |q|^2 + |x|^2 - 2 (1 - most)`
//!
//! which is a sum of what is known of each. Along orthonormal axes nothing is farther apart than it is. Invariant: where
//! two embeddings are near enough, the square of the distance of their places is no more than the sum of their allowances,
//! which hold as well what rounding can be off (n is an embedding's square, e what its place may be off, c the relative
//! share of that; the products of both sides are parted by `2 a b <= a^2 + b^2`).

use super::axes::axes;
use crate::record::Space;
use crate::store::{Centre, Codes, above, lengthwise, quantise};

/// Sums that are kept apart, which vector instructions can do.
const LANES: usize = 16;
/// Rows this many times as far out as the median have no say in the axes.
const OUTLYING: f64 = 4.0;
/// What the directions, rounded to 32 bits, lengthen what lies along them at most: as a part of its square.
const LENGTHENED: f64 = 1e-5;
/// The error of f32 arithmetic with a bias.
const ROUNDING: f64 = 1.0 / 2_097_152.0;
/// What the smallest of f32 may hide.
const UNDERFLOW: f64 = 1e-30;

/// Axes, and what is looked for along them.
pub(super) struct Places {
    space: Space,
    most: f64,
    centre: Vec<f32>,
    /// One direction after another.
    directions: Vec<f32>,
    /// The largest error of a place, as a share of its distance from the centre.
    error: f64,
}

/// An embedding along the axes.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) place: Vec<f32>,
    /// The square of the distance to the place of another that is near is no more than this and its own.
    pub(super) allowance: f64,
}

impl Placed {
    /// Returns where it lies along the first of the axes.
    pub(super) fn along(&self, axes: usize) -> &[f32] {
        self.place.get(..axes).unwrap_or(&self.place)
    }

    /// Returns the squares of the distances of two places along the first of the axes, for each of some numbers of them.
    pub(super) fn apart<'a>(&'a self, other: &'a Self, axes: &'a [usize]) -> impl Iterator<Item = f64> + use<'a> {
        let (mut from, mut squared) = (0, 0.0);
        axes.iter().map(move |to| {
            let [own, other] = [self, other].map(|placed| placed.place.get(from..*to).unwrap_or_default());
            squared += f64::from(sum(own, other, |a, b| (a - b) * (a - b)));
            from = *to;
            squared
        })
    }

    /// Returns codes along the first of the axes whose bounds lie below the squared distance to the other place by the
    /// allowance here.
    pub(super) fn coded(&self, axes: usize) -> Codes {
        let place = self.along(axes);
        let codes = quantise(place, &Centre::origin(place.len()), Space::L2);
        let bias = f64::from(codes.bias) - self.allowance;
        Codes { bias: -above(-(bias - ROUNDING * bias.abs())), ..codes }
    }
}

impl Places {
    /// Finds so many axes for what a sample differs in.
    pub(super) fn find(sample: &[Vec<f32>], space: Space, most: f32, count: usize) -> Self {
        let dimension = sample.first().map_or(1, Vec::len);
        let centre = Centre::of(&sample.iter().map(Vec::as_slice).collect::<Vec<_>>(), space).components().to_vec();
        let rows: Vec<Vec<f64>> = sample.iter().map(|row| moved(row, &centre, space).0).collect();
        let mut lengths: Vec<f64> = rows.iter().map(|row| square(row)).collect();
        let middle = lengths.len() / 2;
        let usual = lengths.select_nth_unstable_by(middle, f64::total_cmp).1.max(f64::MIN_POSITIVE);
        let rows: Vec<_> = rows.into_iter().filter(|row| square(row) <= OUTLYING * OUTLYING * usual).collect();
        let count = count.min(dimension);
        #[expect(clippy::cast_precision_loss, reason = "both are small")]
        let error = f64::from(f32::EPSILON) * (dimension as f64 / LANES as f64 + 10.0) * (count as f64).sqrt();
        // Distances are compared as they are shown, rounded to f32.
        let most = f64::from(most.next_up());
        Self { space, most, directions: axes(&rows, dimension, count), centre, error }
    }

    /// Says where an embedding lies.
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is allowed for")]
    pub(super) fn place(&self, embedding: &[f32]) -> Placed {
        let (row, length) = moved(embedding, &self.centre, self.space);
        let off = self.error * square(&row).sqrt() + 4.0 * f64::EPSILON * length + UNDERFLOW;
        let row: Vec<f32> = row.iter().map(|x| *x as f32).collect();
        let directions = self.directions.chunks_exact(row.len().max(1));
        let place = directions.map(|direction| sum(direction, &row, |d, x| d * x)).collect();
        Placed { place, allowance: self.allowance(length, off, row.len()) }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most 65,536 components")]
    fn allowance(&self, length: f64, off: f64, dimension: usize) -> f64 {
        let (most, off_squared) = (self.most, off * off);
        // The rounding error of the sums of a distance.
        let sums = (dimension as f64 / 8.0 + 64.0) * f64::EPSILON;
        let squared = match self.space {
            Space::L2 => most.max(0.0),
            Space::Cosine => 2.0 * most.max(0.0) + 8.0 * sums,
            Space::Ip => {
                let square = length * length;
                let rounding = (8.0 * LENGTHENED + 8.0 * sums + 3.0 * self.error) * square;
                return square - (1.0 - most) + rounding + 3.0 * off_squared / self.error + 2.0 * off_squared;
            }
        };
        squared * (0.5 + LENGTHENED) + 2.0 * (1.0 + LENGTHENED) * squared.sqrt() * off + 2.0 * off_squared
    }
}

/// Returns an embedding as its space sees it, from the centre, and its length before it was moved there.
fn moved(embedding: &[f32], centre: &[f32], space: Space) -> (Vec<f64>, f64) {
    let (scale, length) = lengthwise(embedding, space);
    let scale = if space == Space::Cosine { scale } else { 1.0 };
    (embedding.iter().zip(centre).map(|(x, c)| f64::from(*x) * scale - f64::from(*c)).collect(), length)
}

fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        lanes.iter_mut().zip(a).zip(b).for_each(|((lane, a), b)| *lane += term(*a, *b));
    }
    // Each in a lane of its own, so that no sum is longer than the others.
    lanes.iter_mut().zip(a_rest).zip(b_rest).for_each(|((lane, a), b)| *lane += term(*a, *b));
    lanes.iter().sum()
}

fn square(row: &[f64]) -> f64 {
    row.iter().map(|x| x * x).sum()
}

#[cfg(test)]
mod tests {
    use super::super::fine::{Asked, Fine};
    use super::*;
    use crate::record::random::Random;
    use crate::store::quantise_query;

    /// Rows around a point, of which some are nearly others, and some far out.
    fn rows(random: &mut Random, dimension: usize, offset: f32, scale: f32) -> Vec<Vec<f32>> {
        let mut rows: Vec<Vec<f32>> = Vec::new();
        for at in 0..60 {
            let noise = random.floats(dimension);
            let (of, size) = (random.below(1 + at) as usize, [0.0, 1e-6, 1e-3, 0.05, 1.0][random.below(5) as usize]);
            let row = match rows.get(of) {
                Some(of) => of.iter().zip(noise).map(|(x, noise)| x + noise * size * scale).collect(),
                None => noise.iter().map(|x| (offset + x) * scale).collect::<Vec<f32>>(),
            };
            let far = if at % 30 == 29 { 1e6 } else { 1.0 };
            rows.push(row.iter().map(|x| x * far).collect());
        }
        rows
    }

    #[test]
    fn what_is_near_has_places_within_both_allowances_and_its_codes_say_so() {
        let mut random = Random::new();
        for (dimension, count) in [(1, 1), (3, 2), (40, 32), (40, 40), (130, 96)] {
            for (offset, scale) in [(0.0, 1.0), (0.3, 1e-3), (1e4, 1.0), (0.1, 1e-22), (0.0, 1e-38), (0.0, 1e15)] {
                let rows = rows(&mut random, dimension, offset, scale);
                for space in Space::ALL {
                    let mut all: Vec<f32> =
                        rows.iter().flat_map(|a| rows.iter().map(|b| space.distance(a, b) as f32)).collect();
                    all.sort_unstable_by(f32::total_cmp);
                    for at in [random.below(200) as usize, random.below(all.len() as u64) as usize, all.len() - 1] {
                        // A zero vector is at distance 1 from all of cosine, which is why that much is not looked for.
                        let most = if space == Space::Cosine { all[at].min(0.99) } else { all[at] };
                        let places = Places::find(&rows, space, most, count);
                        let each: Vec<Placed> = rows.iter().map(|row| places.place(row)).collect();
                        for (a, one) in rows.iter().zip(&each) {
                            for (b, other) in rows.iter().zip(&each) {
                                if space.distance(a, b) as f32 <= most {
                                    let what = || format!("{space} {dimension} {offset} {scale} {most}, {random:?}");
                                    is_within(one, other, &what);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn is_within(one: &Placed, other: &Placed, what: &dyn Fn() -> String) {
        let apart: f64 = one.place.iter().zip(&other.place).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        assert!(apart <= one.allowance + other.allowance, "{apart:e} {one:?} {other:?}: {}", what());
        let axes = 1 + one.place.len() / 2;
        let (codes, origin) = (other.coded(axes), Centre::origin(axes));
        let asked = quantise_query(one.along(axes), &origin, Space::L2);
        let dot: i32 = codes.codes.iter().zip(&asked.codes).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        let slack = f64::from(codes.residual) + f64::from(asked.blur) * f64::from(codes.length);
        let dot = f64::from(codes.factor) * f64::from(asked.scale) * f64::from(dot);
        let bound = f64::from(codes.bias) - dot - f64::from(asked.reach) * slack + asked.shared;
        assert!(bound <= one.allowance, "{bound:e} {one:?} {other:?}: {}", what());
        let mut fine = Fine::new(one.place.len());
        fine.push(other);
        assert!(fine.passes(0, &Asked::new(one)), "{one:?} {other:?}: {}", what());
    }
}
