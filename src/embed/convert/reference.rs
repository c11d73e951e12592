//! The encoders as their papers have them, in numbers of 64 bits, from the tensors of a model's files: what a converted model
//! is to be near to.
//!
//! Invariant: nothing of the code that is tested is used, but for the plain formulas in [`super::super::encoder::reference`].

use std::collections::BTreeMap;

use super::super::encoder::reference::{gelu, kind_of_distance};
use super::architecture::Family;
use crate::record::Pooling;

/// A model's tensors by name, those with two sides as rows.
pub(super) struct Plain<'t> {
    pub(super) family: Family,
    pub(super) tensors: &'t BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) epsilon: f64,
}

type Rows = Vec<Vec<f64>>;

impl Plain<'_> {
    /// Embeds a text, to a vector of length 1.
    pub(super) fn embed(&self, ids: &[u32], pooling: Pooling) -> Vec<f64> {
        let first = if self.family == Family::Bert { 0 } else { 2 };
        let table = |name: &str, row: usize| self.row(&format!("embeddings.{name}_embeddings.weight"), row);
        let mut rows: Rows = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            let mut sum = add(&table("word", *id as usize), &table("position", first + place));
            if self.family != Family::Mpnet {
                sum = add(&sum, &table("token_type", 0));
            }
            rows.push(self.normal("embeddings.LayerNorm", &sum));
        }
        for layer in 0..self.layers {
            let [query, key, value, output, norm] = match self.family {
                Family::Mpnet => ["attn.q", "attn.k", "attn.v", "attn.o", "LayerNorm"],
                _ => ["self.query", "self.key", "self.value", "output.dense", "output.LayerNorm"],
            }
            .map(|part| format!("encoder.layer.{layer}.attention.{part}"));
            let [up, down, last] = ["intermediate.dense", "output.dense", "output.LayerNorm"]
                .map(|part| format!("encoder.layer.{layer}.{part}"));
            let all = |place: &str| -> Rows { rows.iter().map(|row| self.dense(place, row)).collect() };
            let seen = self.attend(&all(&query), &all(&key), &all(&value));
            for (row, seen) in rows.iter_mut().zip(seen) {
                *row = self.normal(&norm, &add(row, &self.dense(&output, &seen)));
                let between: Vec<f64> = self.dense(&up, row).into_iter().map(gelu).collect();
                *row = self.normal(&last, &add(row, &self.dense(&down, &between)));
            }
        }
        let rows = match pooling {
            Pooling::Mean => &rows[..],
            Pooling::Cls => &rows[..1],
            Pooling::Last => &rows[rows.len() - 1..],
        };
        let sum = rows.iter().fold(vec![0.0; rows[0].len()], |sum, row| add(&sum, row));
        let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        sum.into_iter().map(|x| x / length).collect()
    }

    fn row(&self, name: &str, row: usize) -> Vec<f64> {
        let (sides, numbers) = &self.tensors[name];
        let columns = *sides.last().unwrap();
        numbers[row * columns..][..columns].iter().map(|x| f64::from(*x)).collect()
    }

    fn dense(&self, place: &str, row: &[f64]) -> Vec<f64> {
        let name = format!("{place}.weight");
        let biases = self.row(&format!("{place}.bias"), 0);
        let sum = |(column, bias): (usize, f64)| {
            self.row(&name, column).iter().zip(row).map(|(weight, x)| weight * x).sum::<f64>() + bias
        };
        biases.into_iter().enumerate().map(sum).collect()
    }

    fn normal(&self, place: &str, row: &[f64]) -> Vec<f64> {
        let count = row.len() as f64;
        let mean = row.iter().sum::<f64>() / count;
        let spread = (row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count + self.epsilon).sqrt();
        let (weights, biases) = (self.row(&format!("{place}.weight"), 0), self.row(&format!("{place}.bias"), 0));
        row.iter()
            .zip(weights.iter().zip(biases))
            .map(|(x, (weight, bias))| (x - mean) / spread * weight + bias)
            .collect()
    }

    fn attend(&self, queries: &Rows, keys: &Rows, values: &Rows) -> Rows {
        let size = queries[0].len() / self.heads;
        let part = |row: &[f64], head: usize| row[head * size..][..size].to_vec();
        let mut seen: Rows = vec![Vec::new(); queries.len()];
        for (token, seen) in seen.iter_mut().enumerate() {
            for head in 0..self.heads {
                let query = part(&queries[token], head);
                let score = |(other, key): (usize, &Vec<f64>)| {
                    let dot: f64 = query.iter().zip(part(key, head)).map(|(a, b)| a * b).sum();
                    let bias = if self.family == Family::Mpnet {
                        let kind = kind_of_distance(other as f64 - token as f64);
                        self.row("encoder.relative_attention_bias.weight", kind)[head]
                    } else {
                        0.0
                    };
                    (dot / (size as f64).sqrt() + bias).exp()
                };
                let weights: Vec<f64> = keys.iter().enumerate().map(score).collect();
                let total: f64 = weights.iter().sum();
                let mut sum = vec![0.0; size];
                for (weight, value) in weights.iter().zip(values) {
                    sum.iter_mut().zip(part(value, head)).for_each(|(sum, x)| *sum += weight / total * x);
                }
                seen.extend(sum);
            }
        }
        seen
    }
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}
