//! Queries: the nearest records under every condition, in every space, by every way (sections 2.2 and 4).
//!
//! What ranks embeddings as given, or those that codes leave, must find exactly what the contract finds. The ways by signs,
//! clusters and the graph must give true distances, in order, and as many hits as there are; which hits they miss is counted.

use std::cell::RefCell;

use huedb::query::{AccessPath, Answer, Query};
use huedb::store::Include;

use super::contract::{Collection, Refusal, Shape};
use super::draw::{self, pick};
use super::filter::Filter;
use super::records::{id, parsed, some_ids};
use super::world::{Same, World, both, same};
use crate::random::Random;

/// Found and wanted by each way that may miss a hit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Recall([(usize, usize); 3]);

/// The ways, and the least share of the true hits each has to find.
const LEAST: [(AccessPath, f64); 3] =
    [(AccessPath::Sketch, 0.999), (AccessPath::Graph, 0.95), (AccessPath::Clusters, 0.95)];

impl Recall {
    fn count(&mut self, way: AccessPath, found: usize, wanted: usize) {
        if let Some(at) = LEAST.iter().position(|(known, _)| *known == way) {
            self.0[at] = (self.0[at].0 + found, self.0[at].1 + wanted);
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (sum, (found, wanted)) in self.0.iter_mut().zip(other.0) {
            *sum = (sum.0 + found, sum.1 + wanted);
        }
    }

    pub(crate) fn check(&self) {
        for ((way, least), (found, wanted)) in LEAST.iter().zip(self.0) {
            eprintln!("{way}: {found} of {wanted} hits");
            // A short run may ask too little to tell.
            assert!(wanted < 1000 || found as f64 >= least * wanted as f64, "{way} found {found} of {wanted} hits");
        }
    }
}

/// The difference of two distances that are equal but for the order of their sums.
fn slack(distance: f64) -> f64 {
    1e-9 * distance.abs().max(1.0)
}

impl World {
    pub(crate) fn query(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        let collection = &*self.collection_or_none(name);
        let mut query = draw_query(random, collection);
        let filter = random.chance(40).then(|| Filter::draw(random, 2));
        let ids = some_ids(random, collection);
        let written = self.records(name).state().ok();
        let view = written.as_ref().and_then(|state| state.view());
        let (graph, sketched) = view.map_or((false, false), |view| (view.graph().is_some(), view.is_sketched()));
        let clustered = view.is_some_and(|view| view.clusters().is_some());
        query.way = match random.below(10) {
            0 | 1 => Some(AccessPath::Scan),
            2 => Some(AccessPath::Rows),
            3 if sketched => Some(AccessPath::Sketch),
            4 | 5 if graph => Some(AccessPath::Graph),
            6 | 7 if clustered => Some(AccessPath::Clusters),
            _ => None,
        };
        let questions = draw_questions(random, collection);
        let heads: Vec<_> = questions.iter().map(|q| (q.len(), &q[..q.len().min(8)])).collect();
        what.replace(format!("query {name}: {query:?} {ids:?} {filter:?}, questions {heads:?}"));
        query.asks = questions.iter().cloned().map(Into::into).collect();
        query.ids = ids.as_ref().map(|ids| ids.iter().map(|one| id(one)).collect());
        query.filter = filter.as_ref().map(|filter| parsed(filter, random));
        let answer = self.records(name).state().and_then(|state| state.query(&query));
        let expected = self.collection(name).and_then(|collection| {
            let fits = |question: &Vec<f32>| {
                !question.is_empty()
                    && question.iter().all(|x| x.is_finite())
                    && collection.dimension.is_none_or(|dimension| dimension == question.len())
            };
            if questions.iter().all(fits) { Ok(collection) } else { Err(Refusal::BadQuestion) }
        });
        let mut counted = Recall::default();
        if let Some((answer, collection)) = both(answer, expected)? {
            same("warnings", &answer.warnings, &Vec::new())?;
            same("lists", &answer.hits.len(), &questions.len())?;
            let among = collection.matching(ids.as_deref(), filter.as_ref());
            for (at, question) in questions.iter().enumerate() {
                Question { asked: question, query: &query, collection, among: &among }.check(
                    &answer,
                    at,
                    &mut counted,
                )?;
            }
        }
        self.recall.add(counted);
        Ok(())
    }
}

fn draw_questions(random: &mut Random, collection: &Collection) -> Vec<Vec<f32>> {
    let dimension = draw::dimension(random, collection);
    let mut questions: Vec<Vec<f32>> =
        (0..random.below(4)).map(|_| draw::embedding(random, collection, dimension)).collect();
    match random.below(50) {
        0 => questions.push(vec![1.0; dimension + 1]),
        1 => questions.push(vec![f32::NAN; dimension]),
        2 => questions.push(Vec::new()),
        _ => {}
    }
    questions
}

fn draw_query(random: &mut Random, collection: &Collection) -> Query {
    let records = collection.records.len();
    // A whole number and a half is the distance of none, and 3 that of some.
    let max_distance = match random.below(10) {
        0 => Some(3.0),
        1 => Some(random.below(40) as f32 / 8.0 + 0.5001),
        _ => None,
    };
    Query::default()
        .top(pick(random, &[0, 1, 2, 3, 5, 10, 10, 10, records / 2, records, records + 5]))
        .offset(if random.chance(25) { random.below(8) } else { 0 })
        .max_distance(max_distance)
        .include(Include::NONE)
        .exact(random.chance(20))
        .threads(1 + random.below(2))
}

/// What one list of hits has to be.
struct Question<'a> {
    asked: &'a [f32],
    query: &'a Query,
    collection: &'a Collection,
    among: &'a [usize],
}

