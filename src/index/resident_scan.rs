//! The search of rows that stay in memory, for one question: signs say which codes to look at, codes which rows to rank.
//!
//! Each row that its signs cannot exclude is bounded by its codes from below and, roughly, from above; the k-th least of
//! the upper bounds is how far a row may lie. Invariant: no allowed row that is let go lies nearer than what is said of the
//! rest ([`Candidates::beyond`]), with signs by the probability of [`DEVIATIONS`]; the upper bounds, which
//! are not proved, only decide where that limit is.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::candidates::{Bounded, Candidates};
use super::kernel::{EIGHT, Planes, SignNumbers, SignTerms, kernels, prefetch};
use super::resident::{ResidentRows, ResidentSegment};
use super::row_filter::Allowed;
use super::work_sharing::in_parts;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::{Centre, QuantisedQuestion, Segment, SketchQuestion, SketchTerms, difference, quantise_query};

/// Standard deviations that a bound by signs is below its estimate: more than where codes have to be read from the file
/// for each row that is left. A row at the very edge is missed once in a billion times.
const DEVIATIONS: f32 = 6.0;
/// Rows with a common least bound, which are examined together or skipped together.
const BLOCK_ROWS: usize = 64;
/// Blocks whose likeliest row is examined first, so that the limit starts near its final value.
const LIKELIEST_PER_HIT: usize = 4;
/// Below this fraction of all rows, codes are read one by one.
const FEW: u64 = 50;
/// Rows whose codes are on their way from memory while one is looked at.
const FETCHED_AHEAD: usize = 4;
/// Segments that are worth a thread.
const SEGMENTS_PER_THREAD: usize = 64;
/// What f32 arithmetic may add to a slack.
const ROUNDED_UP: f32 = 1.0 + 1e-6;

/// Returns the rows that may be among the `k` nearest.
pub(super) fn scan_resident(
    rows: &ResidentRows,
    question: &[f32],
    allowed: Allowed,
    k: usize,
    threads: usize,
) -> Result<Candidates> {
    let few = match allowed {
        Allowed::Only(set) if set.len() < rows.end() / FEW => Some(set),
        _ => None,
    };
    if let Some(set) = few {
        let mut scan = Scan::new(rows, question, allowed, k);
        rows.for_each_row(set, |resident, segment, row, ordinal| {
            let asked = asked(&mut scan.asked, rows, question, segment.centre())?;
            scan.best.offer(&asked.codes, (resident, segment), row, ordinal);
            Ok(())
        })?;
        return Ok(scan.best.into_candidates());
    }
    let segments: Vec<&ResidentSegment> = rows.all().collect();
    let found = in_parts(segments.len(), SEGMENTS_PER_THREAD, threads, |part| {
        let mut scan = Scan::new(rows, question, allowed, k);
        scan.segments(segments.get(part).unwrap_or_default())?;
        Ok(scan.best)
    })?;
    let best = found.into_iter().reduce(ResidentBest::merge).unwrap_or_else(|| ResidentBest::new(k));
    Ok(best.into_candidates())
}

/// The question as compared with the rows around one centre.
struct CentredQuestion {
    codes: QuantisedQuestion,
    signs: Option<AskedSigns>,
}

struct AskedSigns {
    planes: Planes,
    turned: SketchQuestion,
    shared: f64,
}

struct Scan<'a> {
    rows: &'a ResidentRows,
    question: &'a [f32],
    allowed: Allowed<'a>,
    asked: HashMap<Option<u32>, CentredQuestion>,
    best: ResidentBest,
    sums: Vec<i32>,
    /// The bounds of all rows with signs, without what all of a segment share.
    bounds: Vec<f32>,
    blocks: Vec<Block>,
}

/// Some rows of a segment that lie one after another.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// The least bound of its rows.
    least: f64,
    /// Which of the segments, the first row there, and where its bound stands among all.
    segment: usize,
    row: usize,
    at: usize,
    rows: usize,
    shared: f64,
}

/// Returns the question as coded around a centre.
fn asked<'m>(
    known: &'m mut HashMap<Option<u32>, CentredQuestion>,
    rows: &ResidentRows,
    question: &[f32],
    number: Option<u32>,
) -> Result<&'m mut CentredQuestion> {
    use std::collections::hash_map::Entry;
    match known.entry(number) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(place) => {
            let centre: &Centre = rows.centre(number)?;
            let codes = quantise_query(question, centre, rows.space());
            Ok(place.insert(CentredQuestion { codes, signs: None }))
        }
    }
}

