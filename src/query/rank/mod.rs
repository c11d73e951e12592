//! Rank expressions: which records a search finds, and the score of each (contract, section 2.3).
//!
//! A leaf is a nearest-neighbour search or a number; the rest is arithmetic. Knows no paging. Invariant: a score is
//! smaller where a record is better, as distances are.

mod evaluate;
mod expression;
mod json;

pub(crate) use evaluate::no_word_indexed;
pub(super) use evaluate::{best_by_words, evaluate, words_not_indexed};
pub use expression::{EMBEDDING, KNN_LIMIT, Knn, KnnQuery, RRF_K, Rank};
pub(super) use json::{RequestPath, parse};
