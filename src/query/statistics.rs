//! How the embeddings and documents of a collection are spread, measured on a sample.
//!
//! Both what lies nearest and what two records picked at random are apart: a useful limit of distance is between the
//! two. Invariant: memory is bounded by the sample, whatever the collection, and the same seed measures the same.

use super::distribution::Distribution;
use super::request::Query;
use super::sample::{Draw, sample};
use super::select::choose;
use super::{Filter, RecordQuery};
use crate::error::Result;
use crate::record::{Ordinal, Record, RecordId};
use crate::store::{Include, View};

/// The embeddings of a sample are held in memory.
const SAMPLE_BYTES: usize = 64 << 20;
/// The most pairs whose distance is measured: enough for a share of one in a thousand.
const MOST_PAIRS: u64 = 10_000;

/// What is measured, and how thoroughly.
#[derive(Debug, Clone)]
pub struct StatisticsQuery {
    /// Only records of these ids.
    pub ids: Option<Vec<RecordId>>,
    /// Only records a filter keeps, among each other.
    pub filter: Option<Filter>,
    /// Records to measure; fewer where their embeddings would take more than 64 MiB.
    pub sample: usize,
    /// Decides which they are.
    pub seed: u64,
    /// Cores to use.
    pub threads: usize,
}

/// What was measured.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// The records there are.
    pub records: u64,
    /// The records that were measured.
    pub sampled: u64,
    /// The distance of each to its nearest neighbour among all the records.
    pub nearest: Distribution,
    /// The distances of pairs of them, picked at random.
    pub pairs: Distribution,
    /// The Euclidean lengths of their embeddings.
    pub norms: Distribution,
    /// The lengths of their documents in characters.
    pub lengths: Distribution,
    /// What went wrong without changing the numbers, such as a damaged graph.
    pub warnings: Vec<String>,
}

impl View {
    /// Draws at most `count` of the records of a query, in the order they were inserted; returns also how many the
    /// query has. Its page and order do nothing.
    ///
    /// # Errors
    /// A damaged file.
    pub fn sampled(&self, among: &RecordQuery, count: usize, seed: u64) -> Result<(Vec<Ordinal>, u64)> {
        let chosen = choose(self, among.ids.as_deref(), among.filter.as_ref())?.unwrap_or_else(|| self.live());
        Ok((sample(&chosen, count, seed).into_iter().map(Ordinal).collect(), chosen.len()))
    }

    /// Measures a sample of the records.
    ///
    /// # Errors
    /// A damaged file.
    pub fn statistics(&self, query: &StatisticsQuery) -> Result<Statistics> {
        let dimension = self.info().dimension.unwrap_or(0);
        let most = query.sample.min(SAMPLE_BYTES / (4 * dimension.max(1)));
        let (ordinals, records) = self.sampled(&query.into(), most, query.seed)?;
        let (mut ids, mut embeddings) = (Vec::with_capacity(ordinals.len()), Vec::with_capacity(ordinals.len()));
        let mut lengths = Vec::new();
        for ordinal in &ordinals {
            let include = Include { documents: true, embeddings: true, ..Include::NONE };
            let Record { id, embedding, document, .. } = self.record(*ordinal, include)?;
            ids.push(id);
            embeddings.push(embedding.unwrap_or_default());
            lengths.extend(document.map(|document| as_float(document.chars().count())));
        }
        let norms = embeddings.iter().map(|embedding| norm(embedding)).collect();
        let pairs = self.pairs(&embeddings, query.seed);
        let (nearest, warnings) = self.neighbours(query, &ids, embeddings)?;
        let sampled = ordinals.len() as u64;
        let lengths = lengths.into_iter().collect();
        Ok(Statistics { records, sampled, nearest, pairs, norms, lengths, warnings })
    }

    /// Returns the distances of all pairs, or of as many as are enough.
    fn pairs(&self, embeddings: &[Vec<f32>], seed: u64) -> Distribution {
        let space = self.info().space;
        let count = embeddings.len() as u64;
        if count * count.saturating_sub(1) / 2 <= MOST_PAIRS {
            let with_later = |(at, one): (usize, &Vec<f32>)| {
                let later = embeddings.get(at + 1..).unwrap_or_default();
                later.iter().map(|other| space.distance(one, other)).collect::<Vec<_>>()
            };
            return embeddings.iter().enumerate().flat_map(with_later).collect();
        }
        // Another stream than the sample's.
        let mut draw = Draw::new(!seed);
        let mut pick = |end: u64| usize::try_from(draw.below(end)).unwrap_or_default();
        let pair = |_| {
            let (one, other) = (pick(count), pick(count - 1));
            let other = if other >= one { other + 1 } else { other };
            Some(space.distance(embeddings.get(one)?, embeddings.get(other)?))
        };
        (0..MOST_PAIRS).filter_map(pair).collect()
    }

    /// Returns the distance of each embedding to the nearest of another record.
    fn neighbours(
        &self,
        query: &StatisticsQuery,
        ids: &[RecordId],
        embeddings: Vec<Vec<f32>>,
    ) -> Result<(Distribution, Vec<String>)> {
        // A record is its own nearest, or one that equals it is.
        let asked = Query::vectors(embeddings).top(2).include(Include::NONE).threads(query.threads);
        let answer = self.query(&asked.ids(query.ids.clone()).filter(query.filter.clone()))?;
        let other = |(id, hits): (&RecordId, &Vec<crate::record::Hit>)| {
            hits.iter().find(|hit| hit.record.id != *id).map(|hit| f64::from(hit.distance))
        };
        Ok((ids.iter().zip(&answer.hits).filter_map(other).collect(), answer.warnings))
    }
}

impl From<&StatisticsQuery> for RecordQuery {
    fn from(query: &StatisticsQuery) -> Self {
        Self { ids: query.ids.clone(), filter: query.filter.clone(), ..Self::default() }
    }
}

fn norm(embedding: &[f32]) -> f64 {
    embedding.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "a length is needed only nearly")]
fn as_float(length: usize) -> f64 {
    length as f64
}
