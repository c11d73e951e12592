//! What is asked of a collection: one type, whether by vectors, by texts or by rank expressions.
//!
//! Does not run it. Invariant: a query that was built here is answered the same way however its parts were put in.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use super::plan::AccessPath;
use super::rank::{KnnQuery, Rank};
use super::{BestPer, Filter, GroupBy};
use crate::embed::{self, Embedder, LoadOptions, Reranker, TextRole};
use crate::error::{Error, Result};
use crate::record::{CollectionInfo, RecordId, SparseVector, check_model};
use crate::store::Include;

/// Hits for each question, unless more are asked for.
const TOP: usize = 10;
/// Records that a hybrid query compares in any case, and that are grouped, unless more are asked for.
const DEPTH: usize = 100;

/// One or more questions to a collection, asked with the same conditions.
///
/// It is built from what is asked ([`Query::vector`], [`Query::text`], [`Query::rank`], [`Query::all`]) and as many of the
/// other methods as are needed. The answer has one list of hits for each question.
///
/// ```
/// use huedb::query::{Filter, Query};
/// use huedb::store::Include;
///
/// let query = Query::vector(vec![0.1, 0.2, 0.3])
///     .top(3)
///     .filter(Filter::parse("year >= 2020")?)
///     .include(Include::TEXT);
/// assert_eq!((query.top, query.asks.len()), (3, 1));
/// # Ok::<(), huedb::error::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Query {
    /// The questions.
    pub asks: Vec<Ask>,
    /// Maximum number of hits for each question.
    pub top: usize,
    /// Hits to skip at the start of each list.
    pub offset: usize,
    /// Only records of these ids.
    pub ids: Option<Vec<RecordId>>,
    /// Only records that a filter keeps.
    pub filter: Option<Filter>,
    /// Only hits at this distance or nearer.
    pub max_distance: Option<f32>,
    /// Which parts of the hits are read.
    pub include: Include,
    /// Compare every candidate by its embedding as given.
    pub exact: bool,
    /// Take this way, whatever it costs; `None` lets the plan choose.
    pub way: Option<AccessPath>,
    /// Threads to use; 0 for one on each core.
    pub threads: usize,
    /// Rank texts by their words as well.
    pub hybrid: bool,
    /// Records taken from a ranking before they are grouped or compared by their words.
    pub depth: usize,
    /// How hits are thinned out.
    pub group_by: Option<GroupBy>,
    /// Only the best hit of each value.
    pub best_per: Option<BestPer>,
    /// Leave out near-duplicates of better hits.
    pub unique: bool,
    /// What reads the first hits again and decides their order.
    #[serde(skip)]
    pub reranker: Option<Arc<Reranker>>,
    /// What embeds texts; `None` for the collection's own model.
    #[serde(skip)]
    model: QueryModel,
    /// Records that are not found.
    #[serde(skip)]
    pub(super) left_out: RoaringTreemap,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ask {
    /// The records nearest to this vector.
    Vector(Vec<f32>),
    /// The records nearest to a text, and to its words where the query is hybrid.
    Text {
        /// The text.
        text: String,
        /// Its embedding, where it is known already.
        vector: Option<Vec<f32>>,
        /// The weights of its terms, for a hybrid query of a collection with a sparse model, where they are known already.
        sparse: Option<SparseVector>,
    },
    /// The records of an expression, by their scores.
    Rank(Rank),
    /// The records nearest to some records, and far from others; see [`Query::like`].
    Like {
        /// What hits are to be like; one or more.
        like: Vec<RecordId>,
        /// What they are to be unlike.
        unlike: Vec<RecordId>,
    },
    /// Every record, in the order of insertion.
    All,
}

/// What embeds texts.
#[derive(Clone, Default)]
enum QueryModel {
    /// The collection's, found as the environment says.
    #[default]
    OfCollection,
    /// The collection's, found by these options.
    FoundBy(LoadOptions),
    /// This one.
    Given(Arc<dyn Embedder>),
}

