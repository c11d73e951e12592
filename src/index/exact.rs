//! The nearest by proof: bounds say which rows must be ranked, and ranking says when no other row can win.
//!
//! Signs or codes give each row a bound; the rows of the least bounds are ranked by their embeddings until the next bound
//! is too far. Where the candidates were too few for that, the codes are asked again for every row that can still win, and
//! where those are too many to keep, every row is ranked. So data that codes cannot tell apart costs time, never a hit.
//! Invariant: with codes the hits are those of [`rank_all`], ties included; with signs a row is missed with the
//! probability of [`crate::store::DEVIATIONS`].

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::candidates::Candidates;
use super::ranked::{Ranked, cut, farthest};
use super::rerank::{rank_all, rank_bounded};
use super::resident::ResidentRows;
use super::resident_scan::scan_resident;
use super::row_filter::{Allowed, Tail};
use super::scan::{BoundedQuestion, scan};
use super::sketch_scan::scan_sketch;
use crate::error::Result;
use crate::store::View;

/// What is read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// The codes of every row.
    Codes,
    /// The signs of every row.
    Signs,
}

/// What was found, and what it took.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ExactHits {
    /// The nearest of each question.
    pub nearest: Vec<Vec<Ranked>>,
    /// Rows whose embedding was compared with a question.
    pub ranked: u64,
    /// Rows of clusters that were looked at, each as often as it stands in one.
    pub read: u64,
    /// How long the bounds took.
    pub candidates: Duration,
    /// How long ranking took.
    pub rank: Duration,
}

/// From this many questions on, the tail is coded once instead of ranked for each.
const TAIL_CODED_FROM: usize = 4;
/// From this many questions on, rows in memory are compared with all of them at once, too.
pub(crate) const BATCH_FROM: usize = 5;
/// For more hits most codes have to be read, which the scan does faster.
const MOST_HITS: usize = 1000;
/// Rows kept for one question whose first round had too few candidates, as a fraction of all rows.
const MANY_PART: u64 = 8;
/// Rows kept for all questions of a batch: 64 MB.
const MANY: usize = 4_000_000;

/// Returns the `k` nearest allowed rows for each question; `resident` are the rows already in memory.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when something that is needed cannot be read.
pub(crate) fn nearest(
    view: &View,
    questions: &[&[f32]],
    allowed: Allowed,
    k: usize,
    (first, threads): (First, usize),
    resident: Option<&ResidentRows>,
) -> Result<ExactHits> {
    let found = ExactHits { nearest: vec![Vec::new(); questions.len()], ..ExactHits::default() };
    let mut search = Search { view, questions, allowed, k, threads, tail: None, resident, found };
    let open = match resident {
        Some(resident) if questions.len() < BATCH_FROM && k <= MOST_HITS => search.open_resident(resident)?,
        // In memory codes cost little more than signs, and prove more.
        Some(_) => search.open(First::Codes)?,
        None => search.open(first)?,
    };
    let open = if open.is_empty() { open } else { search.ask_again(&open)? };
    if !open.is_empty() {
        search.rank_everything(&open)?;
    }
    Ok(search.found)
}

struct Search<'s> {
    view: &'s View,
    questions: &'s [&'s [f32]],
    allowed: Allowed<'s>,
    k: usize,
    threads: usize,
    /// Rows in no segment, where they are not ranked already.
    tail: Option<Tail>,
    resident: Option<&'s ResidentRows>,
    found: ExactHits,
}

