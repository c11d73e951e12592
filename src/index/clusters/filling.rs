//! Rows put into the clusters that they lie in: read once, in the order of the file, by all threads.
//!
//! Each lies in two of those that are near: near the edge of one, it is found from either side. What fills no chunk yet waits in memory, so
//! that a chunk is written once. Invariant: every row that is given is in a chunk or waits, once in each of its clusters.

use std::collections::{HashMap, HashSet};

use roaring::RoaringTreemap;

use super::centres::{Centres, Choosers};
use super::regrouping::Regrouped;
use crate::error::{Error, Result};
use crate::index::graph::Watch;
use crate::index::work_sharing::{in_order, in_parts};
use crate::record::Ordinal;
use crate::store::{
    ChunkRows, ClusterChunk, ClusterFacts, ClusterReader, Directory, ROWS_OF_CLUSTER, RowAround, RowList, Turned,
    Turner, View, rows_per_chunk, sign_bytes,
};

/// Rows turned at once.
const AT_ONCE: usize = 1024;
/// A cluster with more chunks that are less than half full has them made one.
const MOST_SMALL_CHUNKS: usize = 3;
/// Rows read again at once, in order.
const PAIRS_AT_ONCE: usize = 16 * 1024;
/// What waits takes no more than this.
const MOST_WAITING_BYTES: usize = 224 << 20;
/// The numbers of a row that waits, and its ordinal.
pub(super) const NUMBERS_BYTES: usize = 20;

/// Clusters that are being filled.
pub(super) struct Filling<'c> {
    centres: &'c Centres,
    choosers: Choosers,
    dimension: usize,
    rows_of_a_chunk: usize,
    clusters: Vec<Filled>,
}

/// One of them.
struct Filled {
    waiting: ChunkRows,
    facts: ClusterFacts,
    /// The sum of the squares of how far its rows lie from the centre.
    squares: f64,
    /// The rows that were put into it.
    rows: RowList,
}

/// Chunks whose rows become part of larger ones.
#[derive(Default)]
pub(super) struct TakenBack {
    /// Their clusters and numbers.
    pub(super) chunks: Vec<(usize, u32)>,
    pub(super) bytes: u64,
    /// What is full already.
    pub(super) full: Vec<ClusterChunk>,
}

/// What is handed over at the end.
pub(super) enum Made {
    /// A chunk that is not full.
    Chunk(ClusterChunk),
    /// The rows that were put into a cluster.
    Rows(usize, RowList),
}

/// A row in a cluster.
struct Entry {
    cluster: usize,
    ordinal: u64,
    around: RowAround,
}

/// What a thread made of its part: rows, and the signs of each.
#[derive(Default)]
struct Part {
    entries: Vec<Entry>,
    signs: Vec<u8>,
}

impl<'c> Filling<'c> {
    /// Begins with clusters of which so much is known already; those that are closed take no rows.
    pub(super) fn new(centres: &'c Centres, known: Option<(&Directory, &HashSet<usize>)>) -> Result<Self> {
        let choosers = centres.choosers(|cluster| known.is_some_and(|(_, closed)| closed.contains(&cluster)))?;
        let clusters = centres.points().len();
        let dimension = centres.base().turned().len();
        let most = MOST_WAITING_BYTES / (clusters * (sign_bytes(dimension) + NUMBERS_BYTES)).max(1);
        let rows_of_a_chunk = rows_per_chunk(dimension, most);
        let filled = |cluster: usize| {
            let facts = known.and_then(|(known, _)| known.clusters.get(cluster)).copied();
            let point = choosers.point(cluster);
            #[expect(clippy::cast_possible_truncation, reason = "f32 is near enough")]
            let facts = facts
                .unwrap_or(ClusterFacts { squared: centres.base().squared(point) as f32, ..ClusterFacts::default() });
            let squares = f64::from(facts.radius).powi(2) * f64::from(facts.entries);
            Filled {
                waiting: ChunkRows::with_room(dimension, rows_of_a_chunk),
                facts,
                squares,
                rows: RowList::default(),
            }
        };
        let clusters = (0..clusters).map(filled).collect();
        Ok(Self { centres, choosers, dimension, rows_of_a_chunk, clusters })
    }

