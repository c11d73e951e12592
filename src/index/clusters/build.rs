//! Building clusters, or extending those there are, and measuring what they find.
//!
//! Rows stream from the embeddings once. Invariant: what is searched is replaced as a whole in one transaction, so a build that
//! is interrupted or fails leaves the old clusters.

use super::extend::extend;
use super::filling::{Filling, Made};
use super::measure::{Asked, unmeasured};
use super::train::train;
use crate::error::{Error, Result};
use crate::index::graph::Watch;
use crate::record::IndexMode;
use crate::store::{
    CLUSTER_LEVELS, ClusterChunk, ClusterReader, ClustersEntry, Collection, GraphEntry, MOST_CLUSTERS, NewClusters,
    ROWS_OF_CLUSTER, View,
};

/// Rows handed to the threads at once.
const ROWS_AT_ONCE: usize = 8192;
/// Bytes of chunks written in one transaction.
const BYTES_AT_ONCE: usize = 16 << 20;
/// Clusters for each row in the root of the rows.
const CLUSTERS_PER_ROOT: f64 = 4.0;
/// Fewer rows are read as a whole as fast.
const LEAST_ROWS_OF_A_CLUSTER: u64 = 8;
/// Clusters are extended when more than this part of their rows has come or moved since, or a larger one gone, and built anew when as
/// many have come as they have or most are closed.
const OUTSIDE_PART: u64 = 32;
const LOST_PART: u64 = 4;
/// How far a question looks is measured again when there are so many times the rows, or one of so many, and clusters that find too little
/// are built anew then; what is found is measured when this part of them has come or gone.
const MEASURED_AGAIN_AT: u64 = 2;
const JUDGED_AGAIN_PART: u64 = 4;

/// What a build did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BuiltClusters {
    /// What the file now says of the clusters.
    pub clusters: ClustersEntry,
    /// Rows that were added to them.
    pub added: u64,
    /// Whether older ones were extended.
    pub extended: bool,
}

/// Returns whether a collection's settings call for clusters it lacks, or for ones of more of its records: checked at the end of
/// an import.
#[must_use]
pub fn clusters_are_due(view: &View) -> bool {
    if view.info().index == IndexMode::Flat {
        return false;
    }
    match view.clusters() {
        None => view.is_sketched() && view.counts().records >= IndexMode::CLUSTERS_RECORDS,
        Some(clusters) => {
            // What cannot be read is made again.
            let moved = view.rows_moved().map_or(clusters.rows, |moved| moved.len());
            let outside = view.end().0.saturating_sub(clusters.covers_until).saturating_add(moved);
            let lost = clusters.rows.saturating_sub(view.live_below(clusters.covers_until));
            outside.saturating_mul(OUTSIDE_PART) > clusters.rows
                || lost.saturating_mul(LOST_PART) > clusters.rows
                || clusters.recall().is_none()
        }
    }
}

/// Builds the clusters of a collection, or extends those it has; `None` for a collection without records, or one whose embeddings
/// are compared one by one always.
///
/// # Errors
/// [`Error::Interrupted`] when `watch` says so, an error that says so when embeddings were replaced meanwhile, or those of
/// every write.
pub fn build_clusters(collection: &Collection, threads: usize, watch: Watch) -> Result<Option<BuiltClusters>> {
    let view = collection.view()?;
    let dimension = view.info().dimension.unwrap_or(0);
    if view.counts().records == 0 || dimension < GraphEntry::LEAST_DIMENSION {
        return Ok(None);
    }
    if !is_extendable(&view)? {
        return anew(collection, &view, threads, watch);
    }
    let extended = extend(collection, &view, threads, watch)
        .and_then(|(entry, added)| Ok((measured(collection, &entry, threads)?, added)));
    match extended {
        Err(Error::Damaged { .. }) => anew(collection, &collection.view()?, threads, watch),
        extended => extended.map(|(clusters, added)| Some(BuiltClusters { clusters, added, extended: true })),
    }
}

/// Returns whether there are clusters that are worth extending.
fn is_extendable(view: &View) -> Result<bool> {
    let Some(found) = view.clusters() else { return Ok(false) };
    // What cannot be read is built anew: it is derived data.
    let directory = match ClusterReader::open(view).and_then(|reader| reader.directory()) {
        Err(Error::Damaged { .. }) => return Ok(false),
        directory => directory?,
    };
    let closed = directory.clusters.iter().filter(|facts| facts.is_empty()).count();
    let new = view.end().0.saturating_sub(found.covers_until);
    // Splits and closings follow how rows are spread, not perfectly.
    let is_worn = found.recall().is_some()
        && !found.is_used(view.info().dimension.unwrap_or(0))
        && is_old(found.reached_of, found.rows);
    Ok(closed * 4 < directory.clusters.len() * 3 && new < found.rows && found.is_turned_as_now() && !is_worn)
}

