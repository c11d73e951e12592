//! The exact distance of one question to stored embeddings, in f64.
//!
//! What every path ranks its last candidates by. Invariant: the same two embeddings give the same distance
//! whichever path compares them, and it is the one [`Space::distance`] defines, up to the order of summation.

use crate::record::Space;

const LANES: usize = 8;
/// What Chroma adds to the length of an embedding before it divides by it.
const SHORTEST: f64 = 1e-32;
/// From this length on, an f64 does not see that.
const SHORT: f64 = 1e-16;

/// A question prepared to be compared with many rows.
#[derive(Debug, Clone)]
pub(crate) struct Measure<'q> {
    space: Space,
    question: &'q [f32],
    /// Its product with itself, summed as a row's is, so that equal embeddings are at cosine distance 0 exactly.
    squared: f64,
}

impl<'q> Measure<'q> {
    /// Prepares a question.
    #[must_use]
    pub(crate) fn new(space: Space, question: &'q [f32]) -> Self {
        let bytes: Vec<[u8; 4]> = question.iter().map(|x| x.to_le_bytes()).collect();
        Self { space, question, squared: sum(question, &bytes, |q, x| q * x) }
    }

    /// Returns the distance to an embedding given as little-endian bytes, four a component.
    #[must_use]
    pub(crate) fn distance(&self, row: &[u8]) -> f64 {
        let row = row.as_chunks::<4>().0;
        match self.space {
            Space::L2 => sum(self.question, row, |q, x| (q - x) * (q - x)),
            Space::Ip => 1.0 - sum(self.question, row, |q, x| q * x),
            Space::Cosine => {
                let dot = sum(self.question, row, |q, x| q * x);
                let squared = sum(self.question, row, |_, x| x * x);
                // A zero vector is at distance 1 from everything, as in Chroma: it adds this to every length.
                let norms = if squared.min(self.squared) < SHORT * SHORT {
                    (squared.sqrt() + SHORTEST) * (self.squared.sqrt() + SHORTEST)
                } else {
                    (self.squared * squared).sqrt()
                };
                (1.0 - dot / norms).max(0.0)
            }
        }
    }
}

/// Sums over components in independent lanes, which the compiler turns into vector instructions.
fn sum(question: &[f32], row: &[[u8; 4]], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (question_blocks, question_rest) = question.as_chunks::<LANES>();
    let (row_blocks, row_rest) = row.as_chunks::<LANES>();
    let term = |q: f32, x: [u8; 4]| term(f64::from(q), f64::from(f32::from_le_bytes(x)));
    for (questions, rows) in question_blocks.iter().zip(row_blocks) {
        for ((lane, q), x) in lanes.iter_mut().zip(questions).zip(rows) {
            *lane += term(*q, *x);
        }
    }
    let rest: f64 = question_rest.iter().zip(row_rest).map(|(q, x)| term(*q, *x)).sum();
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_definition_in_every_space_and_length() {
        for dimension in 1..70_u16 {
            let q: Vec<f32> = (0..dimension).map(|i| (f32::from(i) * 1.3).sin()).collect();
            let x: Vec<f32> = (0..dimension).map(|i| (f32::from(i) * 0.4).cos() * 5.0).collect();
            let bytes: Vec<u8> = x.iter().flat_map(|f| f.to_le_bytes()).collect();
            for space in Space::ALL {
                let exact = space.distance(&q, &x);
                assert!((Measure::new(space, &q).distance(&bytes) - exact).abs() <= 1e-12 * exact.abs().max(1.0));
            }
        }
    }

    #[test]
    fn embeddings_near_the_smallest_of_f32_have_the_defined_distance() {
        let q = [1.0_f32, 0.5, -2.0];
        for length in [1e-15, 1e-20, 1e-31, 1e-32, 1e-37, 1e-44, 0.0] {
            let x = q.map(|x| x * length);
            let bytes: Vec<u8> = x.iter().flat_map(|f| f.to_le_bytes()).collect();
            for (question, row) in [(&q, &x), (&x, &x)] {
                let (exact, found) = (Space::Cosine.distance(question, row), Measure::new(Space::Cosine, question));
                assert!((found.distance(&bytes) - exact).abs() < 1e-12, "{length}: {exact}");
            }
        }
    }

    #[test]
    fn an_embedding_is_at_cosine_distance_zero_from_itself() {
        for dimension in 1..70_u16 {
            let q: Vec<f32> = (0..dimension).map(|i| (f32::from(i) * 1.3 + 0.1).sin() * 0.037).collect();
            let bytes: Vec<u8> = q.iter().flat_map(|f| f.to_le_bytes()).collect();
            assert!(Measure::new(Space::Cosine, &q).distance(&bytes) == 0.0, "dimension {dimension}");
        }
    }

    #[test]
    fn zero_vectors_are_at_cosine_distance_one() {
        let zeros = [0; 8];
        assert!((Measure::new(Space::Cosine, &[3.0, 4.0]).distance(&zeros) - 1.0).abs() < 1e-12);
        assert!((Measure::new(Space::Cosine, &[0.0, 0.0]).distance(&zeros) - 1.0).abs() < 1e-12);
    }
}