impl fmt::Debug for QueryModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfCollection => f.write_str("OfCollection"),
            Self::FoundBy(_) => f.write_str("FoundBy"),
            Self::Given(model) => write!(f, "Given({})", model.fingerprint().model),
        }
    }
}

impl Default for Query {
    /// Asks nothing yet: ten hits for each question, with their ids and all their text.
    fn default() -> Self {
        Self {
            asks: Vec::new(),
            top: TOP,
            offset: 0,
            ids: None,
            filter: None,
            max_distance: None,
            include: Include::TEXT,
            exact: false,
            way: None,
            threads: 0,
            hybrid: false,
            depth: DEPTH,
            group_by: None,
            best_per: None,
            unique: false,
            reranker: None,
            model: QueryModel::OfCollection,
            left_out: RoaringTreemap::new(),
        }
    }
}

impl From<Vec<f32>> for Ask {
    fn from(vector: Vec<f32>) -> Self {
        Self::Vector(vector)
    }
}

impl From<&str> for Ask {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Ask {
    fn from(text: String) -> Self {
        Self::Text { text, vector: None, sparse: None }
    }
}

impl From<Rank> for Ask {
    fn from(rank: Rank) -> Self {
        Self::Rank(rank)
    }
}

impl Query {
    /// Asks these questions, which may be vectors, texts and expressions side by side.
    #[must_use]
    pub fn new(asks: impl IntoIterator<Item = impl Into<Ask>>) -> Self {
        Self { asks: asks.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Asks for the records nearest to a vector: `[dimension]` finite numbers, as long as the collection's embeddings.
    #[must_use]
    pub fn vector(vector: Vec<f32>) -> Self {
        Self::new([vector])
    }

    /// Asks for the records nearest to each of several vectors: `[questions][dimension]`. A batch is read once for all of
    /// its questions, so it takes less time than as many queries.
    #[must_use]
    pub fn vectors(vectors: Vec<Vec<f32>>) -> Self {
        Self::new(vectors)
    }

    /// Asks for the records nearest to a text, which the collection's model embeds.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new([text.into()])
    }

    /// Asks for the records nearest to each of several texts, which are embedded together.
    #[must_use]
    pub fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new(texts.into_iter().map(Into::into))
    }

    /// Asks for the records of a rank expression, those with the smallest scores first.
    #[must_use]
    pub fn rank(rank: Rank) -> Self {
        Self::new([rank])
    }

    /// Asks for the records nearest to those of these ids: to the mean of their embeddings, each taken at length 1 in a cosine
    /// space. The records themselves are not among the hits. Such a query asks nothing else.
    ///
    /// ```
    /// # use huedb::{Access, CollectionName, Mode, NewCollection, NewRecord, Query, RecordId, Store};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("notes.redb"), Access::Create)?;
    /// # store.create_collection(CollectionName::parse("notes")?, NewCollection::default())?;
    /// let notes = store.collection("notes")?;
    /// # let row = |(id, embedding): (&str, [f32; 2])| NewRecord::new(id).unwrap().with_embedding(embedding.to_vec());
    /// # notes.write_rows([("fox", [1.0, 0.1]), ("wolf", [1.0, 0.2]), ("car", [0.1, 1.0])].map(row), Mode::Add)?;
    /// let answer = notes.query(&Query::like([RecordId::parse("fox")?]))?;
    /// let ids: Vec<&str> = answer.hits[0].iter().map(|hit| hit.record.id.as_str()).collect();
    /// assert_eq!(ids, ["wolf", "car"]);
    /// # Ok::<(), huedb::Error>(())
    /// ```
    #[must_use]
    pub fn like(ids: impl IntoIterator<Item = RecordId>) -> Self {
        let ask = Ask::Like { like: ids.into_iter().collect(), unlike: Vec::new() };
        Self { asks: vec![ask], ..Self::default() }
    }

    /// Subtracts the mean of the embeddings of these records from that of [`Self::like`]; they are not among the hits either.
    #[must_use]
    pub fn unlike(mut self, ids: impl IntoIterator<Item = RecordId>) -> Self {
        if let Some(Ask::Like { unlike, .. }) = self.asks.first_mut() {
            unlike.extend(ids);
        }
        self
    }

