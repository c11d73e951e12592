//! The scan of signs: an eighth of the bytes of the codes, read instead of them for a question or two.
//!
//! Finds candidates, as [`super::scan`] does, but ones that are less sure, so more of them are ranked. Rows of the tail
//! have no sketch and all come back. Invariant: of the sealed rows that are allowed, the `depth` whose estimated
//! distance is smallest are returned for each question.

use super::kernel::{Planes, kernels};
use super::nearest::Nearest;
use super::scan::Allowed;
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
}

impl<'a> Scanner<'a> {
    fn new(questions: &'a [Planes], allowed: Allowed<'a>, depth: usize) -> Self {
        let nearest = questions.iter().map(|_| Nearest::new(depth)).collect();
        Self { questions, allowed, nearest, sums: Vec::new() }
    }

    fn sketch(&mut self, first: Ordinal, bytes: &[u8]) -> Result<()> {
        let sketch = Sketch::parse(bytes)?;
        self.sums.resize(sketch.rows(), 0);
        for (question, nearest) in self.questions.iter().zip(&mut self.nearest) {
            kernels().dot_signs_rows(question, sketch.signs(), &mut self.sums);
            let mut threshold = nearest.threshold();
            for (row, (sum, (weight, bias))) in self.sums.iter().zip(sketch.numbers()).enumerate() {
                let distance = bias - weight * question.product(*sum);
                if distance <= threshold {
                    let ordinal = sketch.ordinal(first, row);
                    if self.allowed.contains(ordinal) {
                        nearest.push(distance, ordinal);
                        threshold = nearest.threshold();
                    }
                }
            }
        }
        Ok(())
    }
}
