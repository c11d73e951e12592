//! Everything that a file says, to compare it with what it should say.

use std::path::Path;

use uuid::Uuid;

use super::operation::NEW;
use crate::error::{Error, Result};
use crate::index::{Allowed, nearest_in_clusters, walk_graph};
use crate::record::{CollectionInfo, Counts, Fingerprint, Ordinal, Record};
use crate::store::{Access, GraphEntry, Include, Store};

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExpectedContent {
    /// There is no database yet.
    Nothing,
    /// A database with these collections.
    Collections(Vec<ExpectedCollection>),
}

/// One collection with all its records.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExpectedCollection {
    info: CollectionInfo,
    counts: Counts,
    graph: Option<GraphEntry>,
    /// Rows in the clusters, where they are searched.
    clusters: Option<u64>,
    /// The model that the documents are being embedded by, and how many are.
    next: Option<(Fingerprint, u64)>,
    records: Vec<Record>,
}

/// Reads a file as a command that reads does.
pub(super) fn read(path: &Path) -> Result<ExpectedContent> {
    let store = match Store::open_in_test(path, Access::Read) {
        Err(Error::FileNotFound { .. }) => return Ok(ExpectedContent::Nothing),
        store => store?,
    };
    let collections = store.collections()?.into_iter().map(|(mut info, counts)| {
        let view = store.view(info.name.as_str())?;
        let records = view.live().into_iter().map(|ordinal| view.record(Ordinal(ordinal), Include::ALL));
        let records = records.collect::<Result<_>>()?;
        if view.graph().is_some() {
            walk_graph(&view, 1)?;
        }
        let clusters = view.clusters().filter(|clusters| clusters.recall().is_some());
        if let (Some(_), Some(first)) = (clusters, view.live().min()) {
            let (question, all) = (view.embedding(Ordinal(first))?, Allowed::AllBut(view.dead()));
            let found = nearest_in_clusters(&view, &[&question], all, 1, 1)?.nearest;
            assert!(found.iter().flatten().all(|hit| hit.distance < 1e-6), "{found:?}");
        }
        let clusters = clusters.map(|clusters| clusters.rows);
        // Drawn anew in each run.
        if info.name.as_str() == NEW {
            info.id = Uuid::nil();
        }
        let next = view.next_embedder().map(|next| (next.clone(), view.reembedded(0).done));
        Ok(ExpectedCollection { info, counts, graph: view.graph(), clusters, next, records })
    });
    collections.collect::<Result<_>>().map(ExpectedContent::Collections)
}
