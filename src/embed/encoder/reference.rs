//! The encoder with weights of 8 bits and nothing else rounded: what the vectors of [`super`] are to be near to.
//!
//! Invariant: as plain as the paper has it, in numbers of 64 bits.

use super::layout::{COLUMNS, STEP};
use super::model::{Dense, Model, Norm};
use crate::record::Pooling;

/// Embeds a text, to a vector of length 1.
pub(in super::super) fn embed(packed: &[u8], ids: &[u32], pooling: Pooling) -> Vec<f64> {
    let model = &Model::open(packed).unwrap();
    let mut rows: Vec<Vec<f64>> = ids
        .iter()
        .enumerate()
        .map(|(place, id)| {
            let [words, places, segments] = &model.tables;
            let of = |table: &super::model::Table, row: usize| -> Vec<f64> {
                let (bytes, [scale, zero]) = table.row(row);
                let bytes = bytes.as_flattened().iter();
                bytes.map(|byte| (f64::from(*byte) - f64::from(zero)) * f64::from(scale)).collect()
            };
            let both = sum(&of(words, *id as usize), &of(places, model.first_position + place));
            let segment = of(segments, 0);
            normal(&if segment.is_empty() { both } else { sum(&both, &segment) }, &model.norm)
        })
        .collect();
    for layer in &model.layers {
        let all: Vec<Vec<f64>> = rows.iter().map(|row| product(&layer.query_key_value, row)).collect();
        let seen = attention(&all, model);
        for (row, seen) in rows.iter_mut().zip(seen) {
            *row = normal(&sum(row, &product(&layer.output, &seen)), &layer.attention_norm);
            let between: Vec<f64> = product(&layer.up, row).into_iter().map(gelu).collect();
            *row = normal(&sum(row, &product(&layer.down, &between)), &layer.norm);
        }
    }
    let mut vector = vec![0.0; model.hidden];
    let rows = match pooling {
        Pooling::Mean => &rows[..],
        Pooling::Cls => &rows[..1],
        Pooling::Last => &rows[rows.len() - 1..],
    };
    for row in rows {
        vector = sum(&vector, row);
    }
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn product(layer: &Dense, row: &[f64]) -> Vec<f64> {
    let (scales, biases) = (layer.scales.as_flattened(), layer.biases.as_flattened());
    let mut sums = vec![0.0; layer.columns];
    for (panel, steps) in layer.weights.chunks_exact(layer.steps).enumerate() {
        for (step, x) in steps.iter().zip(row.as_chunks::<STEP>().0) {
            for (column, weights) in step.as_chunks::<STEP>().0.iter().enumerate() {
                let products = weights.iter().zip(x).map(|(weight, x)| f64::from(*weight) * x);
                sums[panel * COLUMNS + column] += products.sum::<f64>();
            }
        }
    }
    let numbers = scales.iter().zip(biases);
    sums.iter().zip(numbers).map(|(sum, (scale, bias))| sum * f64::from(*scale) + f64::from(*bias)).collect()
}

fn normal(row: &[f64], norm: &Norm) -> Vec<f64> {
    let count = row.len() as f64;
    let mean = row.iter().sum::<f64>() / count;
    let spread = (row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count + f64::from(norm.epsilon)).sqrt();
    let numbers = norm.weights.as_flattened().iter().zip(norm.biases.as_flattened());
    row.iter()
        .zip(numbers)
        .map(|(x, (weight, bias))| (x - mean) / spread * f64::from(*weight) + f64::from(*bias))
        .collect()
}

fn attention(all: &[Vec<f64>], model: &Model<'_>) -> Vec<Vec<f64>> {
    let (hidden, size) = (model.hidden, model.parts * 16);
    let part = |token: usize, which: usize, head: usize| &all[token][which * hidden + head * size..][..size];
    let mut seen = vec![vec![0.0; hidden]; all.len()];
    for (token, seen) in seen.iter_mut().enumerate() {
        for head in 0..hidden / size {
            let question = part(token, 0, head);
            let dot = |key: &[f64]| question.iter().zip(key).map(|(a, b)| a * b).sum::<f64>();
            // The questions carry what makes these powers of 2.
            let bias = |other: usize| {
                let kind = kind_of_distance(other as f64 - token as f64);
                model.biases.chunks(32).nth(head).map_or(0.0, |of_head| f64::from(of_head[kind]))
            };
            let weights: Vec<f64> =
                (0..all.len()).map(|other| (dot(part(other, 1, head)) + bias(other)).exp2()).collect();
            let total: f64 = weights.iter().sum();
            for (other, weight) in weights.iter().enumerate() {
                let out = seen[head * size..][..size].iter_mut();
                out.zip(part(other, 2, head)).for_each(|(out, value)| *out += weight / total * value);
            }
        }
    }
    seen
}

/// As `MPNet`'s authors have it: 32 kinds, 8 of them for near distances of either direction, up to 128.
#[expect(clippy::cast_sign_loss, reason = "none is below 0")]
pub(in super::super) fn kind_of_distance(distance: f64) -> usize {
    let apart = distance.abs();
    // The logarithm of a power of 2 is to be no less than it is.
    let far = 8.0 + ((apart / 8.0).ln() / 16.0_f64.ln() * 8.0 + 1e-9).floor();
    let kind = if apart < 8.0 { apart } else { far.min(15.0) };
    kind as usize + if distance > 0.0 { 16 } else { 0 }
}

/// x/2 (1 + erf(x / sqrt 2)), the error function by the formula 7.1.26 of Abramowitz and Stegun (1.5e-7).
pub(in super::super) fn gelu(x: f64) -> f64 {
    let y = x.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * y);
    let factors = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let erf = 1.0 - factors.iter().fold(0.0, |sum, factor| (sum + factor) * t) * (-y * y).exp();
    x / 2.0 * (1.0 + erf.copysign(x))
}
