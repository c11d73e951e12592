//! Searching clusters, for one question after another, and the rows that are in none of them.
//!
//! The clusters of the nearest centres are read first and their rows ranked; then twice as many of those that may hold a nearer
//! row, until none may. Rows that came later, and rows whose embedding changed, are looked for beside. Invariant: a hit is ranked
//! by its embedding, and fewer than are wanted are found only where there are no more.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::centres::{Centres, seen};
use super::rule::{Choosing, Lying};
use crate::error::Result;
use crate::index::candidates::{Bounded, Candidates};
use crate::index::exact::{ExactHits, First, nearest};
use crate::index::kernel::{Planes, kernels};
use crate::index::ranked::{Ranked, cut, farthest};
use crate::index::rerank::{rank_all, rank_bounded};
use crate::index::row_filter::{Allowed, Tail};
use crate::index::scan::{BoundedQuestion, keep_least, scan};
use crate::index::sketch_scan::scan_sketch_from;
use crate::index::top_k::Nearest;
use crate::index::work_sharing::in_parts;
use crate::record::{Ordinal, Space};
use crate::store::{
    Bounds, ClusterChunkRef, ClusterLevel, ClusterReader, ClustersEntry, Directory, QuestionTurner, View, difference,
};

/// Clusters read before the first rows are ranked.
const FIRST: usize = 8;
/// Fewer clusters than this are not worth a thread.
const CLUSTERS_PER_THREAD: usize = 24;
/// A question that would read more than one of so many entries is asked of all rows, which takes as long.
const MOST_READ_PART: u64 = 4;
/// Rows kept of those in no cluster, for each hit.
const OUTSIDE_PER_HIT: usize = 64;

/// What a search reads of every question, once.
struct KeptClusters {
    /// What the catalogue said of the clusters that were read.
    entry: ClustersEntry,
    directory: Directory,
    centres: Centres,
}

/// One collection's clusters, open to be searched.
struct ClusterSearch<'v> {
    view: &'v View,
    reader: ClusterReader<'v>,
    kept: Arc<KeptClusters>,
    space: Space,
    allowed: Allowed<'v>,
    /// The share of the rows that is allowed.
    share: f64,
    k: usize,
}

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
    let search = ClusterSearch { view, reader, kept, space: view.info().space, allowed, share, k };
    let mut found = search.outside(questions, threads)?;
    let of_each = if questions.len() == 1 { threads } else { 1 };
    let beside = std::mem::take(&mut found.nearest);
    let parts = in_parts(questions.len(), 1, threads, |part| {
        let first = part.start;
        let asked = questions.get(part.clone()).unwrap_or_default().iter().zip(beside.get(part).unwrap_or_default());
        let each = asked.map(|(question, beside)| search.one(question, beside.clone(), of_each));
        Ok((first, each.collect::<Result<Vec<_>>>()?))
    })?;
    let mut parts: Vec<(usize, Vec<_>)> = parts;
    parts.sort_unstable_by_key(|(first, _)| *first);
    for (nearest, ranked) in parts.into_iter().flat_map(|(_, found)| found) {
        found.ranked += ranked;
        found.nearest.push(nearest);
    }
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
    let centres = Centres::read(reader, directory.clusters.len())?;
    let kept = Arc::new(KeptClusters { entry, directory, centres });
    if view.cache().budget() > 0 {
        let bytes = kept.centres.bytes() + kept.directory.clusters.len() * 16;
        view.cache().put(view.number(), "", Arc::clone(&kept), bytes);
    }
    Ok(kept)
}

