//! Clusters against the rows that must be in them and, in a deep check, against their embeddings.

use roaring::RoaringTreemap;

use super::finding::{Depth, Findings};
use super::subject::Subject;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::centre::Centre;
use crate::store::clusters::{self, ClusterBase, ClusterChunkRef, ClusterPart, ClustersEntry, Directory, Turner};
use crate::store::codec::set_from_bytes;
use crate::store::segment::Segment;
use crate::store::sketch_size::sign_bytes;
use crate::store::table::{self, CollectionNumber, PairKey, pair_number};
use crate::store::vector::Embeddings;

/// What was read of them so far.
#[derive(Default)]
struct SeenClusters {
    directory: Option<Directory>,
    base: Option<ClusterBase>,
    moved: RoaringTreemap,
    again: RoaringTreemap,
    /// Segments of centres, by the first cluster of each.
    centres: Vec<(u64, Vec<u8>)>,
    /// Rows that are in a chunk.
    standing: RoaringTreemap,
    /// Those of the cluster whose chunks are read, and how many clusters are known to have which rows.
    of_cluster: RoaringTreemap,
    listed: u64,
    /// Entries and chunks of each cluster.
    counted: Vec<(u32, u32)>,
    /// Whether a chunk could not be read, so that its rows are not missing but unknown.
    lost: bool,
}

