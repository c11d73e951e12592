//! With how many bits the components of embeddings are kept.
//!
//! Invariant: what is kept is read back bit for bit, and every distance is that of what is kept.

use half::f16;
use half::slice::HalfFloatSliceExt;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the components of embeddings are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmbeddingPrecision {
    /// As they are given: 32 bits, four bytes.
    #[default]
    F32,
    /// Rounded to the nearest of 16 bits (IEEE 754 binary16, ties to even), two bytes: 11 significant bits, sizes from 6e-8
    /// to 65,504.
    F16,
}

named!(pub EmbeddingPrecision { F32: "f32", F16: "f16" });

impl EmbeddingPrecision {
    /// Returns whether it is the usual one.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the bytes of a component.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    /// Rounds an embedding to what is kept of it.
    ///
    /// # Errors
    /// [`Error::InvalidEmbedding`] when a finite component is too large to be kept.
    pub fn round(self, embedding: &mut [f32]) -> Result<()> {
        if self == Self::F32 {
            return Ok(());
        }
        for (at, component) in embedding.iter_mut().enumerate() {
            let kept = f16::from_f32(*component).to_f32();
            if kept.is_infinite() && component.is_finite() {
                let why = format!("component {at} is {component}, and f16 holds sizes up to 65,504");
                return Err(Error::InvalidEmbedding { why });
            }
            *component = kept;
        }
        Ok(())
    }

    /// Appends the bytes of an embedding that was rounded, little-endian.
    pub(crate) fn put(self, out: &mut Vec<u8>, embedding: &[f32]) {
        match self {
            Self::F32 => out.extend(embedding.iter().flat_map(|component| component.to_le_bytes())),
            Self::F16 => out.extend(embedding.iter().flat_map(|component| f16::from_f32(*component).to_le_bytes())),
        }
    }

    /// Reads the bytes of an embedding.
    pub(crate) fn read(self, bytes: &[u8], into: &mut Vec<f32>) {
        into.clear();
        match self {
            Self::F32 => into.extend(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four))),
            Self::F16 => {
                let halves: Vec<f16> = bytes.as_chunks::<2>().0.iter().map(|two| f16::from_le_bytes(*two)).collect();
                into.resize(halves.len(), 0.0);
                halves.convert_to_f32_slice(into);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    #[test]
    fn what_is_rounded_is_read_back_bit_for_bit() {
        let mut random = Random::new();
        for precision in EmbeddingPrecision::ALL {
            for _ in 0..100 {
                let mut given: Vec<f32> = random.floats(67).iter().map(|x| x * 1000.0).collect();
                given.extend([0.0, -0.0, 65_504.0, 6e-8, 1e-9, 1.0 / 3.0]);
                let before = given.clone();
                precision.round(&mut given).unwrap();
                let (mut bytes, mut read) = (Vec::new(), vec![9.0]);
                precision.put(&mut bytes, &given);
                assert_eq!(bytes.len(), precision.bytes() * given.len());
                precision.read(&bytes, &mut read);
                let bits = |all: &[f32]| all.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&read), bits(&given));
                let far = given.iter().zip(&before).map(|(a, b)| (a - b).abs() / b.abs().max(1e-4)).fold(0.0, f32::max);
                assert!(
                    far <= if precision == EmbeddingPrecision::F32 { 0.0 } else { 1.0 / 2048.0 },
                    "{precision}: {far}"
                );
            }
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let mut large = [1.0, 70_000.0];
        assert!(EmbeddingPrecision::F16.round(&mut large).unwrap_err().to_string().contains("component 1 is 70000"));
        assert!(EmbeddingPrecision::F32.round(&mut large).is_ok());
    }
}
