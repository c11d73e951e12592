//! What pgvector makes of embeddings: how it indexes them, how it measures a question, and how far off that may be.
//!
//! Invariant: the distance that a file gives is within the error of the one that SQL computes, or that one is infinite.

use crate::record::Space;

/// The relative rounding error of an f32.
pub(super) const ROUNDING: f64 = 5.960_464_5e-8;
/// Squares of components that are longer or shorter than these leave the range of f32.
const LENGTHS: (f64, f64) = (1e-14, 1e18);

/// How the index of a collection sees its embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As they are.
    Full,
    /// With components of half the bits.
    Half,
    /// By the signs of their components.
    Signs,
}

impl Kind {
    /// Returns what pgvector can index of so many components.
    pub(super) fn of(dimension: usize) -> Self {
        match dimension {
            0..=2000 => Self::Full,
            2001..=4000 => Self::Half,
            _ => Self::Signs,
        }
    }

    /// Returns what is indexed, of a column or a parameter, as SQL writes it.
    pub(super) fn expression(self, of: &str, dimension: usize) -> String {
        match self {
            Self::Full => format!("({of}::vector({dimension}))"),
            Self::Half => format!("({of}::halfvec({dimension}))"),
            Self::Signs => format!("(binary_quantize({of}::vector({dimension}))::bit({dimension}))"),
        }
    }

    /// Returns the class of operators that an index of it has.
    pub(super) fn operator_class(self, space: Space) -> &'static str {
        match (self, space) {
            (Self::Full, Space::L2) => "vector_l2_ops",
            (Self::Full, Space::Ip) => "vector_ip_ops",
            (Self::Full, Space::Cosine) => "vector_cosine_ops",
            (Self::Half, Space::L2) => "halfvec_l2_ops",
            (Self::Half, Space::Ip) => "halfvec_ip_ops",
            (Self::Half, Space::Cosine) => "halfvec_cosine_ops",
            (Self::Signs, _) => "bit_hamming_ops",
        }
    }

    /// Returns the operator that orders by the distance of a space.
    pub(super) fn operator(self, space: Space) -> &'static str {
        if self == Self::Signs { "<~>" } else { operator(space) }
    }
}

pub(super) fn operator(space: Space) -> &'static str {
    match space {
        Space::L2 => "<->",
        Space::Ip => "<#>",
        Space::Cosine => "<=>",
    }
}

/// A question as it is measured by f32.
pub(super) struct Measured<'q> {
    space: Space,
    pub(super) question: &'q [f32],
    length: f64,
}

impl<'q> Measured<'q> {
    pub(super) fn new(space: Space, question: &'q [f32]) -> Self {
        let length = question.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        Self { space, question, length }
    }

    /// Whether no record is nearer than another: a zero vector in a cosine space.
    pub(super) fn is_nowhere(&self) -> bool {
        self.space == Space::Cosine && self.length == 0.0
    }

    /// Returns what the records are ordered by for a distance as SQL computes it, infinite where f32 is of no use; smaller is nearer.
    pub(super) fn distance(&self, distance: &str) -> String {
        match self.space {
            Space::L2 => format!("power({distance}, 2)"),
            Space::Ip => distance.to_owned(),
            Space::Cosine if !(LENGTHS.0..LENGTHS.1).contains(&self.length) => {
                format!("coalesce(float8 'infinity', {distance})")
            }
            Space::Cosine => {
                let (least, most) = LENGTHS;
                format!(
                    "(case when vector_norm(embedding) between float8 '{least:e}' and float8 '{most:e}' then {distance} else 'infinity' end)"
                )
            }
        }
    }

    /// Returns the same, but minus infinity where f32 is of no use, so that it is ordered before the others.
    pub(super) fn distance_or_first(&self, distance: &str) -> String {
        match self.space {
            Space::Cosine => self.distance(distance).replace("'infinity'", "'-infinity'"),
            Space::L2 | Space::Ip => {
                let distance = self.distance(distance);
                format!("(case when {distance} < float8 'infinity' then {distance} else '-infinity' end)")
            }
        }
    }

    /// Returns how far a distance may be off, where that depends on nothing but the distance.
    pub(super) fn error_at(&self, distance: f64) -> Option<f64> {
        let part = self.part();
        match self.space {
            Space::L2 => Some(part * distance + 1e-37),
            Space::Cosine => Some(2.0 * part),
            Space::Ip => None,
        }
    }

    /// Each product and each sum is rounded once, the norms and the root too.
    #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
    fn part(&self) -> f64 {
        (self.question.len() as f64 + 16.0) * ROUNDING * 2.0
    }

    /// Returns how far that may be off, as SQL computes it from that distance.
    pub(super) fn error(&self, distance: &str) -> String {
        let part = self.part();
        // A file subtracts products from 1, which rounds them in f64.
        match self.space {
            Space::L2 => format!("(float8 '{part:e}' * {distance} + float8 '1e-37')"),
            Space::Ip => format!("(float8 '{:e}' * vector_norm(embedding) + float8 '3e-16')", part * self.length),
            Space::Cosine => format!("float8 '{:e}'", 2.0 * part),
        }
    }
}
