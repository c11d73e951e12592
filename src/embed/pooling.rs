//! Token vectors to one vector of a text.
//!
//! Knows no model. Formulas as in Chroma's default embedding function (chroma-contract section 5).

use crate::record::Pooling;

/// What becomes of the output of a model for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// One vector of its token vectors.
    Pooled { pooling: Pooling, normalize: bool },
    /// The weight of each term of its vocabulary.
    Terms,
}

impl Head {
    /// Returns the names that the output has among others, the likeliest first.
    pub(super) fn outputs(self) -> &'static [&'static str] {
        match self {
            Self::Pooled { .. } => &["last_hidden_state", "token_embeddings"],
            Self::Terms => &["logits", "sentence_embedding"],
        }
    }

    /// Makes one vector of the output for a text: that of its first `tokens` tokens, or one that the model pooled by
    /// itself. `None` when it is too short.
    pub(super) fn apply(self, output: &[f32], tokens: Option<usize>, dimension: usize) -> Option<Vec<f32>> {
        match self {
            Self::Pooled { pooling, normalize } => pool(output, tokens.unwrap_or(1), dimension, pooling, normalize),
            Self::Terms => term_weights(output, tokens, dimension),
        }
    }
}

/// Weighs terms as SPLADE does, by the largest `ln(1 + max(0, x))` of a text's tokens (Formal et al. 2021); what a model
/// pooled by itself are weights already.
fn term_weights(output: &[f32], tokens: Option<usize>, dimension: usize) -> Option<Vec<f32>> {
    let mut largest = vec![0.0_f32; dimension];
    for row in output.get(..tokens.unwrap_or(1).checked_mul(dimension)?)?.chunks_exact(dimension) {
        for (largest, x) in largest.iter_mut().zip(row) {
            // NaN is kept, so that it is refused.
            *largest = if x.is_nan() || largest.is_nan() { f32::NAN } else { largest.max(*x) };
        }
    }
    if tokens.is_some() {
        for x in &mut largest {
            *x = x.ln_1p();
        }
    }
    Some(largest)
}

/// Pools the token vectors of one text and scales the result to length 1 when asked to.
///
/// `tokens` holds `length` vectors of `dimension` components and may hold padding after them. `None` when it
/// is too short.
pub(super) fn pool(
    tokens: &[f32],
    length: usize,
    dimension: usize,
    pooling: Pooling,
    normalize: bool,
) -> Option<Vec<f32>> {
    let mut rows = tokens.get(..length.checked_mul(dimension)?)?.chunks_exact(dimension);
    let mut vector = match pooling {
        Pooling::Cls => rows.next()?.to_vec(),
        Pooling::Last => rows.next_back()?.to_vec(),
        Pooling::Mean => {
            let mut sum = vec![0.0; dimension];
            for row in rows {
                for (sum, x) in sum.iter_mut().zip(row) {
                    *sum += x;
                }
            }
            // sum / clip(count, 1e-9); only texts with tokens get here.
            #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^24")]
            let count = length as f32;
            for x in &mut sum {
                *x /= count;
            }
            sum
        }
    };
    if normalize {
        scale_to_length_1(&mut vector);
    }
    Some(vector)
}

/// Divides a vector by its Euclidean norm; a norm of 0 counts as 1e-12.
pub(super) fn scale_to_length_1(vector: &mut [f32]) {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    let norm = if norm == 0.0 { 1e-12 } else { norm };
    for x in vector {
        *x /= norm;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: [f32; 8] = [1.0, 2.0, 3.0, 6.0, 5.0, 10.0, 99.0, 99.0];

    #[test]
    fn padding_is_never_seen() {
        assert_eq!(pool(&TOKENS, 3, 2, Pooling::Mean, false).unwrap(), [3.0, 6.0]);
        assert_eq!(pool(&TOKENS, 3, 2, Pooling::Cls, false).unwrap(), [1.0, 2.0]);
        assert_eq!(pool(&TOKENS, 3, 2, Pooling::Last, false).unwrap(), [5.0, 10.0]);
        assert!(pool(&TOKENS, 5, 2, Pooling::Mean, false).is_none());
    }

    #[test]
    fn terms_are_weighed_by_the_token_that_says_most_of_them() {
        let weights = |tokens| Head::Terms.apply(&[-1.0, 2.0, 0.5, 1.0, 99.0, 99.0], tokens, 2).unwrap();
        assert_eq!(weights(Some(2)), [0.5_f32.ln_1p(), 2.0_f32.ln_1p()]);
        assert_eq!(weights(Some(1)), [0.0, 2.0_f32.ln_1p()]);
        assert_eq!(weights(None), [0.0, 2.0]);
        assert!(Head::Terms.apply(&[0.0, f32::NAN, 1.0, 1.0], Some(2), 2).unwrap()[1].is_nan());
        assert!(Head::Terms.apply(&[1.0], None, 2).is_none());
    }

    #[test]
    fn vectors_have_length_1_and_zero_stays_zero() {
        let vector = pool(&TOKENS, 3, 2, Pooling::Mean, true).unwrap();
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(pool(&[0.0; 4], 2, 2, Pooling::Mean, true).unwrap(), [0.0, 0.0]);
    }
}
