//! Clusters: rows that lie near one another are found without reading the others.
//!
//! A question meets the rows of the clusters whose centres are nearest, and goes on to the next as long as a row there could
//! be among the nearest found so far. Invariant: every allowed row can be found, and what is found is ranked by embeddings.

mod build;
mod centres;
mod extend;
mod filling;
mod measure;
mod points;
mod regrouping;
mod rule;
mod search;
mod splitting;
#[cfg(test)]
mod tests;
mod train;

pub use build::{BuiltClusters, build_clusters, clusters_are_due};
pub(crate) use search::nearest_in_clusters;
