//! Token vectors to one vector of a text.
//!
//! Knows no model. Formulas as in Chroma's default embedding function (chroma-contract section 5).

use crate::record::Pooling;

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
    fn vectors_have_length_1_and_zero_stays_zero() {
        let vector = pool(&TOKENS, 3, 2, Pooling::Mean, true).unwrap();
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(pool(&[0.0; 4], 2, 2, Pooling::Mean, true).unwrap(), [0.0, 0.0]);
    }
}