impl ClusterSearch<'_> {
    /// Ranks, for each question, the rows that are in no cluster, or in one where they were before.
    fn outside(&self, questions: &[&[f32]], threads: usize) -> Result<ExactHits> {
        let mut rows = Tail::rows(self.view, self.allowed);
        rows.remove_range(..self.kept.entry.covers_until);
        rows |= match self.allowed {
            Allowed::AllBut(dead) => self.reader.moved()? - dead,
            Allowed::Only(set) => self.reader.moved()? & set,
        };
        let beside = rank_all(self.view, questions, &rows, self.k, threads)?;
        let mut found =
            ExactHits { nearest: beside, ranked: rows.len() * questions.len() as u64, ..ExactHits::default() };
        let from = self.kept.entry.scan_from;
        if from < self.view.sealed_until().0 {
            let asked = questions.iter().zip(&found.nearest);
            let asked: Vec<_> = asked
                .map(|(embedding, nearest)| BoundedQuestion { embedding, limit: farthest(nearest, self.k) })
                .collect();
            let depth = self.k.saturating_mul(OUTSIDE_PER_HIT).saturating_add(1024);
            let candidates = if self.view.is_sketched() {
                scan_sketch_from(self.view, from, &asked, self.allowed, depth, threads)?
            } else {
                scan((self.view, None, None), from, &asked, self.allowed, depth, threads)?
            };
            let candidates: Vec<&Candidates> = candidates.iter().collect();
            found.ranked += rank_bounded(self.view, questions, &candidates, &mut found.nearest, self.k, threads)?;
            if candidates.iter().zip(&found.nearest).any(|(candidates, nearest)| !candidates.decide(nearest, self.k)) {
                // Signs tell too little apart here: the codes know.
                let how = (First::Codes, threads);
                return nearest(self.view, questions, self.allowed, self.k, how, None);
            }
        }
        Ok(found)
    }

    /// Finds the nearest of one question; `nearest` are those in no cluster. Returns how many rows were ranked, too.
    fn one(&self, question: &[f32], mut nearest: Vec<Ranked>, threads: usize) -> Result<(Vec<Ranked>, u64)> {
        let KeptClusters { directory, centres, .. } = &*self.kept;
        let as_seen = seen(question, self.space);
        let choosing = Choosing::new(&as_seen, centres, self.space)?;
        let entries = |at: usize| directory.clusters.get(at).map_or(0, |facts| u64::from(facts.entries));
        let most = self.kept.entry.entries / MOST_READ_PART;
        let mut visited = vec![false; directory.clusters.len()];
        let (mut done, mut read, mut ranked, mut seen_before) = (0, 0, 0, HashSet::new());
        cut(&mut nearest, self.k);
        loop {
            let kth = farthest(&nearest, self.k);
            let reach = ClusterLevel::reach(&self.kept.entry.levels, self.share, kth);
            let all = directory.clusters.iter().zip(&visited).enumerate();
            let waiting = all.filter(|(_, (facts, visited))| facts.chunks > 0 && !**visited);
            let lying = waiting.map(|(at, (facts, _))| (choosing.lying(at, facts, kth), at));
            let mut next: Vec<(Lying, usize)> = lying.filter(|(lying, _)| lying.needs <= reach).collect();
            if next.is_empty() {
                return Ok((nearest, ranked));
            }
            let wanted = FIRST.max(done);
            if next.len() > wanted {
                next.select_nth_unstable_by(wanted - 1, |(a, _), (b, _)| a.order(b));
                next.truncate(wanted);
            }
            done += next.len();
            read += next.iter().map(|(_, cluster)| entries(*cluster)).sum::<u64>();
            if read > most {
                return self.of_all(question, ranked, threads);
            }
            let next: Vec<usize> = next.into_iter().map(|(_, cluster)| cluster).collect();
            for cluster in &next {
                if let Some(visited) = visited.get_mut(*cluster) {
                    *visited = true;
                }
            }
            let Some(mut rows) = self.visit(question, &next, kth, threads)? else {
                return self.of_all(question, ranked, threads);
            };
            rows.retain(|row| !seen_before.contains(&row.ordinal));
            let candidates = Candidates { rows, beyond: f64::INFINITY };
            let mut lists = [nearest];
            ranked += rank_bounded(self.view, &[question], &[&candidates], &mut lists, self.k, threads)?;
            [nearest] = lists;
            let kth = farthest(&nearest, self.k);
            let were_ranked = candidates.rows.iter().take_while(|row| row.at_least <= kth);
            seen_before.extend(were_ranked.map(|row| row.ordinal));
        }
    }

    /// Finds the nearest without the clusters, after so many rows were ranked.
    fn of_all(&self, question: &[f32], ranked: u64, threads: usize) -> Result<(Vec<Ranked>, u64)> {
        let first = if self.view.is_sketched() { First::Signs } else { First::Codes };
        let mut found = nearest(self.view, &[question], self.allowed, self.k, (first, threads), None)?;
        Ok((found.nearest.pop().unwrap_or_default(), ranked + found.ranked))
    }

    /// Returns the rows of some clusters whose bounds are within a limit, each once, by their bounds; `None` where there are no
    /// bounds for the question.
    fn visit(&self, question: &[f32], clusters: &[usize], limit: f64, threads: usize) -> Result<Option<Vec<Bounded>>> {
        let parts = in_parts(clusters.len(), CLUSTERS_PER_THREAD, threads, |part| {
            self.visit_some(question, clusters.get(part).unwrap_or_default(), limit)
        })?;
        let mut greatest: HashMap<Ordinal, f64> = HashMap::new();
        for part in parts {
            let Some(part) = part else { return Ok(None) };
            for (bound, ordinal) in part {
                // Both bounds hold where a row lies in two clusters.
                let known = greatest.entry(ordinal).or_insert(bound);
                *known = known.max(bound);
            }
        }
        let mut rows: Vec<Bounded> =
            greatest.into_iter().map(|(ordinal, at_least)| Bounded { ordinal, at_least }).collect();
        rows.sort_unstable_by(|a, b| a.at_least.total_cmp(&b.at_least).then(a.ordinal.cmp(&b.ordinal)));
        Ok(Some(rows))
    }

    fn visit_some(&self, question: &[f32], clusters: &[usize], limit: f64) -> Result<Option<Vec<(f64, Ordinal)>>> {
        let KeptClusters { directory, centres, .. } = &*self.kept;
        let mut turner = QuestionTurner::new(question.len());
        let (mut sums, mut bounds) = (Vec::new(), Bounds::default());
        let facts = |cluster: &usize| directory.clusters.get(*cluster).copied().unwrap_or_default();
        let most: usize = clusters.iter().map(|cluster| facts(cluster).entries as usize).sum();
        let mut near = Nearest::up_to(most.max(1), limit);
        for some in clusters.chunks(QuestionTurner::AT_ONCE) {
            let mut asked = Vec::with_capacity(some.len());
            for cluster in some {
                match difference(question, &centres.centre(*cluster)?, self.space) {
                    Some(difference) => asked.push(difference),
                    None => return Ok(None),
                }
            }
            let around = turner.turn(&asked);
            for ((cluster, asked), turned) in some.iter().zip(&asked).zip(&around) {
                let planes = Planes::new(&turned.turned);
                let (scale, shift) = planes.scale_and_shift();
                for chunk in 0..facts(cluster).chunks {
                    self.reader.chunk(*cluster, chunk, |bytes| {
                        let chunk = ClusterChunkRef::parse(bytes)?;
                        sums.resize(chunk.rows(), 0);
                        kernels().dot_signs_rows(&planes, chunk.sketch.signs(), &mut sums);
                        chunk.sketch.read_bounds(turned, (shift, planes.lost()), &mut bounds);
                        let keeps = |ordinal| self.allowed.contains(ordinal);
                        let numbers = (scale, asked.shared);
                        keep_least(&sums, &bounds, numbers, &mut near, keeps, |row| chunk.ordinal(row));
                        Ok(())
                    })?;
                }
            }
        }
        Ok(Some(near.into_sorted()))
    }
}
