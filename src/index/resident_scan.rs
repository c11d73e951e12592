//! The search of rows that stay in memory, for one question: signs say which codes to look at, codes which rows to rank.
//!
//! Each row that its signs cannot exclude is bounded by its codes from below and, roughly, from above; the k-th least of
//! the upper bounds is how far a row may lie. Invariant: no allowed row that is let go lies nearer than what is said of the
//! rest ([`Candidates::beyond`]), with signs by the probability of [`DEVIATIONS`]; the upper bounds, which
//! are not proved, only decide where that limit is.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::candidates::{Bounded, Candidates};
use super::kernel::{Planes, SignNumbers, SignTerms, kernels};
use super::resident::{ResidentRows, ResidentSegment, Signs};
use super::rows::Allowed;
use super::turns::in_parts;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::{Centre, Question, Segment, SketchQuestion, difference, quantise_query};

/// Standard deviations that a bound by signs lies below its estimate: more than where codes have to be read from the file
/// for each row that is left. A row at the very edge is missed once in three million times.
const DEVIATIONS: f32 = 5.0;
/// Rows whose signs are compared before the limit is drawn anew.
const AT_ONCE: usize = 256;
/// Of fewer rows the codes are looked at one by one: this part of all.
const FEW: u64 = 50;
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
        rows.for_each_row(set, |segment, row, ordinal| {
            let asked = asked(&mut scan.asked, rows, question, segment.centre())?;
            scan.best.offer(&asked.codes, segment, row, ordinal);
            Ok(())
        })?;
        return Ok(scan.best.into_candidates());
    }
    let segments: Vec<&ResidentSegment> = rows.all().collect();
    let found = in_parts(segments.len(), SEGMENTS_PER_THREAD, threads, |part| {
        let mut scan = Scan::new(rows, question, allowed, k);
        segments.get(part).unwrap_or_default().iter().try_for_each(|segment| scan.segment(segment))?;
        Ok(scan.best)
    })?;
    let best = found.into_iter().reduce(Best::merge).unwrap_or_else(|| Best::new(k));
    Ok(best.into_candidates())
}

/// The question as the rows around one centre meet it.
struct Asked {
    codes: Question,
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
    asked: HashMap<Option<u32>, Asked>,
    best: Best,
    sums: Vec<i32>,
}

/// Returns the question as coded around a centre.
fn asked<'m>(
    known: &'m mut HashMap<Option<u32>, Asked>,
    rows: &ResidentRows,
    question: &[f32],
    number: Option<u32>,
) -> Result<&'m mut Asked> {
    use std::collections::hash_map::Entry;
    match known.entry(number) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(place) => {
            let centre: &Centre = rows.centre(number)?;
            let codes = quantise_query(question, centre, rows.space());
            Ok(place.insert(Asked { codes, signs: None }))
        }
    }
}

impl Asked {
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
        Self { rows, question, allowed, asked: HashMap::new(), best: Best::new(k), sums: Vec::new() }
    }

    fn segment(&mut self, resident: &ResidentSegment) -> Result<()> {
        let segment = resident.segment()?;
        let number = segment.centre();
        let asked = asked(&mut self.asked, self.rows, self.question, number)?;
        if let Some(signs) = &resident.signs {
            asked.signs(self.question, self.rows, number)?;
            if let Some(by_signs) = &asked.signs {
                self.best.by_signs((by_signs, &asked.codes), signs, &segment, self.allowed, &mut self.sums);
                return Ok(());
            }
        }
        let (best, allowed) = (&mut self.best, self.allowed);
        for row in 0..segment.rows() {
            let ordinal = segment.ordinal(row);
            if allowed.contains(ordinal) {
                best.offer(&asked.codes, &segment, row, ordinal);
            }
        }
        Ok(())
    }
}

/// What was found so far.
struct Best {
    k: usize,
    /// The least upper bounds, the largest of them first.
    upper: BinaryHeap<Distance>,
    /// How far a row may lie to count.
    limit: f64,
    rows: Vec<Bounded>,
    /// How many rows are kept until those are let go that count no longer.
    full: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Distance(f64);

impl Eq for Distance {}

impl Ord for Distance {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Distance {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Best {
    fn new(k: usize) -> Self {
        Self { k, upper: BinaryHeap::new(), limit: f64::INFINITY, rows: Vec::new(), full: 4 * k.max(64) }
    }

