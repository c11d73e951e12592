//! What a model made of one fixed text, kept so that another model under its name is found out.
//!
//! For models that cannot be hashed, since others run them. Invariant: two probes are equal when they point the same way
//! but for rounding; services are not stable to the bit, and one model gives nearly the same numbers on every machine.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Components that are kept; more would tell nothing more.
const MOST_COMPONENTS: usize = 512;
/// The least cosine of two probes of one model. Other weights, and another quantisation of the same, give less.
const SAME: f64 = 0.999;

/// The embedding of a fixed text, in 16 bits a component, of which the first 512 are kept.
///
/// Equality is that of a direction (cosine of at least .999), so it is no hash key.
///
/// ```
/// use huedb::record::Probe;
///
/// let kept = Probe::of(&[0.6, 0.8, 0.0]).unwrap();
/// assert_eq!(kept, Probe::of(&[0.600_1, 0.799_9, 0.0]).unwrap());
/// assert_ne!(kept, Probe::of(&[0.8, 0.6, 0.0]).unwrap());
/// assert!(Probe::of(&[0.0; 3]).is_none());
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Probe(Vec<i16>);

impl Probe {
    /// Keeps an embedding; `None` where it has no direction, being empty, zero or not finite.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "within 16 bits by the scale")]
    pub fn of(embedding: &[f32]) -> Option<Self> {
        let kept = embedding.get(..MOST_COMPONENTS).unwrap_or(embedding);
        let most = kept.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let is_finite = kept.iter().all(|value| value.is_finite());
        let scaled = |value: &f32| (f64::from(*value) / f64::from(most) * f64::from(i16::MAX)).round() as i16;
        (is_finite && most > 0.0).then(|| Self(kept.iter().map(scaled).collect()))
    }

    /// Returns the cosine of two probes; 0 where they have different lengths.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f64 {
        if self.0.len() != other.0.len() {
            return 0.0;
        }
        let dot =
            |one: &[i16], two: &[i16]| one.iter().zip(two).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        dot(&self.0, &other.0) / (dot(&self.0, &self.0) * dot(&other.0, &other.0)).sqrt()
    }

    /// Returns a name of its bits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{:08x}", xxh3_64(&self.bytes()) >> 32)
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|value| value.to_le_bytes()).collect()
    }
}

impl PartialEq for Probe {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.similarity(other) >= SAME
    }
}

impl Eq for Probe {}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Probe({})", self.short())
    }
}

impl From<Probe> for String {
    fn from(probe: Probe) -> Self {
        STANDARD.encode(probe.bytes())
    }
}

impl TryFrom<String> for Probe {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WHY: &str = "a probe is base64 of 1 to 512 numbers of 16 bits, not all 0";
        let bytes = STANDARD.decode(text).map_err(|_| WHY)?;
        let (numbers, rest) = bytes.as_chunks::<2>();
        let numbers: Vec<i16> = numbers.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        let is_probe = rest.is_empty() && numbers.len() <= MOST_COMPONENTS && numbers.iter().any(|number| *number != 0);
        if is_probe { Ok(Self(numbers)) } else { Err(WHY) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    #[test]
    fn noise_is_told_from_another_model() {
        let mut random = Random::new();
        for length in [3, 384, 3072] {
            let vector = random.floats(length);
            let noise = random.floats(length);
            let moved = |by: f32| -> Vec<f32> { vector.iter().zip(&noise).map(|(v, n)| v + by * n).collect() };
            let kept = Probe::of(&vector).unwrap();
            assert_eq!(kept, Probe::of(&moved(0.001)).unwrap());
            // Its length does not matter.
            assert_eq!(kept, Probe::of(&vector.iter().map(|v| v * 7.0).collect::<Vec<f32>>()).unwrap());
            let opposite: Vec<f32> = vector.iter().map(|v| -v).collect();
            assert_ne!(kept, Probe::of(&opposite).unwrap());
        }
        let (one, other) = (Probe::of(&random.floats(384)).unwrap(), Probe::of(&random.floats(384)).unwrap());
        assert_ne!(one, other);
        assert_ne!(one.short(), other.short());
        assert_ne!(one, Probe::of(&random.floats(383)).unwrap());
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let probe = Probe::of(&Random::new().floats(1000)).unwrap();
        let json = serde_json::to_string(&probe).unwrap();
        let read: Probe = serde_json::from_str(&json).unwrap();
        assert_eq!(read.0, probe.0);
        assert_eq!(read.0.len(), MOST_COMPONENTS);
        for bad in ["\"\"", "\"AAA=\"", "\"AAAA\"", "\"?\"", "\"AAAAAA==\"", "7"] {
            assert!(serde_json::from_str::<Probe>(bad).is_err(), "{bad}");
        }
        for bad in [&[][..], &[0.0, 0.0], &[f32::NAN, 1.0], &[f32::INFINITY]] {
            assert!(Probe::of(bad).is_none(), "{bad:?}");
        }
    }
}
