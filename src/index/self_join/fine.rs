//! Where records lie along many axes: what passes along the few that all pairs are compared by is looked at again here.
//!
//! Of some thousand pairs one passes, so these are compared one by one, in memory, before an embedding is read from the
//! file. Invariant: what is near enough passes.

use super::places::Placed;
use crate::index::kernel::kernels;
use crate::record::Space;
use crate::store::{Centre, Codes, QuantisedQuestion, quantise_query};

/// Records, coded along all axes.
#[derive(Default)]
pub(super) struct Fine {
    axes: usize,
    codes: Vec<i8>,
    numbers: Vec<Numbers>,
}

/// The numbers of [`Codes`].
#[derive(Debug, Clone, Copy)]
struct Numbers {
    factor: f32,
    bias: f32,
    residual: f32,
    length: f32,
}

/// A question along all axes.
pub(super) struct Asked {
    question: QuantisedQuestion,
    allowance: f64,
}

impl Asked {
    pub(super) fn new(placed: &Placed) -> Self {
        let origin = Centre::origin(placed.place.len());
        Self { question: quantise_query(&placed.place, &origin, Space::L2), allowance: placed.allowance }
    }
}

impl Fine {
    pub(super) fn new(axes: usize) -> Self {
        Self { axes, ..Self::default() }
    }

    pub(super) fn push(&mut self, placed: &Placed) {
        let Codes { codes, factor, bias, residual, length } = placed.coded(self.axes);
        self.codes.extend_from_slice(&codes);
        self.numbers.push(Numbers { factor, bias, residual, length });
    }

    /// Returns whether a record may be near enough.
    pub(super) fn passes(&self, row: usize, asked: &Asked) -> bool {
        let codes = self.codes.get(row * self.axes..(row + 1) * self.axes);
        let (Some(codes), Some(numbers)) = (codes, self.numbers.get(row)) else { return true };
        let QuantisedQuestion { codes: own, scale, shared, reach, blur } = &asked.question;
        let slack = f64::from(numbers.residual) + f64::from(*blur) * f64::from(numbers.length);
        let product = f64::from(numbers.factor) * f64::from(*scale) * f64::from(kernels().dot_i8(own, codes));
        let least = f64::from(numbers.bias) - product - f64::from(*reach) * slack + shared;
        // NaN passes.
        least <= asked.allowance || least.is_nan()
    }
}
