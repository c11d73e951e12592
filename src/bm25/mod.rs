//! Text to a sparse vector of BM25 weights, equal to Chroma's `chroma_bm25`; and the words that documents are found by.
//!
//! A weight knows its own text alone: lengths are measured against a fixed average, and how rare a term is counts
//! when a question is asked, if at all. Invariant: equal texts give equal vectors as long as a file says that its words
//! are made in one way ([`Words`]).

mod murmur;
mod script;
mod stem;
mod stop;
mod vector;
mod words;

pub use vector::bm25;
pub use words::Words;
