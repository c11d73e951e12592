//! The same questions to a file and to a place that finds as a far one does: the same answers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use roaring::RoaringTreemap;
use serde_json::json;
use tempfile::TempDir;

use super::{Found, Searcher, WordHits};
use crate::embed::{Embedder, HashEmbedder};
use crate::error::Result;
use crate::index::{best_by_terms, holds_any};
use crate::query::{BestPer, ChromaRequest, Filter, Query, RecordPage, RecordQuery};
use crate::random::Random;
use crate::record::{CollectionInfo, CollectionName, NewRecord, Record, RecordId, Space, SparseVector};
use crate::store::{Access, Collection, DOCUMENT, Include, Mode, NewCollection, Store, View};

pub(crate) const DIMENSION: usize = 8;
const RECORDS: u64 = 400;
const WORDS: [&str; 6] = ["fox", "whale", "frog", "tax", "income", "comet"];

/// A file, seen as if it were far away.
struct Far {
    collection: Collection,
    view: View,
    /// Whether it says where in the order of insertion a record stands.
    tells: bool,
}

impl Searcher for Far {
    fn info(&self) -> &CollectionInfo {
        self.view.info()
    }

    fn records(&self) -> u64 {
        self.view.counts().records
    }

    fn nearest(
        &self,
        questions: &[&[f32]],
        among: &RecordQuery,
        wanted: usize,
        _exact: bool,
        include: Include,
    ) -> Result<Vec<Vec<Found>>> {
        assert!(include.embeddings && wanted > 0);
        let records = self.find(among, include)?.records().collect::<Result<Vec<_>>>()?;
        let all = self.find(&RecordQuery::default(), Include::NONE)?;
        let orders: HashMap<RecordId, u64> = all.ids().map(|id| id.unwrap()).zip(0..).collect();
        let list = |question: &&[f32]| {
            let found = |record: &Record| {
                let distance = rough(self.info().space, question, record.embedding.as_ref().unwrap());
                (distance, Found { record: record.clone(), order: self.tells.then(|| orders[&record.id]) })
            };
            let mut found: Vec<(f32, Found)> = records.iter().map(found).collect();
            found.sort_by(|a, b| a.0.total_cmp(&b.0));
            let last = found.get(wanted - 1).map_or(f32::INFINITY, |(last, _)| last + last.abs() * 1e-5 + 1e-5);
            found.into_iter().take_while(|(distance, _)| *distance <= last).map(|(_, found)| found).collect()
        };
        Ok(questions.iter().map(list).collect())
    }

    fn find(&self, among: &RecordQuery, include: Include) -> Result<RecordPage> {
        self.collection.find(among, include)
    }

    fn by_words(&self, question: &SparseVector, among: &RecordQuery) -> Result<Option<WordHits>> {
        if !self.tells {
            return Ok(None);
        }
        let orders: HashMap<RecordId, u64> =
            self.find(&RecordQuery::default(), Include::NONE)?.ids().map(|id| id.unwrap()).zip(0..).collect();
        let is_known = holds_any(&self.view, DOCUMENT, question)?;
        let kept: HashSet<RecordId> = self.find(among, Include::NONE)?.ids().collect::<Result<_>>()?;
        let kept: RoaringTreemap = kept.iter().map(|id| self.view.ordinal(id).unwrap().unwrap().0).collect();
        let best = best_by_terms(&self.view, DOCUMENT, question, Some(&kept), usize::MAX)?;
        let order = |ordinal| orders[&self.view.record(ordinal, Include::NONE).unwrap().id];
        let best = best.into_iter().map(|(ordinal, product)| (order(ordinal), product)).collect();
        Ok(Some(WordHits { best, is_known }))
    }

    fn numbered(&self, orders: &[u64], include: Include) -> Result<Vec<Found>> {
        let records = self.find(&RecordQuery::default(), include)?.records().collect::<Result<Vec<_>>>()?;
        let found = |order: &u64| Found { record: records[*order as usize].clone(), order: Some(*order) };
        Ok(orders.iter().map(found).collect())
    }
}

/// A distance summed the other way round and in f32.
fn rough(space: Space, a: &[f32], b: &[f32]) -> f32 {
    let sum = |f: fn(f32, f32) -> f32| a.iter().zip(b).rev().map(|(a, b)| f(*a, *b)).sum::<f32>();
    let dot = sum(|a, b| a * b);
    match space {
        Space::L2 => sum(|a, b| (a - b) * (a - b)),
        Space::Ip => 1.0 - dot,
        Space::Cosine => {
            let length = (sum(|a, _| a * a) * sum(|_, b| b * b)).sqrt();
            if length > 0.0 { 1.0 - dot / length } else { 1.0 }
        }
    }
}

/// Records of which some have the same embedding, some the same direction and some none.
pub(crate) fn world(space: Space, random: &mut Random) -> (TempDir, Collection) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("far.redb"), Access::Create).unwrap();
    let embedder = Some(HashEmbedder::new(DIMENSION).fingerprint().clone());
    let new = NewCollection { space, bm25: true, embedder, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
    let notes = store.collection("notes").unwrap();
    let places: Vec<Vec<f32>> = (0..RECORDS / 3).map(|_| random.floats(DIMENSION)).collect();
    let rows = (0..RECORDS).map(|n| {
        let length = [0.0, 1.0, 1.0, 2.0][random.below(4) as usize];
        let embedding = random.pick(&places).iter().map(|x| x * length).collect();
        let mut row = NewRecord::new(format!("r{n}")).unwrap().with_embedding(embedding);
        if random.below(5) > 0 {
            row = row.with_document(text(random));
            row.uri = Some(format!("f{}", random.below(40)));
        }
        let terms = json!({"#type": "sparse_vector", "indices": [n % 5, 5 + n % 3], "values": [1.0, 0.25]});
        row.with_metadata(json!({"n": random.below(3), "half": n % 2 == 0, "terms": terms})).unwrap()
    });
    notes.write_rows(rows.collect::<Vec<_>>(), Mode::Add).unwrap();
    (folder, notes)
}