    /// Asks for every record, in the order of insertion.
    #[must_use]
    pub fn all() -> Self {
        Self { asks: vec![Ask::All], top: usize::MAX, ..Self::default() }
    }

    /// Sets the maximum number of hits for each question; 10 unless it is set.
    #[must_use]
    pub fn top(self, hits: usize) -> Self {
        Self { top: hits, ..self }
    }

    /// Skips the nearest hits of each question.
    #[must_use]
    pub fn offset(self, hits: usize) -> Self {
        Self { offset: hits, ..self }
    }

    /// Finds only records of these ids.
    #[must_use]
    pub fn ids(self, ids: impl Into<Option<Vec<RecordId>>>) -> Self {
        Self { ids: ids.into(), ..self }
    }

    /// Finds only records that a filter keeps. It is answered before the search: a narrow filter shortens no list that has
    /// enough records to fill it.
    #[must_use]
    pub fn filter(self, filter: impl Into<Option<Filter>>) -> Self {
        Self { filter: filter.into(), ..self }
    }

    /// Drops hits farther away than this, in the numbers of the collection's space (see [`crate::record::Space`]): cosine 0 to
    /// 2, squared l2 0 and more, ip any.
    #[must_use]
    pub fn max_distance(self, distance: impl Into<Option<f32>>) -> Self {
        Self { max_distance: distance.into(), ..self }
    }

    /// Sets which parts of the hits are read; all but the embedding unless it is set.
    #[must_use]
    pub fn include(self, include: Include) -> Self {
        Self { include, ..self }
    }

    /// Compares every candidate by its embedding as given, without a graph and without bounds.
    #[must_use]
    pub fn exact(self, exact: bool) -> Self {
        Self { exact, ..self }
    }

    /// Takes this way, whatever it costs.
    #[must_use]
    pub fn way(self, way: impl Into<Option<AccessPath>>) -> Self {
        Self { way: way.into(), ..self }
    }

    /// Uses so many threads; one on each core unless it is set, or where it is 0.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Ranks texts by meaning and by words, `0.75 (1 + cos) / (1 + best cos) + 0.25 bm25 / best bm25`: hits have this score,
    /// from 0 to 1, the best first. The collection needs an index of its words, or a sparse model, whose product of weights
    /// then stands in the place of BM25; and every question a text. A greatest distance is refused.
    ///
    /// The hits are the best of all records by it, with embeddings of one length (those of a cosine space count as such)
    /// and without a graph; otherwise the best of the nearest [`Self::depth`] and of those that their words lift above
    /// them.
    #[must_use]
    pub fn hybrid(self, hybrid: bool) -> Self {
        Self { hybrid, ..self }
    }

    /// Takes so many records before they are grouped, and compares so many of the nearest for a hybrid query; or as many as
    /// are asked for if those are more; 100 unless it is set.
    #[must_use]
    pub fn depth(self, records: usize) -> Self {
        Self { depth: records, ..self }
    }

    /// Groups the hits of each question, and keeps a few of each group.
    #[must_use]
    pub fn group_by(self, group_by: impl Into<Option<GroupBy>>) -> Self {
        Self { group_by: group_by.into(), ..self }
    }

    /// Keeps only the best hit of each value of a metadata key, or of each uri; a record without a value is alike no other.
    ///
    /// The ranking is looked through deeper until [`Self::top`] hits are found or no record is left, so no list is shorter
    /// than it need be. Of a rank expression no more records are found than it says. A reranker reads what is left.
    #[must_use]
    pub fn best_per(self, per: impl Into<Option<BestPer>>) -> Self {
        Self { best_per: per.into(), ..self }
    }

    /// Leaves out near-duplicates of better hits: those whose embedding is within a cosine distance of
    /// [`super::NEAR_DUPLICATE`] of one that is kept, whatever the space. The ranking is looked through deeper as for
    /// [`Self::best_per`].
    #[must_use]
    pub fn unique(self, unique: bool) -> Self {
        Self { unique, ..self }
    }

