//! Rows put into the clusters that they lie in: read once, in the order of the file, by all threads.
//!
//! Each lies in two of those that are near: near the edge of one, it is found from either side. What fills no chunk yet waits in memory, so
//! that a chunk is written once. Invariant: every row that is given is in a chunk or waits, once in each of its clusters.

use roaring::RoaringTreemap;

use super::centres::{Centres, seen};
use crate::error::Result;
use crate::index::work_sharing::in_parts;
use crate::record::{Ordinal, Space};
use crate::store::{
    Centre, ChunkRows, ClusterChunk, ClusterChunkRef, ClusterFacts, ClusterReader, Codes, Directory, Sketcher, View,
    quantise, rows_per_chunk, sign_bytes,
};

/// Rows compared with all centres at once.
const AT_ONCE: usize = 1024;
/// Rows turned at once.
const TURNED: usize = 8;
/// A cluster with more chunks that are less than half full has them made one.
const MOST_SMALL_CHUNKS: usize = 3;
/// Rows read again at once, in order.
const PAIRS_AT_ONCE: usize = 16 * 1024;
/// What waits takes no more than this.
const MOST_WAITING_BYTES: usize = 384 << 20;
/// The numbers of a row that waits, and its ordinal.
const NUMBERS_BYTES: usize = 20;

/// Clusters that are being filled.
pub(super) struct Filling<'c> {
    centres: &'c Centres,
    points: Vec<Centre>,
    space: Space,
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

/// A row in a cluster.
struct Entry {
    cluster: usize,
    ordinal: u64,
    numbers: [f32; 4],
    sums: (f32, f32),
}

/// What a thread made of its part: rows, and the signs of each.
struct Part {
    first: usize,
    entries: Vec<Entry>,
    signs: Vec<u8>,
}

impl<'c> Filling<'c> {
    /// Begins with clusters of which so much is known already.
    pub(super) fn new(centres: &'c Centres, known: Option<&Directory>, space: Space) -> Result<Self> {
        let points = centres.all()?;
        let dimension = centres.parts().0.components().len();
        let mut rows_of_a_chunk = rows_per_chunk(dimension);
        while rows_of_a_chunk > 64
            && points.len() * rows_of_a_chunk * (sign_bytes(dimension) + NUMBERS_BYTES) > MOST_WAITING_BYTES
        {
            rows_of_a_chunk /= 2;
        }
        let facts = |cluster: usize, point: &Centre| {
            let facts = known.and_then(|known| known.clusters.get(cluster)).copied();
            #[expect(clippy::cast_possible_truncation, reason = "f32 is near enough")]
            facts.unwrap_or(ClusterFacts { squared: point.squared() as f32, ..ClusterFacts::default() })
        };
        let filled = |(cluster, point): (usize, &Centre)| {
            let facts = facts(cluster, point);
            let squares = f64::from(facts.radius).powi(2) * f64::from(facts.entries);
            Filled { waiting: ChunkRows::new(dimension), facts, squares }
        };
        let clusters = points.iter().enumerate().map(filled).collect();
        Ok(Self { centres, points, space, dimension, rows_of_a_chunk, clusters })
    }