    /// Takes the rows of clusters that are given out again back, and those of small chunks, where a cluster has several, so that they
    /// become larger ones, and puts rows that moved where they lie now.
    pub(super) fn take_back(
        &mut self,
        (view, reader): (&View, &ClusterReader),
        (moved, regrouped): (&RoaringTreemap, &mut Regrouped),
        threads: usize,
        watch: Watch,
    ) -> Result<TakenBack> {
        let mut taken = TakenBack::default();
        for cluster in regrouped.clusters.iter().copied() {
            let Some(filled) = self.clusters.get_mut(cluster) else { continue };
            for chunk in (0..filled.facts.chunks).chain([ROWS_OF_CLUSTER]) {
                taken.bytes += reader.chunk(cluster, chunk, |bytes| Ok(bytes.len() as u64))?;
                taken.chunks.push((cluster, chunk));
            }
            (filled.squares, filled.facts.entries, filled.facts.chunks) = (0.0, 0, 0);
        }
        let mut pairs = std::mem::take(&mut regrouped.rows);
        let moved: Vec<u64> = moved.iter().collect();
        for (ordinal, clusters) in self.choose(view, &moved, threads)? {
            pairs.extend(clusters.into_iter().map(|cluster| (ordinal, cluster)));
        }
        pairs.extend(self.homes(view, reader, &regrouped.homeless, threads)?);
        for cluster in 0..self.clusters.len() {
            let mut small = Vec::new();
            let chunks = self.clusters.get(cluster).map_or(0, |filled| filled.facts.chunks);
            for chunk in (0..chunks).rev() {
                let (ordinals, bytes) = reader.rows_of_chunk(cluster, chunk)?;
                if 2 * ordinals.len() >= self.rows_of_a_chunk {
                    break;
                }
                small.push((chunk, bytes, ordinals));
            }
            let Some(filled) = self.clusters.get_mut(cluster).filter(|_| small.len() > MOST_SMALL_CHUNKS) else {
                continue;
            };
            for (chunk, bytes, ordinals) in small {
                let rows = u32::try_from(ordinals.len()).unwrap_or(u32::MAX);
                filled.squares -= f64::from(filled.facts.radius).powi(2) * f64::from(rows);
                filled.facts.entries = filled.facts.entries.saturating_sub(rows);
                filled.facts.chunks = chunk;
                taken.chunks.push((cluster, chunk));
                taken.bytes += bytes;
                pairs.extend(ordinals.into_iter().filter(|at| !view.dead().contains(*at)).map(|at| (at, cluster)));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        for pairs in pairs.chunks(PAIRS_AT_ONCE) {
            let parts = in_parts(pairs.len(), AT_ONCE, threads, |part| {
                let (first, mut made) = (part.start, Part::default());
                let (mut embeddings, mut turner) = (view.embeddings(), Turner::new(self.centres.base()));
                for pairs in pairs.get(part).unwrap_or_default().chunks(AT_ONCE) {
                    let rows = turner.read(&mut embeddings, pairs.iter().map(|(ordinal, _)| Ordinal(*ordinal)))?;
                    for ((ordinal, cluster), row) in pairs.iter().zip(&rows) {
                        self.make(*ordinal, row, &[*cluster], &mut made);
                    }
                }
                Ok((first, made))
            })?;
            let full = self.put_all(parts);
            taken.full.extend(full);
            if watch(0).is_break() {
                return Err(Error::Interrupted);
            }
        }
        Ok(taken)
    }

    /// Turns the embeddings of rows, by all threads; returns what each made of its part, which begins at this one.
    fn of_turned<T: Default + Send>(
        &self,
        view: &View,
        ordinals: &[u64],
        threads: usize,
        put: impl Fn(u64, &Turned, &mut T) -> Result<()> + Sync,
    ) -> Result<Vec<(usize, T)>> {
        in_parts(ordinals.len(), AT_ONCE, threads, |part| {
            let (mut embeddings, mut turner) = (view.embeddings(), Turner::new(self.centres.base()));
            let (first, mut made) = (part.start, T::default());
            for ordinals in ordinals.get(part).unwrap_or_default().chunks(AT_ONCE) {
                let rows = turner.read(&mut embeddings, ordinals.iter().map(|ordinal| Ordinal(*ordinal)))?;
                for (ordinal, row) in ordinals.iter().zip(&rows) {
                    put(*ordinal, row, &mut made)?;
                }
            }
            Ok((first, made))
        })
    }

    /// Returns the clusters of rows.
    fn choose(&self, view: &View, ordinals: &[u64], threads: usize) -> Result<Vec<(u64, Vec<usize>)>> {
        let parts = self.of_turned(view, ordinals, threads, |ordinal, row, chosen: &mut Vec<_>| {
            chosen.push((ordinal, self.centres.clusters_of(&self.choosers, row)?));
            Ok(())
        })?;
        Ok(in_order(parts))
    }

    /// Returns where rows of clusters that were closed go: of their clusters, the nearest that does not list them, if there is one.
    fn homes(
        &self,
        view: &View,
        reader: &ClusterReader,
        homeless: &[u64],
        threads: usize,
    ) -> Result<Vec<(u64, usize)>> {
        let mut ordinals = homeless.to_vec();
        ordinals.dedup();
        let chosen = self.choose(view, &ordinals, threads)?;
        let mut asked: HashMap<usize, HashMap<u64, bool>> = HashMap::new();
        for (ordinal, clusters) in &chosen {
            for cluster in clusters {
                asked.entry(*cluster).or_default().insert(*ordinal, false);
            }
        }
        for (cluster, rows) in &mut asked {
            if self.clusters.get(*cluster).is_some_and(|filled| !filled.facts.is_empty()) {
                reader.may_hold(*cluster, |ordinal| {
                    rows.entry(ordinal).and_modify(|is_listed| *is_listed = true);
                    false
                })?;
            }
        }
        let stood_in =
            |ordinal: u64| homeless.partition_point(|at| *at <= ordinal) - homeless.partition_point(|at| *at < ordinal);
        let homes = chosen.into_iter().flat_map(|(ordinal, clusters)| {
            let is_listed = |cluster: &usize| asked.get(cluster).is_some_and(|rows| rows.get(&ordinal) == Some(&true));
            let free = clusters.iter().copied().filter(|cluster| !is_listed(cluster)).take(stood_in(ordinal));
            let free: Vec<usize> = free.collect();
            let homes = if free.is_empty() { clusters.into_iter().take(1).collect() } else { free };
            homes.into_iter().map(move |cluster| (ordinal, cluster))
        });
        Ok(homes.collect())
    }

    /// Puts rows into their clusters, ordinals ascending; returns the chunks that are full.
    pub(super) fn add(&mut self, view: &View, ordinals: &[u64], threads: usize) -> Result<Vec<ClusterChunk>> {
        let parts = self.of_turned(view, ordinals, threads, |ordinal, row, made| {
            self.make(ordinal, row, &self.centres.clusters_of(&self.choosers, row)?, made);
            Ok(())
        })?;
        Ok(self.put_all(parts))
    }

    /// Puts what threads made where it belongs; returns the chunks that are full.
    fn put_all(&mut self, mut parts: Vec<(usize, Part)>) -> Vec<ClusterChunk> {
        parts.sort_unstable_by_key(|(first, _)| *first);
        let mut full = Vec::new();
        for (_, part) in parts {
            for (entry, signs) in part.entries.iter().zip(part.signs.chunks_exact(sign_bytes(self.dimension).max(1))) {
                full.extend(self.put(entry, signs));
            }
        }
        full
    }

    /// Makes signs of a row around the centres of these clusters.
    fn make(&self, ordinal: u64, row: &Turned, clusters: &[usize], made: &mut Part) {
        for cluster in clusters {
            let first = made.signs.len();
            made.signs.resize(first + sign_bytes(self.dimension), 0);
            let signs = made.signs.get_mut(first..).unwrap_or_default();
            let around = self.centres.base().row(row, self.choosers.point(*cluster), signs);
            made.entries.push(Entry { cluster: *cluster, ordinal, around });
        }
    }

    fn put(&mut self, entry: &Entry, signs: &[u8]) -> Option<ClusterChunk> {
        let filled = self.clusters.get_mut(entry.cluster)?;
        let RowAround { sums, numbers } = entry.around;
        let [_, _, _, length] = numbers;
        filled.squares += f64::from(length).powi(2);
        filled.facts.entries = filled.facts.entries.saturating_add(1);
        filled.rows.push(entry.ordinal);
        let ordinal = Ordinal(entry.ordinal);
        let full = (filled.waiting.len() >= self.rows_of_a_chunk || !filled.waiting.takes(ordinal))
            .then(|| filled.chunk(entry.cluster));
        filled.waiting.push(ordinal, (signs, sums), numbers, self.centres.base().space());
        full
    }

    /// Hands over the chunks that are not full, and the rows that were put into each cluster, where there are any; returns what is
    /// known of the clusters then.
    pub(super) fn finish(self, mut put: impl FnMut(Made) -> Result<()>) -> Result<Directory> {
        let mut directory = Directory::default();
        for (cluster, mut filled) in self.clusters.into_iter().enumerate() {
            if filled.waiting.len() > 0 {
                put(Made::Chunk(filled.chunk(cluster)))?;
            }
            if !filled.rows.is_empty() {
                put(Made::Rows(cluster, filled.rows))?;
            }
            let mean = filled.squares / f64::from(filled.facts.entries.max(1));
            #[expect(clippy::cast_possible_truncation, reason = "f32 is near enough")]
            let radius = mean.max(0.0).sqrt() as f32;
            directory.clusters.push(ClusterFacts { radius, ..filled.facts });
        }
        Ok(directory)
    }
}

impl Filled {
    /// Makes a chunk of what waits.
    fn chunk(&mut self, cluster: usize) -> ClusterChunk {
        let chunk = self.facts.chunks;
        self.facts.chunks += 1;
        let bytes = self.waiting.to_bytes(u32::try_from(cluster).unwrap_or(u32::MAX));
        self.waiting.clear();
        ClusterChunk { cluster, chunk, bytes }
    }
}
