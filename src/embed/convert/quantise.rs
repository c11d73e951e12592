//! Finite numbers of 32 bits rounded to 8.
//!
//! Invariant: what is rounded is off by half a step at most. A step of a weight is a 127th of the largest of its column: with a
//! 64th, as for the built-in model, three times as much is lost.

use super::super::encoder::Weights;

/// As much to either side.
pub(super) const LARGEST_WEIGHT: f32 = 127.0;

/// Rounds the columns of a dense layer, each with its own scale.
pub(super) fn dense<'c>(columns: impl Iterator<Item = &'c [f32]>, biases: Vec<f32>) -> Weights {
    let mut weights = Weights { columns: Vec::with_capacity(biases.len()), scales: Vec::new(), biases };
    for column in columns {
        let most = column.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = if most == 0.0 { 1.0 } else { most / LARGEST_WEIGHT };
        weights.columns.push(column.iter().map(|x| whole(x / scale)).collect());
        weights.scales.push(scale);
    }
    weights
}

#[expect(clippy::cast_possible_truncation, reason = "within the bounds")]
pub(super) fn whole(x: f32) -> i8 {
    x.round_ties_even().clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT) as i8
}

/// Rounds a row of a table to bytes; returns its scale and its zero point.
pub(super) fn row(row: &[f32], bytes: &mut Vec<u8>) -> [f32; 2] {
    let least = row.iter().copied().fold(f32::INFINITY, f32::min);
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let scale = if most > least { (most - least) / 255.0 } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds")]
    bytes.extend(row.iter().map(|x| ((x - least) / scale).round_ties_even().clamp(0.0, 255.0) as u8));
    [scale, -least / scale]
}
