//! The scan of signs: an eighth of the bytes of the codes, read instead of them for a question or two.
//!
//! Finds candidates, as [`super::scan`] does, but ones that are less sure, so more of them are ranked: each comes with
//! the distance it hardly lies below. Rows of the tail have no sketch and all come back. Invariant: of the sealed rows
//! that are allowed, the `depth` whose bound is smallest are returned for each question, in its order.

use super::kernel::{Numbers, Planes, kernels};
use super::nearest::Nearest;
use super::ranked::Bounded;
use super::rows::Allowed;
use super::scan::AT_ONCE;
use super::turns::gather;
use crate::error::Result;
use crate::record::{Ordinal, Space};
use crate::store::{Centre, Estimates, Sketch, View, rows_per_segment};

/// Standard deviations that a bound lies below its estimate: recall@10 at a million rows is that of no bound at all.
const DEVIATIONS: f32 = 2.0;

/// Returns, for each question, every allowed row of the tail and the `depth` sealed rows that may be nearest.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when a sketch does not parse.
pub fn scan_sketch(
    view: &View,
    questions: &[&[f32]],
    allowed: Allowed,
    depth: usize,
    threads: usize,
) -> Result<Vec<Vec<Bounded>>> {
    let (space, dimension) = (view.info().space, view.info().dimension.unwrap_or(1));
    let centre = view.sketch_centre()?;
    let questions: Vec<Question> = questions.iter().map(|question| Question::new(&centre, question, space)).collect();
    // Sketches are small: several segments at a time keep the threads from meeting.
    let step = 8 * rows_per_segment(dimension) as u64;
    let end = view.sealed_until().0;
    let found = gather(end, step, threads, |turns| {
        let mut scanner = Scanner::new(&questions, allowed, depth);
        for stretch in turns {
            view.for_each_sketch(stretch, |first, bytes| scanner.sketch(first, bytes))?;
        }
        Ok(scanner.nearest)
    })?;
    let mut tail = Vec::new();
    view.for_each_tail_row(|ordinal, _, _, _| {
        let bounded = Bounded { ordinal, at_least: f64::NEG_INFINITY };
        tail.extend(Some(bounded).filter(|_| allowed.contains(ordinal)));
        Ok(())
    })?;
    let bounded = |(nearest, question): (Nearest<f32>, &Question)| {
        let bound = |(estimate, ordinal)| Bounded { ordinal, at_least: question.estimates.distance(estimate) };
        tail.iter().copied().chain(nearest.into_sorted().into_iter().map(bound)).collect()
    };
    Ok(found.into_iter().zip(&questions).map(bounded).collect())
}

/// A question ready to be compared.
struct Question {
    planes: Planes,
    estimates: Estimates,
    scale: f32,
    /// What is taken off a product, and what it may be off by.
    shift: f32,
}

impl Question {
    fn new(centre: &Centre, question: &[f32], space: Space) -> Self {
        let difference = centre.difference(question, space);
        let (planes, estimates) = (Planes::new(&difference), Estimates::new(centre, &difference, space));
        let (scale, shift) = planes.scale_and_shift();
        let shift = shift - DEVIATIONS * estimates.deviation(planes.rounding());
        Self { planes, estimates, scale, shift }
    }
}

/// One thread's buffers and what it has found.
struct Scanner<'a> {
    questions: &'a [Question],
    allowed: Allowed<'a>,
    nearest: Vec<Nearest<f32>>,
    sums: Vec<i32>,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl<'a> Scanner<'a> {
    fn new(questions: &'a [Question], allowed: Allowed<'a>, depth: usize) -> Self {
        let nearest = questions.iter().map(|_| Nearest::new(depth)).collect();
        Self { questions, allowed, nearest, sums: Vec::new(), weights: Vec::new(), biases: Vec::new() }
    }

    fn sketch(&mut self, first: Ordinal, bytes: &[u8]) -> Result<()> {
        let sketch = Sketch::parse(bytes)?;
        self.sums.resize(sketch.rows(), 0);
        self.weights.clear();
        self.weights.extend(sketch.weights());
        for (question, nearest) in self.questions.iter().zip(&mut self.nearest) {
            kernels().dot_signs_rows(&question.planes, sketch.signs(), &mut self.sums);
            let Question { scale, shift, .. } = question;
            self.biases.clear();
            self.biases.extend(sketch.biases().zip(&self.weights).map(|(bias, weight)| bias + weight * shift));
            let parts = self.sums.chunks(AT_ONCE).zip(self.weights.chunks(AT_ONCE)).zip(self.biases.chunks(AT_ONCE));
            for (part, ((sums, factors), biases)) in parts.enumerate() {
                let mut distances = [0.0; AT_ONCE];
                let least = kernels().distances(sums, &Numbers { factors, biases }, *scale, &mut distances);
                if least <= nearest.threshold() {
                    for (distance, row) in distances.iter().take(sums.len()).zip(part * AT_ONCE..) {
                        let ordinal = sketch.ordinal(first, row);
                        if *distance <= nearest.threshold() && self.allowed.contains(ordinal) {
                            nearest.push(*distance, ordinal);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
