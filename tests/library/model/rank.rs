//! Searches in Chroma's wire format (section 2.3): rank expressions, fusion, groups, pages, what is selected.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use huedb::query::ChromaRequest;
use huedb::record::Space;
use serde_json::{Value as Json, json};

use super::contract::{Collection, Record, Refusal};
use super::draw::{self, pick};
use super::filter::Filter;
use super::value::Value;
use super::world::{Same, World, both, same};
use crate::random::Random;

#[derive(Debug, Clone)]
enum Rank {
    Knn(Knn),
    Val(f64),
    /// `$sum`, `$mul`, `$max`, `$min`.
    Fold(&'static str, Vec<Rank>),
    /// `$sub`, `$div`.
    Pair(&'static str, Box<Rank>, Box<Rank>),
    /// `$abs`, `$exp`, `$log`.
    Map(&'static str, Box<Rank>),
    /// Chroma's clients write it out; this is its own name here.
    Rrf(Vec<Rank>, f64, Vec<f64>),
}

#[derive(Debug, Clone)]
struct Knn {
    query: Question,
    limit: usize,
    default: Option<f64>,
    return_rank: bool,
}

#[derive(Debug, Clone)]
enum Question {
    Embedding(Vec<f32>),
    Sparse(Vec<(u32, f32)>),
    Words(Vec<&'static str>),
}

/// The records an expression supports with their scores, and the score of the others.
type Scores = (BTreeMap<usize, f64>, Option<f64>);

impl Rank {
    fn json(&self) -> Json {
        match self {
            Self::Knn(Knn { query, limit, default, return_rank }) => {
                let (key, query) = match query {
                    Question::Embedding(embedding) => ("#embedding", json!(embedding)),
                    Question::Sparse(terms) => ("sparse", Value::Sparse(terms.clone()).json()),
                    Question::Words(words) => ("#document", json!(words.join(" "))),
                };
                let default = default.map_or(Json::Null, Json::from);
                json!({ "$knn": { "query": query, "key": key, "limit": limit, "default": default,
                    "return_rank": return_rank } })
            }
            Self::Val(value) => json!({ "$val": value }),
            Self::Fold(operator, parts) => json!({ *operator: parts.iter().map(Self::json).collect::<Vec<_>>() }),
            Self::Pair(operator, left, right) => json!({ *operator: { "left": left.json(), "right": right.json() } }),
            Self::Map(operator, part) => json!({ *operator: part.json() }),
            Self::Rrf(ranks, k, weights) => {
                let ranks: Vec<_> = ranks.iter().map(Self::json).collect();
                json!({ "$rrf": { "ranks": ranks, "k": k, "weights": weights } })
            }
        }
    }

    fn evaluate(&self, collection: &Collection, among: &[usize]) -> Scores {
        let apply = |(support, default): Scores, f: &dyn Fn(f64) -> f64| -> Scores {
            (support.into_iter().map(|(at, score)| (at, f(score))).collect(), default.map(f))
        };
        match self {
            Self::Knn(knn) => (knn.find(collection, among), knn.default),
            Self::Val(value) => (BTreeMap::new(), Some(*value)),
            Self::Fold(operator, parts) => {
                let parts = parts.iter().map(|part| part.evaluate(collection, among));
                let f = |a: f64, b: f64| match *operator {
                    "$sum" => a + b,
                    "$mul" => a * b,
                    "$max" => a.max(b),
                    _ => a.min(b),
                };
                parts.reduce(|left, right| combine(&left, &right, f)).unwrap()
            }
            Self::Pair(operator, left, right) => {
                let f = |a: f64, b: f64| if *operator == "$sub" { a - b } else { a / b };
                combine(&left.evaluate(collection, among), &right.evaluate(collection, among), f)
            }
            Self::Map(operator, part) => apply(part.evaluate(collection, among), &|score| match *operator {
                "$abs" => score.abs(),
                "$exp" => score.exp(),
                _ => score.ln(),
            }),
            Self::Rrf(ranks, k, weights) => {
                let share = |(rank, weight): (&Self, &f64)| {
                    apply(rank.evaluate(collection, among), &|place| -weight / (k + place))
                };
                ranks.iter().zip(weights).map(share).reduce(|left, right| combine(&left, &right, |a, b| a + b)).unwrap()
            }
        }
    }

    fn draw(random: &mut Random, collection: &Collection, depth: usize) -> Self {
        let parts = |random: &mut Random| -> Vec<Self> {
            (0..=random.below(3)).map(|_| Self::draw(random, collection, depth - 1)).collect()
        };
        let one = |random: &mut Random| Box::new(Self::draw(random, collection, depth - 1));
        match random.below(if depth == 0 { 4 } else { 10 }) {
            0..3 => Self::Knn(Knn::draw(random, collection)),
            3 => Self::Val(pick(random, &[-1.0, 0.0, 0.5, 2.0, 10.0])),
            4 | 5 => {
                let operator = pick(random, &["$sum", "$mul", "$max", "$min"]);
                Self::Fold(operator, parts(random))
            }
            6 => Self::Pair(pick(random, &["$sub", "$div"]), one(random), one(random)),
            7 => Self::Map(pick(random, &["$abs", "$exp", "$log"]), one(random)),
            _ => {
                let ranks: Vec<Self> = (0..=random.below(3))
                    .map(|_| Self::Knn(Knn { return_rank: true, ..Knn::draw(random, collection) }))
                    .collect();
                let weights = ranks.iter().map(|_| pick(random, &[1.0, 0.5, 2.0])).collect();
                Self::Rrf(ranks, pick(random, &[60.0, 1.0]), weights)
            }
        }
    }

    fn knns(&self) -> Vec<&Knn> {
        match self {
            Self::Knn(knn) => vec![knn],
            Self::Val(_) => Vec::new(),
            Self::Fold(_, parts) | Self::Rrf(parts, ..) => parts.iter().flat_map(Self::knns).collect(),
            Self::Pair(_, left, right) => [left.knns(), right.knns()].concat(),
            Self::Map(_, part) => part.knns(),
        }
    }
}

/// Both have a default: the union; one has: the other's support; none: what both support.
fn combine(left: &Scores, right: &Scores, f: impl Fn(f64, f64) -> f64) -> Scores {
    let mut support = BTreeMap::new();
    for at in left.0.keys().chain(right.0.keys()) {
        if let (Some(a), Some(b)) = (left.0.get(at).or(left.1.as_ref()), right.0.get(at).or(right.1.as_ref())) {
            support.insert(*at, f(*a, *b));
        }
    }
    (support, left.1.zip(right.1).map(|(a, b)| f(a, b)))
}

impl Knn {
    fn draw(random: &mut Random, collection: &Collection) -> Self {
        let dense = collection.is_ranked_as_given();
        let query = match random.below(6) {
            0..4 if dense => {
                let dimension = draw::dimension(random, collection);
                Question::Embedding(draw::embedding(random, collection, dimension))
            }
            4 => Question::Words(draw::words(random)),
            _ => Question::Sparse(draw::sparse(random)),
        };
        Self {
            query,
            limit: pick(random, &[1, 2, 5, 16, 500]),
            default: if random.chance(50) { Some(pick(random, &[0.0, 1.0, 100.0])) } else { None },
            return_rank: random.chance(30),
        }
    }

    fn find(&self, collection: &Collection, among: &[usize]) -> BTreeMap<usize, f64> {
        let mut found = match &self.query {
            Question::Embedding(question) => collection.ranked(question, among),
            Question::Sparse(terms) => sparse(collection, among, terms),
            Question::Words(words) => by_words(collection, among, words),
        };
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        found.truncate(self.limit);
        let score = |(place, (at, distance)): (usize, (usize, f64))| {
            (at, if self.return_rank { place as f64 } else { distance })
        };
        found.into_iter().enumerate().map(score).collect()
    }

    /// What is said when no record at all holds a word of the question.
    fn no_word_is_indexed(&self, name: &str, collection: &Collection) -> Option<String> {
        let Question::Words(words) = &self.query else { return None };
        let all: Vec<usize> = (0..collection.records.len()).collect();
        let is_strange = !all.is_empty() && by_words(collection, &all, words).is_empty();
        let question = words.join(" ");
        is_strange.then(|| format!("no word of the question \"{question}\" is in the word index of {name}"))
    }
}

/// 1 less the product, of the records that hold a term of the question.
fn sparse(collection: &Collection, among: &[usize], question: &[(u32, f32)]) -> Vec<(usize, f64)> {
    let score = |at: &usize| {
        let Some(Value::Sparse(held)) = collection.records[*at].metadata.get("sparse") else { return None };
        let weight = |term: u32| held.iter().find(|(known, _)| *known == term).map(|(_, weight)| f64::from(*weight));
        let products: Vec<f64> =
            question.iter().filter_map(|(term, asked)| Some(f64::from(*asked) * weight(*term)?)).collect();
        (!products.is_empty()).then(|| (*at, 1.0 - products.iter().sum::<f64>()))
    };
    among.iter().filter_map(score).collect()
}

/// BM25 with Chroma's constants; each term counts by how rare it is among the records.
fn by_words(collection: &Collection, among: &[usize], question: &[&str]) -> Vec<(usize, f64)> {
    let weights = |text: &str| -> BTreeMap<String, f64> {
        let lower = text.to_lowercase();
        let tokens: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let tokens: Vec<&str> = tokens.into_iter().filter(|token| !token.is_empty()).collect();
        // Of text without spaces the pairs of its letters count as well, where they are not the whole word.
        let pairs = |token: &&str| token.chars().filter(|c| *c > '\u{2e80}').count().saturating_sub(1);
        let more = tokens.iter().map(pairs).filter(|pairs| *pairs > 1).sum::<usize>();
        let length = (tokens.len() + more) as f64;
        let mut counts = BTreeMap::new();
        for token in tokens {
            *counts.entry(token.to_owned()).or_insert(0.0) += 1.0;
        }
        let weight = |tf: f64| tf * 2.2 / (tf + 1.2 * (1.0 - 0.75 + 0.75 * length / 256.0));
        // Weights are stored as f32.
        counts.into_iter().map(|(token, tf)| (token, f64::from(weight(tf) as f32))).collect()
    };
    let held: Vec<BTreeMap<String, f64>> = collection
        .records
        .iter()
        .map(|record: &Record| record.document.as_deref().map(weights).unwrap_or_default())
        .collect();
    let records = collection.records.len() as f64;
    let rarity = |word: &str| {
        let holding = held.iter().filter(|weights| weights.contains_key(word)).count() as f64;
        ((records - holding + 0.5) / (holding + 0.5)).ln_1p()
    };
    let asked: Vec<(String, f64)> =
        weights(&question.join(" ")).into_iter().map(|(word, weight)| (word.clone(), weight * rarity(&word))).collect();
    let score = |at: &usize| {
        let products: Vec<f64> =
            asked.iter().filter_map(|(word, weight)| Some(weight * held[*at].get(word)?)).collect();
        (!products.is_empty()).then(|| (*at, 1.0 - products.iter().sum::<f64>()))
    };
    among.iter().filter_map(score).collect()
}

/// `group_by`: of each group the first few by `#score` or the key `i`.
#[derive(Debug, Clone)]
struct Groups {
    keys: Vec<&'static str>,
    aggregate: &'static str,
    by: Vec<&'static str>,
    k: usize,
}

impl Groups {
    fn draw(random: &mut Random) -> Self {
        Self {
            keys: pick(random, &[vec!["s"], vec!["b"], vec!["mix"], vec!["i", "b"]]),
            aggregate: pick(random, &["$min_k", "$max_k"]),
            by: pick(random, &[vec!["#score"], vec!["i"], vec!["i", "#score"]]),
            k: 1 + random.below(3),
        }
    }

    fn json(&self) -> Json {
        json!({ "keys": self.keys, "aggregate": { self.aggregate: { "keys": self.by, "k": self.k } } })
    }

    fn keep(&self, collection: &Collection, found: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
        let metadata = |at: usize, key: &str| collection.records[at].metadata.get(key);
        let mut groups: BTreeMap<String, Vec<(usize, f64)>> = BTreeMap::new();
        for one in &found {
            let group: Vec<_> = self.keys.iter().map(|key| metadata(one.0, key).map(Value::json)).collect();
            groups.entry(format!("{group:?}")).or_default().push(*one);
        }
        let order = |a: &(usize, f64), b: &(usize, f64)| {
            let by = |key: &&str| match (*key, metadata(a.0, key), metadata(b.0, key)) {
                ("#score", ..) => a.1.total_cmp(&b.1),
                (_, Some(a), Some(b)) => a.compare_numbers(b).unwrap(),
                (_, a, b) => a.is_some().cmp(&b.is_some()),
            };
            let order = self.by.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
            if self.aggregate == "$min_k" { order } else { order.reverse() }
        };
        let mut kept = Vec::new();
        for group in groups.values_mut() {
            group.sort_by(order);
            group.truncate(self.k);
            kept.extend(group.iter().map(|one| one.0));
        }
        found.into_iter().filter(|one| kept.contains(&one.0)).collect()
    }
}

impl World {
    pub(crate) fn search(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        let collection = &*self.collection_or_none(name);
        let filter = random.chance(40).then(|| Filter::draw(random, 2));
        let among = collection.matching(None, filter.as_ref());
        // In the cosine space distances are equal only up to their rounding, which a logarithm or a division magnifies.
        let steady = |rank: &Rank| {
            let text = rank.json().to_string();
            let (support, default) = rank.evaluate(collection, &among);
            let numbers = support.values().chain(&default).all(|score| !score.is_nan());
            numbers && (collection.space != Space::Cosine || !(text.contains("$log") || text.contains("$div")))
        };
        let drawn = std::iter::repeat_with(|| Rank::draw(random, collection, 2)).take(10).find(steady);
        let rank = drawn.filter(|_| random.chance(95));
        let groups = rank.as_ref().filter(|_| random.chance(30)).map(|_| Groups::draw(random));
        let (offset, limit) = (random.below(3), random.chance(70).then(|| random.below(12)));
        let search = json!({
            "filter": filter.as_ref().map(Filter::json),
            "rank": rank.as_ref().map(Rank::json),
            "group_by": groups.as_ref().map(Groups::json),
            "limit": { "offset": offset, "limit": limit },
            "select": { "keys": ["#document", "#embedding", "#metadata", "#score"] },
        });
        let request = json!({ "searches": [search] }).to_string();
        what.replace(format!("search {name}: {request}"));
        let threads = 1 + random.below(2);
        let run = || {
            let mut request = ChromaRequest::parse(&request)?;
            request.queries_mut().for_each(|query| query.threads = threads);
            self.records(name).state()?.respond(&request)
        };
        let fits = self.collection(name).and_then(|collection| {
            let knns = rank.iter().flat_map(Rank::knns);
            let missing = knns.into_iter().any(|knn| matches!(knn.query, Question::Words(_)) && !collection.words);
            if missing { Err(Refusal::NotAllowed) } else { Ok(collection) }
        });
        let Some(((response, warnings), collection)) = both(run(), fits)? else { return Ok(()) };
        let told = rank.iter().flat_map(Rank::knns).filter_map(|knn| knn.no_word_is_indexed(name, collection));
        same("warnings", &warnings, &told.collect())?;
        let mut expected: Vec<(usize, Option<f64>)> = match &rank {
            None => among.iter().map(|at| (*at, None)).collect(),
            Some(rank) => {
                let mut scores: Vec<_> = rank.evaluate(collection, &among).0.into_iter().collect();
                scores.sort_by(|a, b| a.1.partial_cmp(&b.1).unwrap());
                let kept = groups.as_ref().map_or(scores.clone(), |groups| groups.keep(collection, scores));
                kept.into_iter().map(|(at, score)| (at, Some(score))).collect()
            }
        };
        expected = expected.into_iter().skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
        same_response(&response, collection, &expected)
    }
}

fn same_response(response: &Json, collection: &Collection, expected: &[(usize, Option<f64>)]) -> Same {
    let column = |name: &str| response[name][0].as_array().cloned().unwrap_or_default();
    let [ids, documents, embeddings, metadatas, scores] =
        ["ids", "documents", "embeddings", "metadatas", "scores"].map(column);
    let told: Vec<&str> = ids.iter().map(|id| id.as_str().unwrap()).collect();
    let records: Vec<&Record> = expected.iter().map(|(at, _)| &collection.records[*at]).collect();
    let differs = told.iter().zip(&records).position(|(found, record)| *found != record.id);
    // Where distances are equal but for rounding, records may trade places; their scores are still compared.
    if told.len() != records.len() || (differs.is_some() && collection.space != Space::Cosine) {
        let with_scores: Vec<_> = expected.iter().map(|(at, score)| (&collection.records[*at].id, score)).collect();
        return Err(format!("the contract finds {with_scores:?}\n  the library {told:?} with {scores:?}"));
    }
    for (place, (_, score)) in expected.iter().enumerate() {
        let near = match (score.filter(|score| (*score as f32).is_finite()), scores[place].as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-5 * a.abs().max(1e-3),
            (a, b) => a == b,
        };
        if !near {
            return Err(format!("the score at {place} is {score:?}, not {}", scores[place]));
        }
        let Some(at) = collection.find(told[place]) else { return Err(format!("{:?} is no record", told[place])) };
        let record = &collection.records[at];
        same("document", &documents[place], &json!(record.document))?;
        let embedding: Vec<f32> =
            embeddings[place].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
        same("embedding", &embedding, &record.embedding)?;
        let metadata: Json = record.metadata.iter().map(|(key, value)| (key.clone(), value.json())).collect();
        let metadata = if record.metadata.is_empty() { Json::Null } else { metadata };
        same("metadata", &metadatas[place], &metadata)?;
    }
    Ok(())
}
