//! Searching clusters, for all questions at once, and the rows that are in none of them.
//!
//! Every question reads the clusters of the nearest centres first and ranks what may be near; then half as many again of those that
//! may hold a nearer row, until none may, or until that changed nothing. What several questions need of a round is read once. Rows
//! that came later, and rows whose embedding changed, are looked for beside. Invariant: a hit is ranked by its embedding, and
//! fewer than are wanted are found only where there are no more.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use foldhash::fast::RandomState;

use super::centres::Centres;
use super::rule::{Choosing, Lying};
use crate::error::Result;
use crate::index::candidates::{Bounded, Candidates};
use crate::index::exact::{ExactHits, First, nearest};
use crate::index::kernel::{Planes, kernels};
use crate::index::ranked::{Ranked, cut, farthest};
use crate::index::rerank::{rank_all, rank_bounded};
use crate::index::row_filter::{Allowed, AllowedBits, Tail};
use crate::index::scan::{BoundedQuestion, keep_least, scan};
use crate::index::sketch_scan::scan_sketch_from;
use crate::index::top_k::Nearest;
use crate::index::work_sharing::{in_order, in_parts};
use crate::record::Ordinal;
use crate::store::{
    Bounds, ClusterChunkRef, ClusterLevel, ClusterReader, ClustersEntry, Directory, Turned, Turner, View,
};

/// Clusters read before the first rows are ranked.
const FIRST: usize = 8;
/// From so many clusters on, a question whose nearest stay the same while it reads half as many again reads no more: where a filter
/// keeps few, more.
const PATIENCE: f64 = 128.0;
/// What stays the same is at least so many.
const LEAST_HITS: usize = 10;
/// Fewer visits of a question to a cluster than this are not worth a thread.
const VISITS_PER_THREAD: usize = 24;
/// A question that would read more than one of so many entries is asked of all rows, which takes as long.
pub(super) const MOST_READ_PART: u64 = 4;
/// Standard deviations between an estimate and its bound: fewer than a scan's, since a row in two clusters is rarely missed in both,
/// and what is found is measured. At 3.5 twice as many rows are ranked, at 2.0 one hit in a thousand is missed.
const DEVIATIONS: f32 = 2.5;
/// Rows kept of a round, or of those in no cluster, for each hit, and beside.
const KEPT_PER_HIT: usize = 64;
const KEPT_BESIDE: usize = 1024;

/// What a search reads of every question, once.
struct KeptClusters {
    /// What the catalogue said of the clusters that were read.
    entry: ClustersEntry,
    directory: Directory,
    centres: Centres,
    /// Whether each row of a chunk has the embedding that it had there.
    all_hold: bool,
}

/// One collection's clusters, open to be searched.
struct ClusterSearch<'v> {
    view: &'v View,
    reader: ClusterReader<'v>,
    kept: Arc<KeptClusters>,
    allowed: Allowed<'v>,
    bits: AllowedBits<'v>,
    /// The share of the rows that is allowed.
    share: f64,
    k: usize,
    threads: usize,
    /// Whether a cluster has an allowed row, where somebody asked.
    holds: Vec<OnceLock<bool>>,
}

/// A question on its way through the clusters.
struct Asking {
    turned: Turned,
    choosing: Choosing,
    visited: Vec<bool>,
    /// Clusters visited, and the entries that they have.
    done: usize,
    read: u64,
    /// Rows that were ranked.
    ranked: HashSet<Ordinal, RandomState>,
    /// What was nearest after the last round.
    found: Vec<Ordinal>,
    is_open: bool,
    /// Whether all rows are to be asked instead.
    of_all: bool,
}

/// A visit of a question to a cluster.
type Visit = (usize, usize);

/// Returns the `k` nearest allowed rows for each question, nearly all of them.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when something that is needed cannot be read.
pub(crate) fn nearest_in_clusters(
    view: &View,
    questions: &[&[f32]],
    allowed: Allowed,
    k: usize,
    threads: usize,
) -> Result<ExactHits> {
    let start = Instant::now();
    let reader = ClusterReader::open(view)?;
    let kept = kept(view, &reader)?;
    let share = match allowed {
        Allowed::AllBut(_) => 1.0,
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        Allowed::Only(set) => set.len() as f64 / view.counts().records.max(1) as f64,
    };
    let holds = kept.directory.clusters.iter().map(|_| OnceLock::new()).collect();
    let bits = AllowedBits::new(allowed, view.end().0, questions.len());
    let wanted = k;
    let k = if k > 0 { k.max(LEAST_HITS) } else { 0 };
    let search = ClusterSearch { view, reader, kept, allowed, bits, share, k, threads, holds };
    let mut found = search.outside(questions)?;
    search.inside(questions, &mut found)?;
    found.nearest.iter_mut().for_each(|nearest| nearest.truncate(wanted));
    found.candidates += start.elapsed();
    Ok(found)
}