    /// Takes the rows of small chunks back, where a cluster has several, so that they become larger ones, and puts rows that moved
    /// where they lie now.
    pub(super) fn take_back(
        &mut self,
        (view, reader): (&View, &ClusterReader),
        moved: &RoaringTreemap,
        threads: usize,
    ) -> Result<TakenBack> {
        let (mut taken, mut pairs) = (TakenBack::default(), Vec::new());
        let (moved, mut embeddings) = (moved.iter().collect::<Vec<u64>>(), view.embeddings());
        for ordinals in moved.chunks(AT_ONCE) {
            let rows = ordinals.iter().map(|ordinal| Ok(seen(&embeddings.floats(Ordinal(*ordinal))?, self.space)));
            let rows = rows.collect::<Result<Vec<_>>>()?;
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            for (ordinal, clusters) in ordinals.iter().zip(self.centres.clusters_of(&rows, &self.points)?) {
                pairs.extend(clusters.into_iter().map(|cluster| (*ordinal, cluster)));
            }
        }
        for cluster in 0..self.clusters.len() {
            let mut small = Vec::new();
            let chunks = self.clusters.get(cluster).map_or(0, |filled| filled.facts.chunks);
            for chunk in (0..chunks).rev() {
                let (bytes, ordinals) = reader.chunk(cluster, chunk, |bytes| {
                    let found = ClusterChunkRef::verified(bytes)?;
                    let ordinals = (0..found.rows()).map(|row| found.ordinal(row).0);
                    Ok((bytes.len() as u64, ordinals.collect::<Vec<u64>>()))
                })?;
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
                let mut made = Part { first: part.start, entries: Vec::new(), signs: Vec::new() };
                let (mut embeddings, mut sketcher) = (view.embeddings(), Sketcher::new(self.dimension));
                for pairs in pairs.get(part).unwrap_or_default().chunks(AT_ONCE) {
                    let rows = pairs.iter().map(|(ordinal, _)| embeddings.floats(Ordinal(*ordinal)));
                    let rows = rows.collect::<Result<Vec<_>>>()?;
                    let pairs = pairs.iter().zip(&rows);
                    let pairs: Vec<_> = pairs.map(|((ordinal, at), row)| (*at, *ordinal, row.as_slice())).collect();
                    self.sketch_pairs(&pairs, &mut sketcher, &mut made);
                }
                Ok(made)
            })?;
            let full = self.put_all(parts);
            taken.full.extend(full);
        }
        Ok(taken)
    }

    /// Puts rows into their clusters, ordinals ascending; returns the chunks that are full.
    pub(super) fn add(&mut self, view: &View, ordinals: &[u64], threads: usize) -> Result<Vec<ClusterChunk>> {
        let parts = in_parts(ordinals.len(), AT_ONCE, threads, |part| {
            let mut made = Part { first: part.start, entries: Vec::new(), signs: Vec::new() };
            let (mut embeddings, mut sketcher) = (view.embeddings(), Sketcher::new(self.dimension));
            for ordinals in ordinals.get(part).unwrap_or_default().chunks(AT_ONCE) {
                let rows = ordinals.iter().map(|ordinal| embeddings.floats(Ordinal(*ordinal)));
                let rows = rows.collect::<Result<Vec<_>>>()?;
                self.sketch(ordinals, &rows, &mut sketcher, &mut made)?;
            }
            Ok(made)
        })?;
        Ok(self.put_all(parts))
    }

    /// Puts what threads made where it belongs; returns the chunks that are full.
    fn put_all(&mut self, mut parts: Vec<Part>) -> Vec<ClusterChunk> {
        parts.sort_unstable_by_key(|part| part.first);
        let mut full = Vec::new();
        for part in parts {
            for (entry, signs) in part.entries.iter().zip(part.signs.chunks_exact(sign_bytes(self.dimension).max(1))) {
                full.extend(self.put(entry, signs));
            }
        }
        full
    }

    /// Makes signs of rows around the centres they are near.
    fn sketch(&self, ordinals: &[u64], rows: &[Vec<f32>], sketcher: &mut Sketcher, made: &mut Part) -> Result<()> {
        let as_seen: Vec<Vec<f32>> = rows.iter().map(|row| seen(row, self.space)).collect();
        let as_seen: Vec<&[f32]> = as_seen.iter().map(Vec::as_slice).collect();
        let nearest = self.centres.clusters_of(&as_seen, &self.points)?;
        let pairs = ordinals.iter().zip(rows).zip(&nearest);
        let pairs: Vec<(usize, u64, &[f32])> = pairs
            .flat_map(|((ordinal, row), clusters)| clusters.iter().map(|cluster| (*cluster, *ordinal, row.as_slice())))
            .collect();
        self.sketch_pairs(&pairs, sketcher, made);
        Ok(())
    }

    /// Makes signs of rows around the centres of these clusters.
    fn sketch_pairs(&self, pairs: &[(usize, u64, &[f32])], sketcher: &mut Sketcher, made: &mut Part) {
        let mut signs = vec![0; TURNED * sign_bytes(self.dimension)];
        let mut codes = Vec::with_capacity(TURNED * self.dimension);
        for pairs in pairs.chunks(TURNED) {
            codes.clear();
            let first = made.entries.len();
            for (cluster, ordinal, row) in pairs {
                let Some(point) = self.points.get(*cluster) else { continue };
                let Codes { codes: of_row, factor, bias, residual, length, .. } = quantise(row, point, self.space);
                codes.extend_from_slice(&of_row);
                let numbers = [factor, bias, residual, length];
                made.entries.push(Entry { cluster: *cluster, ordinal: *ordinal, numbers, sums: (0.0, 0.0) });
            }
            let sums = sketcher.turn(&codes, &mut signs);
            let entries = made.entries.get_mut(first..).unwrap_or_default();
            made.signs.extend_from_slice(signs.get(..entries.len() * sign_bytes(self.dimension)).unwrap_or_default());
            entries.iter_mut().zip(sums).for_each(|(entry, sums)| entry.sums = sums);
        }
    }

    fn put(&mut self, entry: &Entry, signs: &[u8]) -> Option<ClusterChunk> {
        let filled = self.clusters.get_mut(entry.cluster)?;
        let [_, _, _, length] = entry.numbers;
        filled.squares += f64::from(length).powi(2);
        filled.facts.entries = filled.facts.entries.saturating_add(1);
        let ordinal = Ordinal(entry.ordinal);
        let full = (filled.waiting.len() >= self.rows_of_a_chunk || !filled.waiting.takes(ordinal))
            .then(|| filled.chunk(entry.cluster, self.dimension));
        filled.waiting.push(ordinal, (signs, entry.sums), entry.numbers, self.space);
        full
    }

    /// Returns the chunks that are not full, and what is known of the clusters then.
    pub(super) fn finish(mut self) -> (Vec<ClusterChunk>, Directory) {
        let mut rest = Vec::new();
        for (cluster, filled) in self.clusters.iter_mut().enumerate() {
            if filled.waiting.len() > 0 {
                rest.push(filled.chunk(cluster, self.dimension));
            }
            let mean = filled.squares / f64::from(filled.facts.entries.max(1));
            #[expect(clippy::cast_possible_truncation, reason = "f32 is near enough")]
            let radius = mean.max(0.0).sqrt() as f32;
            filled.facts.radius = radius;
        }
        (rest, Directory { clusters: self.clusters.into_iter().map(|filled| filled.facts).collect() })
    }
}

impl Filled {
    /// Makes a chunk of what waits.
    fn chunk(&mut self, cluster: usize, dimension: usize) -> ClusterChunk {
        let waiting = std::mem::replace(&mut self.waiting, ChunkRows::new(dimension));
        let chunk = self.facts.chunks;
        self.facts.chunks += 1;
        ClusterChunk { cluster, chunk, bytes: waiting.to_bytes(u32::try_from(cluster).unwrap_or(u32::MAX)) }
    }
}
