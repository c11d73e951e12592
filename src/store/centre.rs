//! The point that embeddings are coded around, so that what they have in common costs no precision.
//!
//! A centre is fixed once rows are coded around it; rows that lie elsewhere get a new one. Layout: the
//! xxh3-64 of all that follows, then the components (f32). Invariant: a centre is finite, and the same bytes give the same
//! codes on every machine.

use xxhash_rust::xxh3::xxh3_64;

use super::codec::{Reader, floats, put_floats};
use super::length::{lengthwise, sum};
use crate::error::{Error, Result};
use crate::record::Space;

/// Rows whose mean is taken.
const SAMPLE: usize = 256;
/// Rows this many times as long as the median have no say in the mean.
const LONG: f64 = 4.0;

/// A point among the embeddings of a collection, as the space sees them: for cosine on the unit sphere.
#[derive(Debug, Clone, PartialEq)]
pub struct Centre {
    at: Vec<f32>,
    squared: f64,
}

impl Centre {
    pub(crate) fn new(at: Vec<f32>) -> Self {
        let squared = sum(&at, |x| x * x);
        Self { at, squared }
    }

    /// The origin.
    #[must_use]
    pub fn origin(dimension: usize) -> Self {
        Self::new(vec![0.0; dimension])
    }

    /// The mean of some of these embeddings, without those that are far longer than the others.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a mean of f32 values")]
    pub fn of(embeddings: &[&[f32]], space: Space) -> Self {
        let sample: Vec<Sampled> = sample(embeddings, space).collect();
        let mut lengths: Vec<f64> = sample.iter().map(|sampled| sampled.length).collect();
        let middle = lengths.len() / 2;
        let most =
            if lengths.is_empty() { 0.0 } else { LONG * *lengths.select_nth_unstable_by(middle, f64::total_cmp).1 };
        let counted: Vec<&Sampled> = sample.iter().filter(|sampled| sampled.length <= most).collect();
        let mut sums = vec![0.0_f64; embeddings.first().map_or(0, |first| first.len())];
        for sampled in &counted {
            sums.iter_mut().zip(sampled.embedding).for_each(|(sum, x)| *sum += f64::from(*x) * sampled.scale);
        }
        let mean = sums.into_iter().map(|sum| (sum / counted.len().max(1) as f64) as f32);
        Self::new(mean.map(|x| if x.is_finite() { x } else { 0.0 }).collect())
    }

    /// Returns whether embeddings lie farther from here than they are spread around a centre of their own.
    #[must_use]
    pub fn is_far_from(&self, embeddings: &[&[f32]], space: Space) -> bool {
        let own = Self::of(embeddings, space);
        let (mut spread, mut rows) = (0.0, 0_u32);
        for Sampled { embedding, scale, .. } in sample(embeddings, space) {
            let pairs = embedding.iter().zip(&own.at);
            spread += pairs.map(|(x, c)| (f64::from(*x) * scale - f64::from(*c)).powi(2)).sum::<f64>();
            rows += 1;
        }
        let away: f64 = self.at.iter().zip(&own.at).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        away > spread / f64::from(rows.max(1))
    }

    /// Returns the components.
    #[must_use]
    pub fn components(&self) -> &[f32] {
        &self.at
    }

    /// Returns the inner product of the centre with itself.
    #[must_use]
    pub fn squared(&self) -> f64 {
        self.squared
    }

    /// Returns its bytes in the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        put_floats(&mut bytes, &self.at);
        let checksum = bytes.get(8..).map_or(0, xxh3_64);
        bytes.splice(0..8, checksum.to_le_bytes());
        bytes
    }

    /// Reads it from the file.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was written, or of another dimension.
    pub fn from_bytes(bytes: &[u8], dimension: usize) -> Result<Self> {
        let mut reader = Reader::new(bytes, "a centre");
        let checksum = reader.u64()?;
        if checksum != xxh3_64(reader.rest()) {
            return Err(Error::damaged("a centre does not match its checksum"));
        }
        let at: Vec<f32> = floats(bytes.get(8..).unwrap_or_default()).collect();
        if at.len() == dimension && bytes.len() == 8 + 4 * dimension && at.iter().all(|x| x.is_finite()) {
            Ok(Self::new(at))
        } else {
            Err(Error::damaged("a centre has another dimension"))
        }
    }
}

/// An embedding of the sample.
struct Sampled<'a> {
    embedding: &'a [f32],
    /// What the space multiplies it with.
    scale: f64,
    length: f64,
}

/// Samples the embeddings evenly.
fn sample<'a>(embeddings: &'a [&'a [f32]], space: Space) -> impl Iterator<Item = Sampled<'a>> {
    let step = embeddings.len().div_ceil(SAMPLE).max(1);
    embeddings.iter().step_by(step).map(move |embedding| {
        let (scale, length) = lengthwise(embedding, space);
        Sampled { embedding, scale, length }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    fn centre_of(rows: &[Vec<f32>], space: Space) -> Centre {
        Centre::of(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), space)
    }

    #[test]
    fn a_common_offset_is_found_whatever_a_few_outliers_say() {
        let mut random = Random::new();
        let mut rows: Vec<Vec<f32>> = (0..2000).map(|_| random.floats(9).iter().map(|x| x + 1e6).collect()).collect();
        for outliers in [false, true] {
            if outliers {
                rows.iter_mut().step_by(100).for_each(|row| row[3] = 1e30);
            }
            let centre = centre_of(&rows, Space::L2);
            assert!(centre.components().iter().all(|x| (x - 1e6).abs() < 1.0), "{outliers}: {centre:?}, {random:?}");
        }
    }

    #[test]
    fn rows_elsewhere_want_a_centre_of_their_own() {
        let mut random = Random::new();
        let mut rows = |offset: f32| -> Vec<Vec<f32>> {
            (0..300).map(|_| random.floats(16).iter().map(|x| x + offset).collect()).collect()
        };
        let (here, near, there) = (rows(0.0), rows(0.2), rows(3.0));
        let centre = centre_of(&here, Space::L2);
        let is_far =
            |rows: &[Vec<f32>]| centre.is_far_from(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), Space::L2);
        assert_eq!([&here, &near, &there].map(|rows| is_far(rows)), [false, false, true]);
    }

    #[test]
    fn a_centre_round_trips_and_damage_is_seen() {
        let centre = Centre::new(vec![1.0, -2.5, 1e-40]);
        let bytes = centre.to_bytes();
        assert_eq!(Centre::from_bytes(&bytes, 3).unwrap(), centre);
        assert!(Centre::from_bytes(&bytes, 4).is_err());
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(Centre::from_bytes(&flipped, 3).is_err() && Centre::from_bytes(&bytes[..at], 3).is_err(), "{at}");
        }
        assert!(Centre::of(&[], Space::Cosine).components().is_empty());
    }
}
