//! Rank expressions, as a tree.
//!
//! Knows nothing of JSON or of records.

use crate::record::SparseVector;

/// The key of the dense embedding, under Chroma's name.
pub const EMBEDDING: &str = "#embedding";

/// Neighbours of a [`Knn`] that does not say how many.
pub const KNN_LIMIT: usize = 16;

/// The constant of reciprocal rank fusion that does not say which (Cormack, Clarke and Buettcher, 2009).
pub const RRF_K: f64 = 60.0;

/// A rank expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Rank {
    /// The nearest records to a question, by distance or by place.
    Knn(Knn),
    /// A number, which supports no record by itself.
    Val(f64),
    /// The sum of one or more.
    Sum(Vec<Rank>),
    /// The first less the second.
    Sub(Box<Rank>, Box<Rank>),
    /// The product of one or more.
    Mul(Vec<Rank>),
    /// The first by the second.
    Div(Box<Rank>, Box<Rank>),
    /// The absolute value.
    Abs(Box<Rank>),
    /// e to this power.
    Exp(Box<Rank>),
    /// The natural logarithm.
    Log(Box<Rank>),
    /// The greatest of one or more.
    Max(Vec<Rank>),
    /// The least of one or more.
    Min(Vec<Rank>),
}

/// A nearest-neighbour search.
#[derive(Debug, Clone, PartialEq)]
pub struct Knn {
    /// What is searched for.
    pub query: KnnQuery,
    /// What is searched: [`EMBEDDING`], `#document`, or the metadata key of a sparse vector.
    pub key: String,
    /// The most records found.
    pub limit: usize,
    /// The value of records that are not found; without one they are not ranked.
    pub default: Option<f64>,
    /// Whether the value is the place, from 0, instead of the distance.
    pub return_rank: bool,
}

/// What a nearest-neighbour search is given.
#[derive(Debug, Clone, PartialEq)]
pub enum KnnQuery {
    /// An embedding.
    Dense(Vec<f32>),
    /// A sparse vector.
    Sparse(SparseVector),
    /// A text whose words are looked for in documents.
    Words(String),
    /// A text that is still to be embedded by the collection's model.
    Text(String),
}

impl Knn {
    /// Returns a search for the nearest records by the embedding.
    #[must_use]
    pub fn by_embedding(query: KnnQuery, limit: usize) -> Self {
        Self { query, key: EMBEDDING.to_owned(), limit, default: None, return_rank: false }
    }
}

impl Rank {
    /// Returns reciprocal rank fusion, `-sum(weight / (k + place))`, of expressions whose values are places.
    #[must_use]
    pub fn rrf(places: Vec<(f64, Self)>, k: f64) -> Self {
        let share = |(weight, place): (f64, Self)| {
            Self::Div(Box::new(Self::Val(-weight)), Box::new(Self::Sum(vec![Self::Val(k), place])))
        };
        Self::Sum(places.into_iter().map(share).collect())
    }

    /// Returns the searches of the expression, in the order they were written.
    #[must_use]
    pub fn knns(&self) -> Vec<&Knn> {
        match self {
            Self::Knn(knn) => vec![knn],
            Self::Val(_) => Vec::new(),
            Self::Sum(parts) | Self::Mul(parts) | Self::Max(parts) | Self::Min(parts) => {
                parts.iter().flat_map(Self::knns).collect()
            }
            Self::Sub(left, right) | Self::Div(left, right) => [left.knns(), right.knns()].concat(),
            Self::Abs(part) | Self::Exp(part) | Self::Log(part) => part.knns(),
        }
    }

    /// Visits the searches of the expression, in the order they were written.
    pub fn for_each_knn(&mut self, visit: &mut dyn FnMut(&mut Knn)) {
        match self {
            Self::Knn(knn) => visit(knn),
            Self::Val(_) => {}
            Self::Sum(parts) | Self::Mul(parts) | Self::Max(parts) | Self::Min(parts) => {
                for part in parts {
                    part.for_each_knn(visit);
                }
            }
            Self::Sub(left, right) | Self::Div(left, right) => {
                left.for_each_knn(visit);
                right.for_each_knn(visit);
            }
            Self::Abs(part) | Self::Exp(part) | Self::Log(part) => part.for_each_knn(visit),
        }
    }
}