impl Search<'_> {
    /// Ranks the likeliest candidates of each question; returns the questions left undecided.
    fn open(&mut self, first: First) -> Result<Vec<usize>> {
        let start = Instant::now();
        let mut rows = Tail::rows(self.view, self.allowed);
        // In memory the tail is coded already, but for its last rows.
        if let Some(resident) = self.resident {
            rows.remove_range(..resident.end());
        }
        if first == First::Codes && self.questions.len() >= TAIL_CODED_FROM && self.resident.is_none() {
            self.tail = Tail::coded(self.view, &rows)?;
        } else {
            self.found.ranked += rows.len() * self.questions.len() as u64;
            self.found.nearest = rank_all(self.view, self.questions, &rows, self.k, self.threads)?;
        }
        self.found.rank += start.elapsed();
        let all: Vec<usize> = (0..self.questions.len()).collect();
        let start = Instant::now();
        let candidates = match first {
            First::Codes => self.scan(&all, self.codes_depth())?,
            First::Signs => scan_sketch(self.view, &self.asked(&all), self.allowed, self.sketch_depth(), self.threads)?,
        };
        self.found.candidates += start.elapsed();
        self.rank(&all, &candidates)
    }

    /// Does the same with rows in memory, one question after the other.
    fn open_resident(&mut self, resident: &ResidentRows) -> Result<Vec<usize>> {
        let start = Instant::now();
        let mut rest = Tail::rows(self.view, self.allowed);
        rest.remove_range(..resident.end());
        self.found.ranked += rest.len() * self.questions.len() as u64;
        self.found.nearest = rank_all(self.view, self.questions, &rest, self.k, self.threads)?;
        self.found.rank += start.elapsed();
        let start = Instant::now();
        let scan = |question: &&[f32]| scan_resident(resident, question, self.allowed, self.k, self.threads);
        let candidates = self.questions.iter().map(scan).collect::<Result<Vec<_>>>()?;
        self.found.candidates += start.elapsed();
        self.rank(&(0..self.questions.len()).collect::<Vec<_>>(), &candidates)
    }

    /// Asks the codes for every row that can still win; returns the questions for which there are too many.
    fn ask_again(&mut self, open: &[usize]) -> Result<Vec<usize>> {
        let start = Instant::now();
        let rows = usize::try_from(self.view.counts().sealed / MANY_PART).unwrap_or(usize::MAX);
        let candidates = self.scan(open, rows.min(MANY / open.len().max(1)).max(self.k))?;
        self.found.candidates += start.elapsed();
        self.rank(open, &candidates)
    }

    fn scan(&self, of: &[usize], depth: usize) -> Result<Vec<Candidates>> {
        let rows = (self.view, self.resident, self.tail.as_ref());
        scan(rows, 0, &self.asked(of), self.allowed, depth, self.threads)
    }

    fn rank_everything(&mut self, open: &[usize]) -> Result<()> {
        let start = Instant::now();
        let questions: Vec<&[f32]> = open.iter().filter_map(|at| self.questions.get(*at).copied()).collect();
        let among = match self.allowed {
            Allowed::Only(set) => Cow::Borrowed(set),
            Allowed::AllBut(_) => Cow::Owned(self.view.live()),
        };
        self.found.ranked += among.len() * questions.len() as u64;
        let ranked = rank_all(self.view, &questions, &among, self.k, self.threads)?;
        for (at, ranked) in open.iter().zip(ranked) {
            if let Some(nearest) = self.found.nearest.get_mut(*at) {
                *nearest = ranked;
            }
        }
        self.found.rank += start.elapsed();
        Ok(())
    }

    /// Ranks candidates of some of the questions; returns those that are not decided.
    fn rank(&mut self, of: &[usize], candidates: &[Candidates]) -> Result<Vec<usize>> {
        let start = Instant::now();
        let questions: Vec<&[f32]> = of.iter().filter_map(|at| self.questions.get(*at).copied()).collect();
        let take = |at: &usize| self.found.nearest.get_mut(*at).map(std::mem::take).unwrap_or_default();
        let mut nearest: Vec<Vec<Ranked>> = of.iter().map(take).collect();
        let candidates: Vec<&Candidates> = candidates.iter().collect();
        self.found.ranked += rank_bounded(self.view, &questions, &candidates, &mut nearest, self.k, self.threads)?;
        let mut open = Vec::new();
        for ((at, mut nearest), candidates) in of.iter().zip(nearest).zip(candidates) {
            cut(&mut nearest, self.k);
            if !candidates.decide(&nearest, self.k) {
                open.push(*at);
            }
            if let Some(slot) = self.found.nearest.get_mut(*at) {
                *slot = nearest;
            }
        }
        self.found.rank += start.elapsed();
        Ok(open)
    }

    fn asked(&self, of: &[usize]) -> Vec<BoundedQuestion<'_>> {
        let asked = |at: &usize| {
            let limit = farthest(self.found.nearest.get(*at)?, self.k);
            Some(BoundedQuestion { embedding: self.questions.get(*at)?, limit })
        };
        of.iter().filter_map(asked).collect()
    }

    /// Rows kept of those whose codes are nearest: of ordinary data up to twice as many as are wanted have to be ranked.
    fn codes_depth(&self) -> usize {
        self.k.saturating_add(self.k).saturating_add(8)
    }

    /// Rows kept of those whose signs are nearest: signs are less certain, the more so the more rows there are.
    fn sketch_depth(&self) -> usize {
        const ROWS_PER_CANDIDATE: u64 = 64;
        const PER_HIT: usize = 20;
        let by_rows = usize::try_from(self.view.counts().sealed / ROWS_PER_CANDIDATE).unwrap_or(usize::MAX);
        by_rows.saturating_add(self.k.saturating_mul(PER_HIT))
    }
}