/// Reads what every question needs, unless it is in memory.
fn kept(view: &View, reader: &ClusterReader) -> Result<Arc<KeptClusters>> {
    let entry = *reader.entry();
    let is_this = |kept: &Arc<KeptClusters>| kept.entry == entry;
    if let Some(kept) = view.cache().get::<KeptClusters>(view.number(), "").filter(is_this) {
        return Ok(kept);
    }
    let directory = reader.directory()?;
    let centres = Centres::read(reader, directory.clusters.len(), view.info().space)?;
    let kept = Arc::new(KeptClusters { entry, directory, centres, all_hold: !reader.has_again()? });
    if view.cache().budget() > 0 {
        let bytes = kept.centres.points().bytes() + kept.directory.clusters.len() * 16;
        view.cache().put(view.number(), "", Arc::clone(&kept), bytes);
    }
    Ok(kept)
}

/// Returns how many clusters a question reads at least before it stops because nothing changed, where a filter keeps this share: of
/// 10,000,000 rows of which one of a hundred was kept, 200 found .995 of the nearest, 300 all.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
pub(super) fn patience(share: f64) -> usize {
    (PATIENCE / share.clamp(1e-6, 1.0).sqrt().cbrt()) as usize
}

impl ClusterSearch<'_> {
    /// Ranks, for each question, the rows that are in no cluster, or in one where they were before.
    fn outside(&self, questions: &[&[f32]]) -> Result<ExactHits> {
        let mut rows = Tail::rows(self.view, self.allowed);
        rows.remove_range(..self.kept.entry.covers_until);
        rows |= match self.allowed {
            Allowed::AllBut(dead) => self.reader.moved()? - dead,
            Allowed::Only(set) => self.reader.moved()? & set,
        };
        let beside = rank_all(self.view, questions, &rows, self.k, self.threads)?;
        let mut found =
            ExactHits { nearest: beside, ranked: rows.len() * questions.len() as u64, ..ExactHits::default() };
        let from = self.kept.entry.scan_from;
        if from < self.view.sealed_until().0 {
            let asked = questions.iter().zip(&found.nearest);
            let asked: Vec<_> = asked
                .map(|(embedding, nearest)| BoundedQuestion { embedding, limit: farthest(nearest, self.k) })
                .collect();
            let candidates = if self.view.is_sketched() {
                scan_sketch_from(self.view, from, &asked, self.allowed, self.depth(), self.threads)?
            } else {
                scan((self.view, None, None), from, &asked, self.allowed, self.depth(), self.threads)?
            };
            let candidates: Vec<&Candidates> = candidates.iter().collect();
            found.ranked += rank_bounded(self.view, questions, &candidates, &mut found.nearest, self.k, self.threads)?;
            if candidates.iter().zip(&found.nearest).any(|(candidates, nearest)| !candidates.decide(nearest, self.k)) {
                // Signs tell too little apart here: the codes know.
                let how = (First::Codes, self.threads);
                return nearest(self.view, questions, self.allowed, self.k, how, None);
            }
        }
        Ok(found)
    }

    fn depth(&self) -> usize {
        self.k.saturating_mul(KEPT_PER_HIT).saturating_add(KEPT_BESIDE)
    }

    /// Finds the nearest of every question; `found` has those in no cluster.
    fn inside(&self, questions: &[&[f32]], found: &mut ExactHits) -> Result<()> {
        found.nearest.iter_mut().for_each(|nearest| cut(nearest, self.k));
        let mut asking = self.begin(questions)?;
        let patience = patience(self.share);
        loop {
            let mut visits: Vec<Visit> = Vec::new();
            for (question, (asking, nearest)) in asking.iter_mut().zip(&found.nearest).enumerate() {
                visits.extend(self.next(asking, farthest(nearest, self.k))?.into_iter().map(|at| (at, question)));
            }
            if visits.is_empty() {
                break;
            }
            visits.sort_unstable();
            let mut candidates = self.visit(&asking, &visits, &found.nearest)?;
            for (candidates, asking) in candidates.iter_mut().zip(&asking) {
                candidates.rows.retain(|row| !asking.ranked.contains(&row.ordinal));
            }
            let of_each: Vec<&Candidates> = candidates.iter().collect();
            found.ranked += rank_bounded(self.view, questions, &of_each, &mut found.nearest, self.k, self.threads)?;
            for ((candidates, asking), nearest) in candidates.iter().zip(&mut asking).zip(&found.nearest) {
                let kth = farthest(nearest, self.k);
                let ranked = candidates.rows.iter().take_while(|row| row.at_least <= kth).map(|row| row.ordinal);
                asking.ranked.extend(ranked);
                let found: Vec<Ordinal> = nearest.iter().map(|hit| hit.ordinal).collect();
                if !candidates.decide(nearest, self.k) {
                    asking.give_up();
                } else if asking.done >= patience && found.len() >= self.k && found == asking.found {
                    asking.is_open = false;
                }
                asking.found = found;
            }
        }
        found.read += asking.iter().map(|asking| asking.read).sum::<u64>();
        let rest: Vec<usize> = asking.iter().zip(0..).filter(|(asking, _)| asking.of_all).map(|(_, at)| at).collect();
        if rest.is_empty() {
            return Ok(());
        }
        let first = if self.view.is_sketched() { First::Signs } else { First::Codes };
        let asked: Vec<&[f32]> = rest.iter().filter_map(|at| questions.get(*at).copied()).collect();
        let of_all = nearest(self.view, &asked, self.allowed, self.k, (first, self.threads), None)?;
        found.ranked += of_all.ranked;
        for (at, nearest) in rest.into_iter().zip(of_all.nearest) {
            if let Some(slot) = found.nearest.get_mut(at) {
                *slot = nearest;
            }
        }
        Ok(())
    }

    /// Compares every question with all centres.
    fn begin(&self, questions: &[&[f32]]) -> Result<Vec<Asking>> {
        let centres = &self.kept.centres;
        let parts = in_parts(questions.len(), 1, self.threads, |part| {
            let mut turning = Turner::new(centres.base());
            let first = part.start;
            let some = questions.get(part).unwrap_or_default().iter().map(|question| {
                let turned = turning.turn_one(question);
                let choosing = Choosing::new(question, &turned, centres, &self.kept.directory)?;
                let visited = vec![false; self.kept.directory.clusters.len()];
                let ranked = HashSet::default();
                Ok(Asking {
                    turned,
                    choosing,
                    visited,
                    done: 0,
                    read: 0,
                    ranked,
                    found: Vec::new(),
                    is_open: true,
                    of_all: false,
                })
            });
            Ok((first, some.collect::<Result<Vec<_>>>()?))
        })?;
        Ok(in_order(parts))
    }

    /// Returns the clusters that a question visits next; none where no other may hold a nearer row.
    fn next(&self, asking: &mut Asking, kth: f64) -> Result<Vec<usize>> {
        if !asking.is_open {
            return Ok(Vec::new());
        }
        let clusters = &self.kept.directory.clusters;
        let reach = ClusterLevel::reach(&self.kept.entry.levels, self.share, kth);
        let waiting = clusters.iter().zip(&asking.visited).enumerate();
        let waiting = waiting.filter(|(_, (facts, visited))| !facts.is_empty() && !**visited);
        let lying = waiting.map(|(at, (facts, _))| (asking.choosing.lying(at, facts, kth), at));
        let mut waiting: Vec<(Lying, usize)> = lying.filter(|(lying, _)| lying.needs <= reach).collect();
        let (mut next, wanted) = (Vec::new(), FIRST.max(asking.done / 2));
        while !waiting.is_empty() && next.len() < wanted {
            let some = (wanted - next.len()).min(waiting.len());
            waiting.select_nth_unstable_by(some - 1, |(a, _), (b, _)| a.order(b));
            for (_, cluster) in waiting.drain(..some) {
                if let Some(visited) = asking.visited.get_mut(cluster) {
                    *visited = true;
                }
                if self.holds(cluster)? {
                    asking.read += clusters.get(cluster).map_or(0, |facts| u64::from(facts.entries));
                    next.push(cluster);
                }
            }
        }
        asking.is_open = !next.is_empty();
        asking.done += next.len();
        if asking.read > self.kept.entry.entries / MOST_READ_PART {
            asking.give_up();
            next.clear();
        }
        Ok(next)
    }

    /// Returns whether a filter keeps any row of a cluster.
    fn holds(&self, cluster: usize) -> Result<bool> {
        let (Allowed::Only(_), Some(known)) = (self.allowed, self.holds.get(cluster)) else { return Ok(true) };
        if let Some(known) = known.get() {
            return Ok(*known);
        }
        let holds = self.reader.may_hold(cluster, |ordinal| self.bits.contains(Ordinal(ordinal)))?;
        Ok(*known.get_or_init(|| holds))
    }

    /// Returns, for every question, the rows of the clusters it visits whose bounds are no farther than its farthest, each once.
    fn visit(&self, asking: &[Asking], visits: &[Visit], nearest: &[Vec<Ranked>]) -> Result<Vec<Candidates>> {
        let limits: Vec<f64> = nearest.iter().map(|nearest| farthest(nearest, self.k)).collect();
        let clusters: Vec<&[Visit]> = visits.chunk_by(|(a, _), (b, _)| a == b).collect();
        let per_thread = (VISITS_PER_THREAD * clusters.len()).div_ceil(visits.len().max(1)).max(1);
        let parts = in_parts(clusters.len(), per_thread, self.threads, |part| {
            let mut near = BTreeMap::new();
            for visits in clusters.get(part).unwrap_or_default() {
                self.visit_one(asking, visits, &limits, &mut near)?;
            }
            Ok(near)
        })?;
        let mut near: Vec<Nearest<f64>> = limits.iter().map(|limit| Nearest::up_to(self.depth(), *limit)).collect();
        for (question, found) in parts.into_iter().flatten() {
            if let Some(near) = near.get_mut(question) {
                near.merge(found);
            }
        }
        let once = |(near, limit): (Nearest<f64>, &f64)| {
            let mut candidates = Candidates::new(near, *limit);
            // Both bounds hold where a row lies in two clusters, but that of an embedding it no longer has.
            let rows = &mut candidates.rows;
            let by_bound = |a: &Bounded, b: &Bounded| {
                if self.kept.all_hold { b.at_least.total_cmp(&a.at_least) } else { a.at_least.total_cmp(&b.at_least) }
            };
            rows.sort_unstable_by(|a, b| a.ordinal.cmp(&b.ordinal).then(by_bound(a, b)));
            rows.dedup_by_key(|row| row.ordinal);
            rows.sort_unstable_by(|a, b| a.at_least.total_cmp(&b.at_least).then(a.ordinal.cmp(&b.ordinal)));
            candidates
        };
        Ok(near.into_iter().zip(&limits).map(once).collect())
    }

    /// Reads a cluster for the questions that visit it.
    fn visit_one(
        &self,
        asking: &[Asking],
        visits: &[Visit],
        limits: &[f64],
        near: &mut BTreeMap<usize, Nearest<f64>>,
    ) -> Result<()> {
        let KeptClusters { directory, centres, .. } = &*self.kept;
        let Some((cluster, _)) = visits.first().copied() else { return Ok(()) };
        let point = centres.points().point(cluster)?;
        let mut around = Vec::with_capacity(visits.len());
        for (_, question) in visits {
            let (Some(asking), Some(limit)) = (asking.get(*question), limits.get(*question)) else { continue };
            let near = near.entry(*question).or_insert_with(|| Nearest::up_to(self.depth(), *limit));
            match centres.base().question(&asking.turned, &point) {
                Some(of) => {
                    let planes = Planes::new(&of.question.turned);
                    around.push((*question, of, planes));
                }
                None => near.give_up(f64::NEG_INFINITY),
            }
        }
        let (mut sums, mut bounds) = (Vec::new(), Bounds::default());
        for chunk in 0..directory.clusters.get(cluster).map_or(0, |facts| facts.chunks) {
            self.reader.chunk(cluster, chunk, |bytes| {
                let chunk = ClusterChunkRef::parse(bytes)?;
                for (question, around, planes) in &around {
                    let Some(near) = near.get_mut(question) else { continue };
                    let (scale, shift) = planes.scale_and_shift();
                    sums.resize(chunk.rows(), 0);
                    kernels().dot_signs_rows(planes, chunk.sketch.signs(), &mut sums);
                    let rounded = planes.lost() + around.off;
                    chunk.sketch.read_bounds_at(&around.question, (shift, rounded), DEVIATIONS, &mut bounds);
                    let keeps = |ordinal| self.bits.contains(ordinal);
                    keep_least(&sums, &bounds, (scale, around.shared), near, keeps, |row| chunk.ordinal(row));
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Asking {
    fn give_up(&mut self) {
        (self.is_open, self.of_all) = (false, true);
    }
}