impl CentredQuestion {
    /// Turns the question as signs are; `None` where f32 cannot hold bounds for it.
    fn signs(&mut self, question: &[f32], rows: &ResidentRows, number: Option<u32>) -> Result<Option<&AskedSigns>> {
        if self.signs.is_none()
            && let Some(asked) = difference(question, rows.centre(number)?, rows.space())
        {
            let turned = SketchQuestion::new(&asked.components, asked.length);
            self.signs = Some(AskedSigns { planes: Planes::new(&turned.turned), turned, shared: asked.shared });
        }
        Ok(self.signs.as_ref())
    }
}

impl<'a> Scan<'a> {
    fn new(rows: &'a ResidentRows, question: &'a [f32], allowed: Allowed<'a>, k: usize) -> Self {
        let (asked, best) = (HashMap::new(), ResidentBest::new(k));
        Self { rows, question, allowed, asked, best, sums: Vec::new(), bounds: Vec::new(), blocks: Vec::new() }
    }

    /// Bounds every row by its signs, reads the codes of the likeliest, then of all that these do not exclude.
    fn segments(&mut self, segments: &[&ResidentSegment]) -> Result<()> {
        let mut without_signs = Vec::new();
        for (at, resident) in segments.iter().enumerate() {
            if !self.bound(at, resident)? {
                without_signs.push(*resident);
            }
        }
        let mut blocks = std::mem::take(&mut self.blocks);
        let likeliest = (LIKELIEST_PER_HIT * self.best.k).min(blocks.len());
        if likeliest < blocks.len() {
            blocks.select_nth_unstable_by(likeliest, |a, b| a.least.total_cmp(&b.least));
        }
        let (first, rest) = blocks.split_at(likeliest);
        first.iter().try_for_each(|block| self.likeliest_of(block, segments))?;
        first.iter().chain(rest).try_for_each(|block| self.rows_of(block, segments))?;
        without_signs.into_iter().try_for_each(|resident| self.every_row(resident))
    }

    /// Bounds the rows of a segment by their signs; returns whether it could.
    fn bound(&mut self, at: usize, resident: &ResidentSegment) -> Result<bool> {
        let segment = resident.segment()?;
        let Some(signs) = &resident.signs else { return Ok(false) };
        let asked = asked(&mut self.asked, self.rows, self.question, segment.centre())?;
        let Some(asked) = asked.signs(self.question, self.rows, segment.centre())? else { return Ok(false) };
        let (scale, shift) = asked.planes.scale_and_shift();
        let terms = signs.accuracy.terms_of(&asked.turned, (shift, asked.planes.lost()), DEVIATIONS);
        let Some(SketchTerms { by_weight, by_slack, fixed }) = terms else { return Ok(false) };
        self.sums.resize(segment.rows().next_multiple_of(EIGHT), 0);
        kernels().dot_signs_eights(&asked.planes, &signs.words, &mut self.sums);
        let start = self.bounds.len();
        self.bounds.resize(start + segment.rows(), 0.0);
        let terms = SignTerms { scale, by_weight, by_slack, fixed };
        for row in (0..segment.rows()).step_by(BLOCK_ROWS) {
            let part = row..(row + BLOCK_ROWS).min(segment.rows());
            let numbers = SignNumbers {
                weights: signs.weights.get(part.clone()).unwrap_or_default(),
                biases: signs.biases.get(part.clone()).unwrap_or_default(),
                slacks: signs.slacks.get(part.clone()).unwrap_or_default(),
            };
            let sums = self.sums.get(part.clone()).unwrap_or_default();
            let (at_bounds, rows) = (start + row, part.len());
            let bounds = self.bounds.get_mut(at_bounds..at_bounds + rows).unwrap_or_default();
            let least = f64::from(kernels().sign_bounds(sums, &numbers, &terms, bounds)) + asked.shared;
            self.blocks.push(Block { least, segment: at, row, at: at_bounds, rows, shared: asked.shared });
        }
        Ok(true)
    }

    /// Reads the codes of the row with the least bound.
    fn likeliest_of(&mut self, block: &Block, segments: &[&ResidentSegment]) -> Result<()> {
        let bounds = self.bounds.get(block.at..block.at + block.rows).unwrap_or_default();
        let least = bounds.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map(|(row, _)| row);
        let (Some(row), Some(resident)) = (least, segments.get(block.segment)) else { return Ok(()) };
        let segment = resident.segment()?;
        let (row, ordinal) = (block.row + row, segment.ordinal(block.row + row));
        if self.allowed.contains(ordinal) {
            let asked = asked(&mut self.asked, self.rows, self.question, segment.centre())?;
            let (_, at_most) = bounds_by_codes(&asked.codes, (resident, &segment), row);
            self.best.draw(ordinal, at_most);
        }
        Ok(())
    }

