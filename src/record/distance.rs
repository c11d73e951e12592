//! The three spaces and their distances, as Chroma defines them (`rust/distance/src/distance.rs`).
//!
//! These are the definition, summed in f64; the index has faster kernels that are tested against them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the distance of two embeddings is measured; smaller is nearer in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// Squared Euclidean distance, `sum((a_i - b_i)^2)`; no square root.
    L2,
    /// `1 - sum(a_i * b_i)`.
    Ip,
    /// `1 - cos(a, b)`, with a zero vector at distance 1 from everything.
    #[default]
    Cosine,
}

named!(pub Space { Cosine: "cosine", L2: "l2", Ip: "ip" });

impl Space {
    /// Returns the distance of two embeddings of the same length.
    #[must_use]
    pub fn distance(self, a: &[f32], b: &[f32]) -> f64 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
        match self {
            Self::L2 => a.iter().zip(b).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum(),
            Self::Ip => 1.0 - dot(a, b),
            Self::Cosine => 1.0 - dot(a, b) / ((dot(a, a).sqrt() + 1e-32) * (dot(b, b).sqrt() + 1e-32)),
        }
    }
}

impl FromStr for Space {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::named(name)
            .ok_or_else(|| Error::argument(format!("{name:?} is not a distance function; expected cosine, l2 or ip")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_4_of_the_contract() {
        let q = [3.0, 4.0];
        assert!((Space::Ip.distance(&q, &[6.0, 8.0]) + 49.0).abs() < 1e-12);
        assert!((Space::Cosine.distance(&q, &[0.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!((Space::Cosine.distance(&q, &[0.0, 1.0]) - 0.2).abs() < 1e-12);
        assert!((Space::L2.distance(&q, &[0.0, 0.0]) - 25.0).abs() < 1e-12);
    }
}