impl Question<'_> {
    fn check(&self, answer: &Answer, at: usize, recall: &mut Recall) -> Same {
        let (query, collection, hits) = (self.query, self.collection, &answer.hits[at]);
        let all = collection.ranked(self.asked, self.among);
        let within = |slack_by: f64| {
            let near = all.iter().filter(|(_, distance)| {
                query
                    .max_distance
                    .is_none_or(|max| *distance <= f64::from(max) + slack_by * 1e-6 * distance.abs().max(1.0))
            });
            near.count().saturating_sub(query.offset).min(query.top)
        };
        let ranks_all = matches!(answer.plan.way, AccessPath::Nothing | AccessPath::Rows | AccessPath::Scan);
        let (least, most) = (within(-1.0), within(1.0));
        let enough = hits.len() >= least || (!ranks_all && query.max_distance.is_some());
        if !enough || hits.len() > most {
            return Err(format!("question {at}, {}: {} hits, not {least} to {most}", answer.plan.way, hits.len()));
        }
        let mut true_distances = Vec::new();
        let mut seen = Vec::new();
        for hit in hits {
            let found = collection.find(hit.record.id.as_str());
            let Some(&(place, distance)) = all.iter().find(|(place, _)| Some(*place) == found) else {
                return Err(format!("question {at}: {:?} is no record that passes", hit.record.id.as_str()));
            };
            if seen.contains(&place) {
                return Err(format!("question {at}: {:?} was found twice", hit.record.id.as_str()));
            }
            seen.push(place);
            if (f64::from(hit.distance) - distance).abs() > 1e-5 * distance.abs().max(1.0) {
                return Err(format!("question {at}: the distance of {place} is {distance}, not {}", hit.distance));
            }
            true_distances.push((place, distance));
        }
        let misplaced = true_distances.windows(2).find(|pair| !in_order(collection, pair[0], pair[1]));
        if let Some(pair) = misplaced {
            return Err(format!("question {at}: {pair:?} stand in the wrong order"));
        }
        let mut expected = all.iter().skip(query.offset).take(query.top);
        if ranks_all {
            for (found, expected) in true_distances.iter().zip(expected) {
                let tie = (found.1 - expected.1).abs() <= slack(expected.1) && !collection.equal(found.0, expected.0);
                if found.0 != expected.0 && (collection.has_exact_distances() || !tie) {
                    return Err(format!("question {at}: found {found:?} where the contract has {expected:?}"));
                }
            }
        } else if let Some((_, farthest)) = expected.next_back().filter(|_| query.max_distance.is_none()) {
            let good = true_distances.iter().filter(|(_, distance)| *distance <= farthest + slack(*farthest)).count();
            recall.count(answer.plan.way, good, hits.len());
        }
        Ok(())
    }
}

/// Whether two neighbours in a list of hits may stand so: ascending, equal embeddings by insertion.
fn in_order(collection: &Collection, a: (usize, f64), b: (usize, f64)) -> bool {
    if collection.equal(a.0, b.0) || (a.1 == b.1 && collection.has_exact_distances()) {
        return a.0 < b.0;
    }
    a.1 <= b.1 + slack(b.1)
}

impl Collection {
    fn equal(&self, a: usize, b: usize) -> bool {
        self.records[a].embedding == self.records[b].embedding
    }

    /// Whether the default way ranks every candidate: so few components make ties that codes would order by rounding.
    pub(crate) fn is_ranked_as_given(&self) -> bool {
        self.shape == Shape::Short
    }
}