impl Subject<'_> {
    pub(super) fn check_clusters(&self, findings: &mut Findings) -> Result<()> {
        let Some(entry) = self.entry.clusters.filter(ClustersEntry::is_turned_as_now) else { return Ok(()) };
        let number = CollectionNumber(entry.number);
        let vectors = self.tx.open_table(table::VECTORS)?;
        let form = self.entry.row_form();
        let mut embeddings = form.map(|form| Embeddings::new(&vectors, self.rows_number, form));
        let mut seen = SeenClusters::default();
        let stored = self.tx.open_table(table::CLUSTERS)?;
        for part in stored.range::<&PairKey>(&number.pair(0)..=&number.pair(u64::MAX))? {
            let (key, bytes) = part?;
            self.check_part(pair_number(key.value()), bytes.value(), &mut seen, embeddings.as_mut(), findings)?;
        }
        self.check_whole(&entry, &seen, findings);
        Ok(())
    }

    fn check_part(
        &self,
        key: u64,
        bytes: &[u8],
        seen: &mut SeenClusters,
        embeddings: Option<&mut Embeddings>,
        findings: &mut Findings,
    ) -> Result<()> {
        let dimension = self.entry.info.dimension.unwrap_or(0);
        match clusters::part_of(key) {
            ClusterPart::Directory => {
                let place = self.place("directory of clusters");
                seen.directory = findings.take(place, true, Directory::from_bytes(bytes))?;
            }
            ClusterPart::Base => {
                let place = self.place("centres of clusters");
                let base = findings.take(place, true, Centre::from_bytes(bytes, dimension))?;
                seen.base = base.map(|base| ClusterBase::new(base, self.entry.info.space));
            }
            ClusterPart::Moved => {
                let set = set_from_bytes(bytes, "the set");
                seen.moved = findings.take(self.place("rows that moved"), true, set)?.unwrap_or_default();
            }
            ClusterPart::Again => {
                let set = set_from_bytes(bytes, "the set");
                seen.again = findings.take(self.place("rows that moved"), true, set)?.unwrap_or_default();
            }
            ClusterPart::Centres(first) => {
                let place = self.place("centres of clusters");
                if findings.take(place, true, Segment::verify(bytes))?.is_some() {
                    seen.centres.push((first, bytes.to_vec()));
                }
            }
            ClusterPart::Rows(cluster) => {
                let place = self.place(&format!("rows of cluster {cluster}"));
                let listed = clusters::rows::verify(bytes).and_then(|()| {
                    // One that moved has left the list, and stays in a chunk until that is written again.
                    let mut missing = &(&seen.of_cluster - &seen.again) - &self.dead;
                    clusters::rows::any(bytes, |ordinal| {
                        missing.remove(ordinal);
                        false
                    })?;
                    Ok(missing.is_empty())
                });
                if findings.take(&place, true, listed)? == Some(false) {
                    findings.add(place, "rows of its chunks are not among them", true);
                }
                seen.listed += 1;
                seen.of_cluster.clear();
            }
            ClusterPart::Chunk(cluster, chunk) => {
                let place = self.place(&format!("chunk {chunk} of cluster {cluster}"));
                match findings.take(&place, true, ClusterChunkRef::verified(bytes))? {
                    Some(found) => self.check_chunk(cluster, &found, &place, seen, embeddings, findings),
                    None => seen.lost = true,
                }
            }
        }
        Ok(())
    }

    fn check_chunk(
        &self,
        cluster: u64,
        found: &ClusterChunkRef,
        place: &str,
        seen: &mut SeenClusters,
        mut embeddings: Option<&mut Embeddings>,
        findings: &mut Findings,
    ) {
        let (dimension, at) = (self.entry.info.dimension.unwrap_or(0), usize::try_from(cluster).unwrap_or(usize::MAX));
        if at < clusters::MOST_CLUSTERS && seen.counted.len() <= at {
            seen.counted.resize(at + 1, (0, 0));
        }
        if let Some((entries, chunks)) = seen.counted.get_mut(at) {
            *entries = entries.saturating_add(u32::try_from(found.rows()).unwrap_or(u32::MAX));
            *chunks += 1;
        }
        let signs = found.sketch.signs();
        if u64::from(found.sketch.centre()) != cluster || signs.len() != found.rows() * sign_bytes(dimension) {
            findings.add(place, "it is of another cluster or dimension", true);
            return;
        }
        let point = if self.depth == Depth::Deep { seen.point(cluster) } else { None };
        let base = seen.base.clone().filter(|_| point.is_some());
        let mut turner = base.as_ref().map(Turner::new);
        let mut made = vec![0; sign_bytes(dimension)];
        for (row, signs) in signs.chunks_exact(sign_bytes(dimension).max(1)).enumerate() {
            let ordinal = found.ordinal(row);
            seen.standing.insert(ordinal.0);
            seen.of_cluster.insert(ordinal.0);
            let (Some(point), Some(base), Some(turner)) = (&point, &base, &mut turner) else { continue };
            let Some(embeddings) = embeddings.as_deref_mut() else { continue };
            if [&self.dead, &seen.moved, &seen.again].iter().any(|set| set.contains(ordinal.0)) {
                continue;
            }
            // An embedding that cannot be read is reported with the rows.
            let Ok(embedding) = embeddings.floats(Ordinal(ordinal.0)) else { continue };
            base.row(&turner.turn_one(&embedding), point, &mut made);
            if made != signs {
                findings.add(place, format!("row {} is not what its embedding gives", ordinal.0), true);
                break;
            }
        }
    }

    fn check_whole(&self, entry: &ClustersEntry, seen: &SeenClusters, findings: &mut Findings) {
        let place = self.place("clusters");
        let Some(directory) = &seen.directory else {
            findings.add(place, "they have no directory that can be read", true);
            return;
        };
        let counted = |at: usize| seen.counted.get(at).copied().unwrap_or_default();
        let same =
            directory.clusters.iter().enumerate().all(|(at, facts)| counted(at) == (facts.entries, facts.chunks));
        let of_entry = directory.clusters.len() as u64 == entry.clusters;
        if !seen.lost && (!same || !of_entry || seen.counted.len() > directory.clusters.len()) {
            findings.add(place.as_str(), "other rows are counted than are there", true);
        }
        let with_rows = directory.clusters.iter().filter(|facts| facts.chunks > 0).count() as u64;
        if !seen.lost && seen.listed < with_rows {
            findings.add(place.as_str(), "it is not known which rows some of them have", true);
        }
        let centres: usize =
            seen.centres.iter().filter_map(|(_, bytes)| Segment::parse(bytes).ok()).map(|segment| segment.rows()).sum();
        if centres != directory.clusters.len() || seen.base.is_none() {
            findings.add(place.as_str(), "centres are missing", true);
        }
        let mut missing = self.live();
        missing.remove_range(entry.covers_until..);
        missing -= &seen.standing;
        missing -= &seen.moved;
        if let Some(first) = missing.min().filter(|_| !seen.lost) {
            let what = format!("{} records are in none of them; the first is row {first}", missing.len());
            findings.add(place.as_str(), what, true);
        }
        if entry.covers_until > self.entry.next_ordinal
            || seen.moved.max().is_some_and(|last| last >= entry.covers_until)
        {
            findings.add(place, "they cover or have moved rows that are not there", true);
        }
    }
}

impl SeenClusters {
    fn point(&self, cluster: u64) -> Option<Vec<f32>> {
        let (first, bytes) = self.centres.iter().rfind(|(first, _)| *first <= cluster)?;
        let row = usize::try_from(cluster - first).ok()?;
        clusters::decoded(&Segment::parse(bytes).ok()?, row)
    }
}
