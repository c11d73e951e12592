//! The scan of signs: an eighth of the bytes of the codes, read instead of them for a question or two.
//!
//! Finds candidates, as [`super::scan`] does, but less certain ones, so more of them are ranked: each comes with a
//! bound that holds with the probability of [`crate::store::DEVIATIONS`]. Rows of the tail have no sketch. Invariant: of
//! the sealed rows that are allowed, the `depth` whose bound is least are returned for each question.

use super::candidates::Candidates;
use super::kernel::{Planes, kernels};
use super::row_filter::{Allowed, AllowedBits};
use super::scan::{BoundedQuestion, keep_least};
use super::top_k::Nearest;
use super::work_sharing::gather;
use crate::error::Result;
use crate::record::{Ordinal, Space};
use crate::store::{Bounds, Centre, Sketch, SketchQuestion, View, difference, rows_per_segment};

/// Returns, for each question, the up to `depth` sealed rows that may be nearest.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when a sketch or its centre does not parse.
pub(super) fn scan_sketch(
    view: &View,
    asked: &[BoundedQuestion],
    allowed: Allowed,
    depth: usize,
    threads: usize,
) -> Result<Vec<Candidates>> {
    scan_sketch_from(view, 0, asked, allowed, depth, threads)
}

/// Does the same with the rows of the segments that begin at an ordinal or later.
pub(super) fn scan_sketch_from(
    view: &View,
    from: u64,
    asked: &[BoundedQuestion],
    allowed: Allowed,
    depth: usize,
    threads: usize,
) -> Result<Vec<Candidates>> {
    // Sketches are small: taking several segments at a time keeps the threads out of one another's way.
    let step = 8 * rows_per_segment(view.info().dimension.unwrap_or(1)) as u64;
    let allowed = AllowedBits::new(allowed, view.end().0, asked.len());
    let found = gather(view.sealed_until().0.saturating_sub(from), step, threads, |turns| {
        let mut scanner = SketchScanner::new(view, asked, &allowed, depth);
        for stretch in turns {
            view.for_each_sketch(from + stretch.start..from + stretch.end, |first, bytes| {
                let sketch = Sketch::parse(bytes)?;
                scanner.prepare(sketch.centre(), || view.centre(Some(sketch.centre())))?;
                scanner.sketch(first, &sketch);
                Ok(())
            })?;
        }
        Ok(scanner.nearest)
    })?;
    Ok(found.into_iter().zip(asked).map(|(nearest, asked)| Candidates::new(nearest, asked.limit)).collect())
}

/// A question ready to be compared with rows around a centre.
struct TurnedQuestion {
    planes: Planes,
    turned: SketchQuestion,
    shared: f64,
    scale: f32,
    shift: f32,
}

impl TurnedQuestion {
    /// `None` where f32 cannot hold bounds for it.
    fn new(embedding: &[f32], centre: &Centre, space: Space) -> Option<Self> {
        let asked = difference(embedding, centre, space)?;
        let turned = SketchQuestion::new(&asked.components, asked.length);
        let planes = Planes::new(&turned.turned);
        let (scale, shift) = planes.scale_and_shift();
        Some(Self { planes, turned, shared: asked.shared, scale, shift })
    }
}

/// One thread's buffers and what it has found.
struct SketchScanner<'a> {
    asked: &'a [BoundedQuestion<'a>],
    space: Space,
    allowed: &'a AllowedBits<'a>,
    nearest: Vec<Nearest<f64>>,
    prepared: Option<(u32, Vec<Option<TurnedQuestion>>)>,
    sums: Vec<i32>,
    bounds: Bounds,
}

impl<'a> SketchScanner<'a> {
    fn new(view: &View, asked: &'a [BoundedQuestion<'a>], allowed: &'a AllowedBits<'a>, depth: usize) -> Self {
        let nearest = asked.iter().map(|asked| Nearest::up_to(depth, asked.limit)).collect();
        let (sums, bounds) = (Vec::new(), Bounds::default());
        Self { asked, space: view.info().space, allowed, nearest, prepared: None, sums, bounds }
    }

    /// Rotates the questions around the centre of the next sketch, unless it is the last one's too.
    fn prepare(&mut self, number: u32, centre: impl FnOnce() -> Result<Centre>) -> Result<()> {
        if self.prepared.as_ref().is_none_or(|(known, _)| *known != number) {
            let centre = centre()?;
            let questions = self.asked.iter().map(|asked| TurnedQuestion::new(asked.embedding, &centre, self.space));
            self.prepared = Some((number, questions.collect()));
        }
        Ok(())
    }

    fn sketch(&mut self, first: Ordinal, sketch: &Sketch) {
        let Self { allowed, nearest, prepared, sums, bounds, .. } = self;
        let Some((_, questions)) = prepared else { return };
        sums.resize(sketch.rows(), 0);
        for (question, nearest) in questions.iter().zip(nearest) {
            let Some(question) = question else {
                // Nothing is known of any of its rows.
                nearest.give_up(f64::NEG_INFINITY);
                continue;
            };
            kernels().dot_signs_rows(&question.planes, sketch.signs(), sums);
            sketch.read_bounds(&question.turned, (question.shift, question.planes.lost()), bounds);
            let (numbers, keeps) = ((question.scale, question.shared), |ordinal| allowed.contains(ordinal));
            keep_least(sums, bounds, numbers, nearest, keeps, |row| sketch.ordinal(first, row));
        }
    }
}
