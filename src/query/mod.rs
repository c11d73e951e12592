//! A question to hits: filter, plan, rank, page.
//!
//! Knows nothing of the terminal. Invariant: a filter is answered before or inside the search, never after it, so it
//! never empties or shortens a result that exists; hits ascend by distance or
//! descend by score, ties by insertion.

mod answer;
mod chroma_request;
mod chroma_response;
#[cfg(feature = "plot")]
mod clusters;
#[cfg(feature = "plot")]
mod components;
#[cfg(test)]
mod damage_tests;
mod dedupe;
#[cfg(feature = "plot")]
mod distribution;
mod facet;
pub mod filter;
mod fuse;
mod group;
mod knn;
mod like;
mod other_kind;
#[cfg(test)]
mod packed_tests;
mod plan;
pub mod rank;
mod request;
mod rerank;
mod run;
#[cfg(feature = "plot")]
mod sample;
mod select;
mod select_test;
mod sort;
#[cfg(feature = "plot")]
mod statistics;
mod thin;
mod unknown_key;

pub use answer::{Answer, QueryTiming, Thinned};
pub use chroma_request::{ChromaRequest, ChromaSearch, Select};
#[cfg(feature = "plot")]
pub use clusters::{Cluster, Clusters};
#[cfg(feature = "plot")]
pub use components::Projection;
pub use dedupe::{Dedupe, Group, Groups};
#[cfg(feature = "plot")]
pub use distribution::{Bin, Distribution, Edges};
#[cfg(feature = "postgres")]
pub(crate) use facet::in_order_of_values;
pub use facet::{Facet, KeyFacts};
pub use filter::{Filter, Scalar, Test, filter_key};
pub(crate) use fuse::{FusedQuestion, FusedRecord, Fusible, Reach, fused_of};
pub use group::{Aggregate, BestPer, Extreme, GroupBy};
pub(crate) use like::by_embeddings;
pub use other_kind::other_kinds;
pub use plan::{AccessPath, ClusteredRows, Costs, Facts, Plan};
pub use rank::Rank;
pub use request::{Ask, Query};
pub(crate) use rerank::reranked;
pub(crate) use run::{check_hybrid, vector_of};
pub use select::{PageSource, RecordPage, RecordQuery};
pub use sort::Sort;
#[cfg(feature = "postgres")]
pub(crate) use sort::sorted_by_values;
#[cfg(feature = "plot")]
pub use statistics::{Statistics, StatisticsQuery};
pub use thin::NEAR_DUPLICATE;
pub(crate) use thin::check_thinned;
pub use unknown_key::{MetadataKeys, nearest, unknown_among, unknown_key};