    /// Reads the codes of every row whose bound does not exclude it.
    fn rows_of(&mut self, block: &Block, segments: &[&ResidentSegment]) -> Result<()> {
        if block.least > self.best.limit {
            return Ok(());
        }
        let Some(resident) = segments.get(block.segment) else { return Ok(()) };
        let segment = resident.segment()?;
        let asked = asked(&mut self.asked, self.rows, self.question, segment.centre())?;
        let bounds = self.bounds.get(block.at..block.at + block.rows).unwrap_or_default();
        let limit = self.best.limit;
        let may_count = |(bound, row): (&f32, usize)| (f64::from(*bound) + block.shared <= limit).then_some(row);
        let mut rows = bounds.iter().zip(block.row..).filter_map(may_count);
        // They lie far apart in memory, so the codes of a few are on their way while one is looked at.
        let mut fetch = || {
            rows.next().inspect(|row| {
                prefetch(codes_of(&segment, *row));
                prefetch(resident.numbers(*row).as_slice());
            })
        };
        let mut fetched: [Option<usize>; FETCHED_AHEAD] = std::array::from_fn(|_| fetch());
        let mut turns = (0..FETCHED_AHEAD).cycle();
        while let Some(slot) = turns.next().and_then(|at| fetched.get_mut(at)) {
            let Some(row) = std::mem::replace(slot, fetch()) else { break };
            let ordinal = segment.ordinal(row);
            if self.allowed.contains(ordinal) {
                self.best.offer(&asked.codes, (resident, &segment), row, ordinal);
            }
        }
        Ok(())
    }

    fn every_row(&mut self, resident: &ResidentSegment) -> Result<()> {
        let segment = resident.segment()?;
        let asked = asked(&mut self.asked, self.rows, self.question, segment.centre())?;
        for row in 0..segment.rows() {
            let ordinal = segment.ordinal(row);
            if self.allowed.contains(ordinal) {
                self.best.offer(&asked.codes, (resident, &segment), row, ordinal);
            }
        }
        Ok(())
    }
}

fn codes_of<'s>(segment: &'s Segment, row: usize) -> &'s [i8] {
    let dimension = segment.dimension();
    segment.codes().get(row * dimension..(row + 1) * dimension).unwrap_or_default()
}

/// Returns bounds of a row's distance: the lower one certain, the upper one up to rounding.
fn bounds_by_codes(
    question: &QuantisedQuestion,
    (resident, segment): (&ResidentSegment, &Segment),
    row: usize,
) -> (f64, f64) {
    let codes = codes_of(segment, row);
    let Some(&[factor, bias, residual, length]) = resident.numbers(row) else {
        // Rows of version 1 of the format store no bounds; they would have to be computed.
        return (f64::NEG_INFINITY, f64::INFINITY);
    };
    #[expect(clippy::cast_precision_loss, reason = "what that is off is part of the numbers")]
    let product = kernels().dot_i8(&question.codes, codes) as f32;
    let slack = (residual + question.blur * length) * ROUNDED_UP;
    let (estimate, off) = (bias - product * (factor * question.scale), question.reach * slack);
    let rounding = 1e-6 * (f64::from(bias.abs()) + question.shared.abs());
    (f64::from(estimate - off) + question.shared, f64::from(estimate + off) + question.shared + rounding)
}

/// What was found so far.
struct ResidentBest {
    k: usize,
    /// The least upper bounds, the largest of them first.
    upper: BinaryHeap<Upper>,
    /// How far a row may lie to count.
    limit: f64,
    rows: Vec<Bounded>,
    /// How many rows are kept before those that no longer count are discarded.
    full: usize,
}

/// How far a row may lie.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Upper {
    at_most: f64,
    ordinal: Ordinal,
}

impl Eq for Upper {}

impl Ord for Upper {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at_most.total_cmp(&other.at_most).then(self.ordinal.cmp(&other.ordinal))
    }
}

impl PartialOrd for Upper {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl ResidentBest {
    fn new(k: usize) -> Self {
        Self { k, upper: BinaryHeap::new(), limit: f64::INFINITY, rows: Vec::new(), full: 4 * k.max(64) }
    }

    /// Bounds a row by its codes and keeps it where it may count.
    fn offer(&mut self, question: &QuantisedQuestion, of: (&ResidentSegment, &Segment), row: usize, ordinal: Ordinal) {
        let (at_least, at_most) = bounds_by_codes(question, of, row);
        if at_least.is_nan() || at_least <= self.limit {
            self.rows.push(Bounded { ordinal, at_least });
            self.draw(ordinal, at_most);
            if self.rows.len() >= self.full {
                let limit = self.limit;
                self.rows.retain(|row| row.at_least <= limit);
                // What is left may all count.
                self.full = self.full.max(2 * self.rows.len());
            }
        }
    }