/// Returns whether there are so many times the rows, or so small a part of them, that what was measured of `before` rows is old.
fn is_old(before: u64, rows: u64) -> bool {
    rows >= MEASURED_AGAIN_AT.saturating_mul(before) || rows.saturating_mul(MEASURED_AGAIN_AT) <= before
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "small")]
pub(super) fn clusters_for(rows: u64) -> usize {
    let by_root = (CLUSTERS_PER_ROOT * (rows as f64).sqrt()) as u64;
    by_root.min(rows / LEAST_ROWS_OF_A_CLUSTER).clamp(1, MOST_CLUSTERS as u64 / 2) as usize
}

fn anew(collection: &Collection, view: &View, threads: usize, watch: Watch) -> Result<Option<BuiltClusters>> {
    let (covers_until, live) = (view.end().0, view.live());
    let centres = train(view, &live, clusters_for(live.len()), threads, watch)?;
    let new = collection.begin_clusters()?;
    let mut filling = Filling::new(&centres, None)?;
    let mut writing = Writing { new: &new, chunks: Vec::new(), waiting: 0, written: 0 };
    fill(&mut filling, view, live.iter(), threads, watch, |chunk| writing.put(chunk))?;
    let directory = filling.finish(|made| {
        writing.put(match made {
            Made::Chunk(chunk) => chunk,
            Made::Rows(cluster, rows) => ClusterChunk { cluster, chunk: ROWS_OF_CLUSTER, bytes: rows.to_bytes() },
        })
    })?;
    let written = writing.end()?;
    let entry = ClustersEntry {
        number: 0,
        rotation: ClustersEntry::ROTATION,
        covers_until,
        scan_from: view.sealed_until().0,
        rows: live.len(),
        clusters: directory.clusters.len() as u64,
        entries: directory.entries(),
        bytes: written,
        reached_of: 0,
        judged_of: 0,
        levels: unmeasured(),
    };
    let parts = (centres.base().at(), centres.points().segments().collect::<Vec<_>>());
    let Some(entry) = new.finish(view, &parts, &directory, &entry)? else { return Err(replaced(collection)) };
    drop(centres);
    Ok(Some(BuiltClusters { clusters: measured(collection, &entry, threads)?, added: live.len(), extended: false }))
}

/// Puts rows into their clusters, ordinals ascending, and hands over the chunks that are full.
pub(super) fn fill(
    filling: &mut Filling,
    view: &View,
    mut ordinals: impl Iterator<Item = u64>,
    threads: usize,
    watch: Watch,
    mut put: impl FnMut(ClusterChunk) -> Result<()>,
) -> Result<()> {
    loop {
        let some: Vec<u64> = ordinals.by_ref().take(ROWS_AT_ONCE).collect();
        if some.is_empty() {
            return Ok(());
        }
        filling.add(view, &some, threads)?.into_iter().try_for_each(&mut put)?;
        if watch(some.len()).is_break() {
            return Err(Error::Interrupted);
        }
    }
}

/// New chunks, written many at a time.
struct Writing<'n, 'c> {
    new: &'n NewClusters<'c>,
    chunks: Vec<ClusterChunk>,
    /// Bytes that are not written yet.
    waiting: usize,
    written: u64,
}

impl Writing<'_, '_> {
    fn put(&mut self, chunk: ClusterChunk) -> Result<()> {
        self.waiting += chunk.bytes.len();
        self.chunks.push(chunk);
        if self.waiting < BYTES_AT_ONCE {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        self.new.put(&self.chunks)?;
        self.written += self.waiting as u64;
        self.waiting = 0;
        self.chunks.clear();
        Ok(())
    }

    /// Writes the rest; returns how many bytes there were.
    fn end(mut self) -> Result<u64> {
        self.write()?;
        Ok(self.written)
    }
}

/// Measures how far questions look and what they find, as far as that may have changed, and keeps it.
fn measured(collection: &Collection, built: &ClustersEntry, threads: usize) -> Result<ClustersEntry> {
    let keep = |entry: &ClustersEntry| collection.put_measured(entry)?.ok_or_else(|| replaced(collection));
    let judge = |entry: &ClustersEntry, levels| {
        let view = collection.view()?;
        let levels = Asked::of(&view, true, levels, threads)?.recall(&view, entry, threads)?;
        keep(&ClustersEntry { levels, judged_of: entry.rows, ..*entry })
    };
    let mut entry = *built;
    if !is_old(entry.reached_of, entry.rows) && entry.recall().is_some() {
        if entry.rows.abs_diff(entry.judged_of).saturating_mul(JUDGED_AGAIN_PART) < entry.judged_of {
            return Ok(entry);
        }
        entry = judge(&entry, 1)?;
        if entry.is_used(collection.view()?.info().dimension.unwrap_or(0)) {
            return Ok(entry);
        }
    }
    let view = collection.view()?;
    let levels = Asked::of(&view, false, CLUSTER_LEVELS, threads)?.reach(&view, &entry.levels)?;
    drop(view);
    // Until what is found is measured, what was found before holds.
    judge(&keep(&ClustersEntry { levels, reached_of: entry.rows, ..entry })?, CLUSTER_LEVELS)
}

pub(super) fn replaced(collection: &Collection) -> Error {
    Error::InvalidArgument {
        why: format!("embeddings of {} were replaced while its clusters were built", collection.name()),
        hint: Some("build them again".into()),
    }
}