    /// Looks at the codes of the rows that their signs do not exclude.
    fn by_signs(
        &mut self,
        (asked, codes): (&AskedSigns, &Question),
        signs: &Signs,
        segment: &Segment,
        allowed: Allowed,
        sums: &mut Vec<i32>,
    ) {
        let (scale, shift) = asked.planes.scale_and_shift();
        let terms = signs.accuracy.terms_of(&asked.turned, (shift, asked.planes.lost()), DEVIATIONS);
        sums.resize(segment.rows().next_multiple_of(super::kernel::EIGHT), 0);
        kernels().dot_signs_eights(&asked.planes, &signs.words, sums);
        let mut bounds = [0.0; AT_ONCE];
        for from in (0..segment.rows()).step_by(AT_ONCE) {
            let part = from..(from + AT_ONCE).min(segment.rows());
            let count = part.len();
            if let Some(terms) = terms {
                let numbers = SignNumbers {
                    weights: signs.weights.get(part.clone()).unwrap_or_default(),
                    biases: signs.biases.get(part.clone()).unwrap_or_default(),
                    slacks: signs.slacks.get(part.clone()).unwrap_or_default(),
                };
                let terms =
                    SignTerms { scale, by_weight: terms.by_weight, by_slack: terms.by_slack, fixed: terms.fixed };
                let sums = sums.get(part.clone()).unwrap_or_default();
                let least = kernels().sign_bounds(sums, &numbers, &terms, &mut bounds);
                if f64::from(least) + asked.shared > self.limit {
                    continue;
                }
            } else {
                bounds.fill(f32::NEG_INFINITY);
            }
            for (bound, row) in bounds.iter().take(count).zip(part) {
                let ordinal = segment.ordinal(row);
                if f64::from(*bound) + asked.shared <= self.limit && allowed.contains(ordinal) {
                    self.offer(codes, segment, row, ordinal);
                }
            }
        }
    }

    /// Bounds a row by its codes and keeps it where it may count.
    fn offer(&mut self, question: &Question, segment: &Segment, row: usize, ordinal: Ordinal) {
        let dimension = segment.dimension();
        let codes = segment.codes().get(row * dimension..(row + 1) * dimension).unwrap_or_default();
        let Some([factor, bias, residual, length]) = segment.numbers(row) else {
            // Nothing is known of rows of version 1 of the format without computing it.
            return self.keep(Bounded { ordinal, at_least: f64::NEG_INFINITY }, f64::INFINITY);
        };
        #[expect(clippy::cast_precision_loss, reason = "what that is off is part of the numbers")]
        let product = kernels().dot_i8(&question.codes, codes) as f32;
        let slack = (residual + question.blur * length) * ROUNDED_UP;
        let (estimate, off) = (bias - product * (factor * question.scale), question.reach * slack);
        let at_least = f64::from(estimate - off) + question.shared;
        let rounding = 1e-6 * (f64::from(bias.abs()) + question.shared.abs());
        self.keep(Bounded { ordinal, at_least }, f64::from(estimate + off) + question.shared + rounding);
    }

    fn keep(&mut self, row: Bounded, at_most: f64) {
        if row.at_least > self.limit {
            return;
        }
        self.rows.push(row);
        self.draw(at_most);
        if self.rows.len() >= self.full {
            let limit = self.limit;
            self.rows.retain(|row| row.at_least <= limit);
            // What is left may all count.
            self.full = self.full.max(2 * self.rows.len());
        }
    }

    fn draw(&mut self, at_most: f64) {
        self.upper.push(Distance(at_most));
        if self.upper.len() > self.k {
            self.upper.pop();
        }
        if self.upper.len() == self.k
            && let Some(Distance(farthest)) = self.upper.peek()
        {
            self.limit = self.limit.min(*farthest);
        }
    }

    fn merge(mut self, other: Self) -> Self {
        other.upper.into_iter().for_each(|Distance(at_most)| self.draw(at_most));
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
