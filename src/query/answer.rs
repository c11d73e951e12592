//! What a query found, how, and how long it took.
//!
//! Invariant: there is a list of hits for each question, in the order of the questions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::{Facts, Plan};
use crate::record::{Hit, Ordinal};

/// What a query found, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Answer {
    /// The hits of each question, in the order of the questions: `[questions][up to top]`. A hit of an expression has its
    /// score for a distance; where nothing ranks the records ([`super::Query::all`]) the distance is 0.
    pub hits: Vec<Vec<Hit>>,
    /// How vectors were searched for; [`super::AccessPath::Nothing`] where expressions rank.
    pub plan: Plan,
    /// What the plan was made from.
    pub facts: Facts,
    /// How long each stage took.
    pub timing: QueryTiming,
    /// Rows whose embedding was compared with a question, where vectors were searched for.
    pub ranked: u64,
    /// What was left out because of better hits, where any were to be ([`super::Query::best_per`],
    /// [`super::Query::unique`]); of all questions together.
    pub thinned: Option<Thinned>,
    /// What went wrong without changing the hits, such as a damaged graph.
    pub warnings: Vec<String>,
}

/// How long the stages of a query took.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryTiming {
    /// Embedding the texts.
    pub embed: Duration,
    /// Finding the records the filter keeps.
    pub filter: Duration,
    /// Finding candidates by their codes, their signs or the graph.
    pub candidates: Duration,
    /// Ranking them by their embeddings.
    pub rank: Duration,
    /// Reading the hits.
    pub read: Duration,
}

/// What was left out because of better hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Thinned {
    /// Records looked at, the best first, until there were enough.
    pub looked_at: u64,
    /// Those of them with the value of a better one.
    pub same_value: u64,
    /// Those of them that are near-duplicates of a better one.
    pub near_duplicates: u64,
}

impl Thinned {
    pub(crate) fn add(&mut self, more: Self) {
        self.looked_at += more.looked_at;
        self.same_value += more.same_value;
        self.near_duplicates += more.near_duplicates;
    }
}

/// A record that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundRecord {
    pub(super) ordinal: Ordinal,
    /// The distance, or the value of a rank expression.
    pub(super) distance: f64,
    /// What ranks a hybrid query.
    pub(super) score: Option<f64>,
}