fn text(random: &mut Random) -> String {
    (0..=random.below(4)).map(|_| *random.pick(&WORDS)).collect::<Vec<_>>().join(" ")
}

/// A question of any kind.
fn question(random: &mut Random) -> Query {
    let one = random.floats(DIMENSION);
    let ids = |random: &mut Random, count: u64| -> Vec<RecordId> {
        (0..count).map(|_| RecordId::parse(format!("r{}", random.below(RECORDS + 3))).unwrap()).collect()
    };
    let query = match random.below(9) {
        0 | 1 => Query::vector(one),
        2 => Query::vectors((0..3).map(|_| random.floats(DIMENSION)).collect()),
        3 => Query::texts((0..2).map(|_| text(random))),
        4 => {
            let (like, unlike) = (1 + random.below(3), random.below(3));
            Query::like(ids(random, like)).unlike(ids(random, unlike))
        }
        5 => Query::all(),
        6 => Query::text(text(random)).hybrid(true),
        7 if random.below(8) == 0 => Query::vector(vec![1.0; 3]),
        _ => return expression(random),
    };
    let query = query.top(random.below(30) as usize + 1).offset(random.below(3) as usize * 4);
    match random.below(5) {
        0 => query.best_per(BestPer::Uri),
        1 => query.unique(true).depth(1 + random.below(40) as usize),
        2 => query.max_distance(random.below(20) as f32 / 10.0),
        3 => query.best_per(BestPer::Key("n".into())).max_distance(0.8_f32).depth(3),
        _ => query,
    }
}

/// A rank expression of Chroma's Search API.
fn expression(random: &mut Random) -> Query {
    let knn = |random: &mut Random| {
        let mut knn = match random.below(6) {
            0 => json!({"key": "#document", "query": text(random)}),
            1 => json!({"key": "terms", "query": {"indices": [1, 6], "values": [1.0, 2.0]}}),
            2 => json!({"key": "#embedding", "query": text(random)}),
            _ => json!({"query": random.floats(DIMENSION)}),
        };
        knn["limit"] = json!(1 + random.below(50));
        if random.below(2) == 0 {
            knn["default"] = json!(random.below(5));
        }
        knn["return_rank"] = json!(random.below(3) == 0);
        json!({"$knn": knn})
    };
    let rank = match random.below(5) {
        0 => knn(random),
        1 => json!({"$sum": [knn(random), knn(random)]}),
        2 => json!({"$sub": {"left": knn(random), "right": {"$log": knn(random)}}}),
        3 => json!({"$max": [knn(random), {"$val": 0.5}]}),
        _ => json!({"$rrf": {"ranks": [knn(random), knn(random)]}}),
    };
    let mut search = json!({"rank": rank, "limit": {"limit": 1 + random.below(30), "offset": random.below(3)}});
    search["select"] = json!({"keys": ["#document", "#score", "n"]});
    match random.below(4) {
        0 => search["group_by"] = json!({"keys": ["n"], "aggregate": {"$min_k": {"keys": ["#score"], "k": 2}}}),
        1 => search["unique"] = json!(true),
        _ => {}
    }
    let mut request = ChromaRequest::parse(&json!({"searches": [search]}).to_string()).unwrap();
    request.searches.pop().unwrap().query
}

/// A question among records of a kind.
pub(crate) fn asked(random: &mut Random) -> Query {
    let filter = ["", "n = 1", "n >= 1 and #document contains 'fox'", "n = 7"][random.below(4) as usize];
    let filter = (!filter.is_empty()).then(|| Filter::parse(filter).unwrap());
    let few = (0..RECORDS / 2).map(|n| RecordId::parse(format!("r{}", n * 2 + 3)).unwrap()).collect();
    let ids = (random.below(4) == 0).then_some(few);
    let include = *random.pick(&[Include::ALL, Include::TEXT, Include::NONE]);
    question(random).filter(filter).ids(ids).include(include)
}

/// What there is to compare of an answer.
pub(crate) fn said(answer: Result<crate::Answer>) -> String {
    match answer {
        Ok(answer) => format!("{:?} {:?} {:?}", answer.hits, answer.thinned, answer.warnings),
        Err(error) => error.to_string(),
    }
}

#[test]
fn far_places_are_asked_anything_and_answer_as_a_file() {
    let mut random = Random::new();
    let model: Arc<dyn Embedder> = Arc::new(HashEmbedder::new(DIMENSION));
    for space in Space::ALL {
        let (_folder, notes) = world(space, &mut random);
        let part = notes.only(Filter::parse("half = true").unwrap());
        for tells in [true, false] {
            for collection in [&notes, &part] {
                let far = Far { collection: collection.clone(), view: collection.view().unwrap(), tells };
                for _ in 0..25 {
                    let query = asked(&mut random).embedder(Arc::clone(&model));
                    let (here, there) = (said(far.view.query(&query)), said(super::query(&far, &query)));
                    assert_eq!(there, here, "{space} {tells} {query:?}");
                }
            }
        }
    }
}

#[test]
fn an_empty_place_and_a_place_without_a_dimension_answer_nothing() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("far.redb"), Access::Create).unwrap();
    store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let collection = store.collection("notes").unwrap();
    let far = Far { view: collection.view().unwrap(), collection, tells: true };
    for query in [Query::vector(vec![1.0]), Query::all(), Query::vector(vec![1.0]).unique(true)] {
        assert_eq!(super::query(&far, &query).unwrap().hits, [vec![]]);
    }
}