    /// Lowers the limit where a row is certainly nearer. A row may come twice.
    fn draw(&mut self, ordinal: Ordinal, at_most: f64) {
        if at_most >= self.limit || self.upper.iter().any(|known| known.ordinal == ordinal) {
            return;
        }
        self.upper.push(Upper { at_most, ordinal });
        if self.upper.len() > self.k {
            self.upper.pop();
        }
        if self.upper.len() == self.k
            && let Some(farthest) = self.upper.peek()
        {
            self.limit = self.limit.min(farthest.at_most);
        }
    }

    fn merge(mut self, other: Self) -> Self {
        other.upper.into_iter().for_each(|upper| self.draw(upper.ordinal, upper.at_most));
        self.limit = self.limit.min(other.limit);
        self.rows.extend(other.rows);
        self
    }

    fn into_candidates(self) -> Candidates {
        let Self { limit, mut rows, .. } = self;
        rows.retain(|row| row.at_least <= limit);
        rows.sort_unstable_by(|a, b| a.at_least.total_cmp(&b.at_least).then(a.ordinal.cmp(&b.ordinal)));
        Candidates { rows, beyond: limit.next_up() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Space;
    use crate::record::random::Random;
    use crate::store::{Sketch, Sketcher, quantise, seal};

    /// The most deviations by which a row's bound exceeds its distance, for rows around one centre.
    fn excess(rows: &[Vec<f32>], question: &[f32], space: Space) -> Vec<f64> {
        let centre = Centre::of(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), space);
        let coded: Vec<_> = (0..).map(Ordinal).zip(rows).map(|(o, row)| (o, quantise(row, &centre, space))).collect();
        let bytes = seal(&coded, 0).unwrap();
        let segment = Segment::parse(&bytes).unwrap();
        let sketch = Sketcher::new(question.len()).sketch(&segment, space);
        let signs = super::super::resident::Signs::new(&Sketch::parse(&sketch).unwrap());
        let asked = difference(question, &centre, space).unwrap();
        let turned = SketchQuestion::new(&asked.components, asked.length);
        let planes = Planes::new(&turned.turned);
        let (scale, shift) = planes.scale_and_shift();
        let mut sums = vec![0; rows.len().next_multiple_of(EIGHT)];
        kernels().dot_signs_eights(&planes, &signs.words, &mut sums);
        let bounds = |deviations: f32| {
            let SketchTerms { by_weight, by_slack, fixed } =
                signs.accuracy.terms_of(&turned, (shift, planes.lost()), deviations).unwrap();
            let numbers = SignNumbers { weights: &signs.weights, biases: &signs.biases, slacks: &signs.slacks };
            let mut out = vec![0.0; rows.len()];
            kernels().sign_bounds(&sums, &numbers, &SignTerms { scale, by_weight, by_slack, fixed }, &mut out);
            out
        };
        let (estimates, by_one) = (bounds(0.0), bounds(1.0));
        let of_row = |((row, estimate), bound): ((&Vec<f32>, f32), f32)| {
            let off = f64::from(estimate) + asked.shared - space.distance(question, row);
            off / f64::from(estimate - bound).max(1e-9)
        };
        rows.iter().zip(estimates).zip(by_one).map(of_row).collect()
    }

    #[test]
    fn no_distance_lies_below_its_bound_by_signs_whatever_the_data() {
        let mut random = Random::new();
        let narrow = |random: &mut Random| random.floats(384).iter().map(|x| 293.0 + x).collect::<Vec<f32>>();
        let one_hot = |row: usize, dimension: usize| {
            (0..dimension).map(|at| if at == row % dimension { 1.0 } else { 0.0 }).collect::<Vec<f32>>()
        };
        let mut worst: Vec<(String, f64)> = Vec::new();
        for space in Space::ALL {
            let kinds: [(&str, Vec<Vec<f32>>); 5] = [
                ("narrow offset", (0..2000).map(|_| narrow(&mut random)).collect()),
                ("one-hot 256", (0..256).map(|row| one_hot(row, 256)).collect()),
                ("one-hot 384", (0..384).map(|row| one_hot(row, 384)).collect()),
                ("one-hot 1536", (0..800).map(|row| one_hot(row, 1536)).collect()),
                ("random", (0..2000).map(|_| random.floats(384)).collect()),
            ];
            for (name, rows) in kinds {
                for question in rows.iter().step_by(rows.len() / 20) {
                    let most = excess(&rows, question, space).into_iter().fold(f64::NEG_INFINITY, f64::max);
                    worst.push((format!("{name}, {space}"), most));
                }
            }
        }
        let above: Vec<_> = worst.iter().filter(|(_, most)| *most > f64::from(DEVIATIONS)).collect();
        assert!(above.is_empty(), "{above:?}, {random:?}");
    }
}