    /// Returns whether hits are left out because of better ones.
    pub(crate) fn thins(&self) -> bool {
        self.best_per.is_some() || self.unique
    }

    /// Has a cross-encoder read the first 50 hits of each question beside it, or as many as are asked for if those are more,
    /// and puts them in its order: the score of a hit is the logistic function of what the model gives, from 0 to 1, larger
    /// is better. Each question must be a text. A hit without a document comes after the others and has no score.
    #[must_use]
    pub fn rerank(self, reranker: impl Into<Option<Arc<Reranker>>>) -> Self {
        Self { reranker: reranker.into(), ..self }
    }

    /// Embeds texts with this model. It must be the collection's: another is refused with both names.
    #[must_use]
    pub fn embedder(self, model: Arc<dyn Embedder>) -> Self {
        Self { model: QueryModel::Given(model), ..self }
    }

    /// Finds the collection's model by these options; unless they are set, by those of the environment
    /// ([`LoadOptions::of_process`]).
    #[must_use]
    pub fn models(self, options: LoadOptions) -> Self {
        Self { model: QueryModel::FoundBy(options), ..self }
    }

    /// Returns the texts that are still to be embedded, in the order of the questions.
    #[must_use]
    pub fn texts_to_embed(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        for ask in &self.asks {
            match ask {
                Ask::Text { text, vector: None, .. } => texts.push(text.as_str()),
                Ask::Rank(rank) => rank.knns().into_iter().for_each(|knn| {
                    if let KnnQuery::Text(text) = &knn.query {
                        texts.push(text);
                    }
                }),
                Ask::Text { .. } | Ask::Vector(_) | Ask::Like { .. } | Ask::All => {}
            }
        }
        texts
    }

    /// Puts vectors in the places of [`Self::texts_to_embed`], in the same order.
    pub fn set_vectors(&mut self, vectors: impl IntoIterator<Item = Vec<f32>>) {
        let mut vectors = vectors.into_iter();
        for ask in &mut self.asks {
            match ask {
                Ask::Text { vector: vector @ None, .. } => *vector = vectors.next(),
                Ask::Rank(rank) => rank.for_each_knn(&mut |knn| {
                    if matches!(knn.query, KnnQuery::Text(_))
                        && let Some(vector) = vectors.next()
                    {
                        knn.query = KnnQuery::Dense(vector);
                    }
                }),
                Ask::Text { .. } | Ask::Vector(_) | Ask::Like { .. } | Ask::All => {}
            }
        }
    }

    /// Returns whether texts are still to be embedded for an answer of a collection, or their terms to be weighed.
    pub(crate) fn needs_model(&self, collection: &CollectionInfo) -> bool {
        !self.texts_to_embed().is_empty() || collection.sparse.is_some() && !self.texts_to_weigh().is_empty()
    }

    /// Returns the texts of a hybrid query whose terms are still to be weighed.
    fn texts_to_weigh(&self) -> Vec<&str> {
        let asks = self.asks.iter().filter(|_| self.hybrid);
        asks.filter_map(|ask| if let Ask::Text { text, sparse: None, .. } = ask { Some(text.as_str()) } else { None })
            .collect()
    }

    /// Embeds the texts of several queries in one call of a model; where it is that of a collection with a sparse model
    /// beside it, the terms of hybrid queries are weighed too.
    ///
    /// # Errors
    /// Those of the model.
    pub fn embed_all<'q>(queries: impl IntoIterator<Item = &'q mut Self>, model: &dyn Embedder) -> Result<()> {
        let mut queries: Vec<&mut Self> = queries.into_iter().collect();
        let texts: Vec<Vec<&str>> = queries.iter().map(|query| query.texts_to_embed()).collect();
        let counts: Vec<usize> = texts.iter().map(Vec::len).collect();
        let texts = texts.concat();
        if texts.is_empty() {
            return weigh_all(&mut queries, model);
        }
        let vectors = model.embed(&texts, TextRole::Query)?.vectors;
        if vectors.len() != texts.len() {
            let why = format!("it gave {} vectors for {} texts", vectors.len(), texts.len());
            return Err(Error::Model { model: model.fingerprint().model.clone(), why, hint: None });
        }
        let mut vectors = vectors.into_iter();
        for (query, count) in queries.iter_mut().zip(counts) {
            query.set_vectors(vectors.by_ref().take(count));
        }
        weigh_all(&mut queries, model)
    }

