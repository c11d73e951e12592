//! The centres of clusters, by k-means over a sample of the rows.
//!
//! Lloyd's iterations from rows drawn at random: with many clusters of few rows each, a better start gains little. The sample is
//! kept in codes, since so do the centres in the file. Invariant: memory is bounded by the sample, not by the collection.

use super::centres::{Centres, seen};
use crate::error::Error;
use crate::error::Result;
use crate::index::graph::Watch;
use crate::index::work_sharing::in_parts;
use crate::record::Space;
use crate::record::{Ordinal, SplitMix64};
use crate::store::{Centre, Codes, View, quantise};

/// Rows of the sample for each cluster.
const SAMPLED: usize = 24;
const ITERATIONS: usize = 8;
/// Rows compared with all centres at once.
const AT_ONCE: usize = 1024;
/// Rows whose mean the sample is coded around.
const BASE_ROWS: usize = 1024;

/// What each thread sums up of its part of the sample.
struct Sums {
    sums: Vec<f32>,
    counts: Vec<u32>,
}

/// Returns the centres of so many clusters of the rows below an ordinal.
///
/// # Errors
/// [`Error::Interrupted`] when `watch` says so, or when embeddings cannot be read.
pub(super) fn train(view: &View, ordinals: &[u64], clusters: usize, threads: usize, watch: Watch) -> Result<Centres> {
    let space = view.info().space;
    let step = (ordinals.len() / (clusters * SAMPLED).max(1)).max(1);
    // One of each stretch, at no regular distance: what is inserted may repeat itself.
    let picked = ordinals.chunks(step).zip(0..).filter_map(|(stretch, number)| {
        let at = SplitMix64::new(number).next() % stretch.len() as u64;
        stretch.get(usize::try_from(at).unwrap_or(0)).copied()
    });
    let picked: Vec<u64> = picked.collect();
    let mut embeddings = view.embeddings();
    let first = picked.iter().step_by((picked.len() / BASE_ROWS).max(1));
    let first = first.map(|ordinal| Ok(seen(&embeddings.floats(Ordinal(*ordinal))?, space)));
    let first = first.collect::<Result<Vec<_>>>()?;
    let base = Centre::of(&first.iter().map(Vec::as_slice).collect::<Vec<_>>(), Space::L2);
    let mut sample = in_parts(picked.len(), AT_ONCE, threads, |part| {
        let mut embeddings = view.embeddings();
        let rows = picked.get(part).unwrap_or_default().iter();
        let coded = rows.map(|ordinal| {
            let codes = quantise(&seen(&embeddings.floats(Ordinal(*ordinal))?, space), &base, Space::L2);
            Ok((*ordinal, codes))
        });
        coded.collect::<Result<Vec<(u64, Codes)>>>()
    })?
    .concat();
    sample.sort_unstable_by_key(|(ordinal, _)| *ordinal);
    let decoded = |codes: &Codes| -> Vec<f32> {
        let scale = codes.factor / 2.0;
        codes.codes.iter().zip(base.components()).map(|(code, base)| base + scale * f32::from(*code)).collect()
    };
    let mut random = SplitMix64::new(clusters as u64);
    let mut drawn = || {
        let at = usize::try_from(random.next() % sample.len().max(1) as u64).unwrap_or(0);
        sample.get(at).map(|(_, codes)| decoded(codes)).unwrap_or_default()
    };
    // One row of each stretch of the sample, so that none is drawn twice.
    let stretch = (sample.len() / clusters.max(1)).max(1);
    let start = sample.chunks(stretch).take(clusters).enumerate();
    let start = start.filter_map(|(at, rows)| rows.get(at * 7 % rows.len().max(1)));
    let mut points: Vec<Vec<f32>> = start.map(|(_, codes)| decoded(codes)).collect();
    for _ in 0..ITERATIONS {
        let centres = Centres::of(&points, base.clone())?;
        let dimension = base.components().len();
        let summed = in_parts(sample.len(), AT_ONCE, threads, |part| {
            let mut sums = Sums { sums: vec![0.0; points.len() * dimension], counts: vec![0; points.len()] };
            for rows in sample.get(part).unwrap_or_default().chunks(AT_ONCE) {
                if watch(0).is_break() {
                    return Err(Error::Interrupted);
                }
                sums.add(&rows.iter().map(|(_, codes)| decoded(codes)).collect::<Vec<_>>(), &centres)?;
            }
            Ok(sums)
        })?;
        for (cluster, point) in points.iter_mut().enumerate() {
            let count: u32 = summed.iter().filter_map(|sums| sums.counts.get(cluster)).sum();
            if count == 0 {
                *point = drawn();
                continue;
            }
            point.fill(0.0);
            for sums in &summed {
                let sum = sums.sums.get(cluster * dimension..(cluster + 1) * dimension).unwrap_or_default();
                point.iter_mut().zip(sum).for_each(|(x, sum)| *x += sum);
            }
            #[expect(clippy::cast_precision_loss, reason = "rows of a cluster")]
            for x in point.iter_mut() {
                *x /= count as f32;
            }
        }
    }
    Centres::of(&points, base.clone())
}

impl Sums {
    fn add(&mut self, rows: &[Vec<f32>], centres: &Centres) -> Result<()> {
        let nearest = centres.nearest(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), 1)?;
        for (row, nearest) in rows.iter().zip(nearest) {
            let Some(cluster) = nearest.first() else { continue };
            let here = self.sums.get_mut(cluster * row.len()..(cluster + 1) * row.len()).unwrap_or_default();
            here.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            if let Some(count) = self.counts.get_mut(*cluster) {
                *count += 1;
            }
        }
        Ok(())
    }
}
