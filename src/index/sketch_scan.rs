//! The scan of signs: an eighth of the bytes of the codes, read instead of them for a question or two.
//!
//! Finds candidates, as [`super::scan`] does, but ones that are less sure, so more of them are ranked. Rows of the tail
//! have no sketch and all come back. Invariant: of the sealed rows that are allowed, the `depth` whose estimated
//! distance is smallest are returned for each question.

use super::kernel::{Numbers, Planes, kernels};
use super::nearest::Nearest;
use super::scan::{AT_ONCE, Allowed};
use super::turns::gather;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::{Sketch, View, rows_per_segment};

/// Returns, for each question, the `depth` sealed rows that seem nearest, and every allowed row of the tail.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when a sketch does not parse.
pub fn scan_sketch(
    view: &View,
    questions: &[&[f32]],
    allowed: Allowed,
    depth: usize,
    threads: usize,
) -> Result<Vec<Vec<Ordinal>>> {
    let (space, dimension) = (view.info().space, view.info().dimension.unwrap_or(1));
    let centre = view.sketch_centre()?;
    let questions: Vec<Planes> =
        questions.iter().map(|question| Planes::new(&centre.difference(question, space))).collect();
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
        tail.extend(Some(ordinal).filter(|ordinal| allowed.contains(*ordinal)));
        Ok(())
    })?;
    let ordinals = |nearest: Nearest<f32>| nearest.into_sorted().into_iter().map(|(_, ordinal)| ordinal);
    Ok(found.into_iter().map(|nearest| ordinals(nearest).chain(tail.iter().copied()).collect()).collect())
}

/// One thread's buffers and what it has found.
struct Scanner<'a> {
    questions: &'a [Planes],
    allowed: Allowed<'a>,
    nearest: Vec<Nearest<f32>>,
    sums: Vec<i32>,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl<'a> Scanner<'a> {
    fn new(questions: &'a [Planes], allowed: Allowed<'a>, depth: usize) -> Self {
        let nearest = questions.iter().map(|_| Nearest::new(depth)).collect();
        Self { questions, allowed, nearest, sums: Vec::new(), weights: Vec::new(), biases: Vec::new() }
    }

    fn sketch(&mut self, first: Ordinal, bytes: &[u8]) -> Result<()> {
        let sketch = Sketch::parse(bytes)?;
        self.sums.resize(sketch.rows(), 0);
        self.weights.clear();
        self.weights.extend(sketch.weights());
        for (question, nearest) in self.questions.iter().zip(&mut self.nearest) {
            kernels().dot_signs_rows(question, sketch.signs(), &mut self.sums);
            let (scale, shift) = question.scale_and_shift();
            self.biases.clear();
            self.biases.extend(sketch.biases().zip(&self.weights).map(|(bias, weight)| bias + weight * shift));
            let parts = self.sums.chunks(AT_ONCE).zip(self.weights.chunks(AT_ONCE)).zip(self.biases.chunks(AT_ONCE));
            for (part, ((sums, factors), biases)) in parts.enumerate() {
                let mut distances = [0.0; AT_ONCE];
                let least = kernels().distances(sums, &Numbers { factors, biases }, scale, &mut distances);
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