    /// Returns what is to embed the texts of a collection's questions.
    pub(crate) fn model_of(&self, collection: &CollectionInfo) -> Result<Arc<dyn Embedder>> {
        match &self.model {
            QueryModel::Given(model) => {
                let stored = embed::model_of(collection);
                check_model(collection.name.as_str(), stored.as_ref(), model.fingerprint())?;
                Ok(Arc::clone(model))
            }
            QueryModel::FoundBy(options) => Ok(Arc::new(embed::of_collection(collection, None, options)?)),
            QueryModel::OfCollection => {
                Ok(Arc::new(embed::of_collection(collection, None, LoadOptions::of_process()?)?))
            }
        }
    }

    /// Returns the threads to use.
    pub(crate) fn threads_to_use(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            threads => threads,
        }
    }

    /// Returns the records to take from a ranking before they are grouped or compared by their words.
    pub(crate) fn ranking_depth(&self) -> usize {
        self.depth.max(self.top.saturating_add(self.offset))
    }
}

/// Weighs the terms of hybrid queries where a sparse model stands beside the other.
fn weigh_all(queries: &mut [&mut Query], model: &dyn Embedder) -> Result<()> {
    for query in queries {
        let texts = query.texts_to_weigh();
        if texts.is_empty() {
            continue;
        }
        let Some(model) = model.sparse()? else { return Ok(()) };
        let mut weights = model.embed(&texts, TextRole::Query)?.vectors.into_iter();
        for ask in &mut query.asks {
            if let Ask::Text { sparse: sparse @ None, .. } = ask {
                *sparse = weights.next();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rank::{EMBEDDING, Knn};
    use super::*;
    use crate::embed::HashEmbedder;

    fn knn(query: KnnQuery) -> Rank {
        let (key, limit) = (EMBEDDING.to_owned(), 3);
        Rank::Knn(Knn { query, key, limit, default: None, return_rank: false })
    }

    #[test]
    fn texts_are_embedded_in_one_call_and_in_their_places() {
        let model = HashEmbedder::new(4);
        let vector = |text: &str| model.embed_one(text, TextRole::Query).unwrap();
        let rank = Rank::Sum(vec![knn(KnnQuery::Text("b".into())), knn(KnnQuery::Words("w".into()))]);
        let given = Ask::Text { text: "given".into(), vector: Some(vec![0.0; 4]), sparse: None };
        let mut first = Query::new([Ask::from("a"), Ask::from(rank), given.clone(), vec![1.0; 4].into(), Ask::All]);
        let mut second = Query::texts(["c", "d"]);
        assert_eq!(first.texts_to_embed(), ["a", "b"]);
        Query::embed_all([&mut first, &mut second], &model).unwrap();
        assert!(first.texts_to_embed().is_empty() && second.texts_to_embed().is_empty());
        let text = |text: &str| Ask::Text { text: text.into(), vector: Some(vector(text)), sparse: None };
        assert_eq!(second.asks, [text("c"), text("d")]);
        let rank = Rank::Sum(vec![knn(KnnQuery::Dense(vector("b"))), knn(KnnQuery::Words("w".into()))]);
        assert_eq!(first.asks, [text("a"), rank.into(), given, vec![1.0; 4].into(), Ask::All]);
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let query = Query::text("a");
        assert_eq!((query.top, query.offset, query.include), (10, 0, Include::TEXT));
        assert!(query.threads_to_use() >= 1 && query.clone().threads(3).threads_to_use() == 3);
        assert_eq!((query.ranking_depth(), query.clone().top(150).offset(7).ranking_depth()), (100, 157));
        assert_eq!(Query::all().offset(2).ranking_depth(), usize::MAX);
    }
}
