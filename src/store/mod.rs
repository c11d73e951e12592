//! Records in one file: tables, codecs, transactions, locks, format version.
//!
//! Knows nothing of the index or the terminal. Invariant: one write is one transaction, durable when the call
//! returns `Ok`; a call that returns an error leaves the file as it was.

mod apply;
mod atomic_file;
mod backend;
mod backup;
mod cache;
mod catalog;
#[allow(unreachable_pub, reason = "with the feature `internals` the benches reach some of it")]
mod centre;
mod check;
mod clusters;
mod codec;
mod collection;
mod collections;
mod compact;
mod connect;
mod crypt;
mod dictionaries;
mod encryption;
mod facts;
#[cfg(test)]
pub(crate) mod fault_injection;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod graph;
mod handle;
mod layout;
mod length;
mod limit;
mod model;
mod next_embeddings;
mod open;
mod opened;
mod options;
mod packing;
#[cfg(test)]
mod packing_tests;
mod page;
mod panic_guard;
mod posting;
#[allow(unreachable_pub, reason = "with the feature `internals` the benches reach some of it")]
mod quantise;
mod quantised_rows;
mod queue;
mod read;
mod record;
mod record_table;
mod redb_error;
mod reembedding;
mod repack;
mod repair;
mod rotation;
mod segment;
mod sketch;
mod sketch_size;
mod snapshot;
mod table;
mod tenants;
mod terms;
mod tokens;
mod vector;
mod write;

#[doc(hidden)]
pub use apply::check_dimension;
pub(crate) use apply::taken_by_another;
pub use apply::{Change, Effect, Form, Mode};
#[cfg(feature = "postgres")]
pub(crate) use apply::{Progress, Rows};
pub use atomic_file::{Beside, beside, remove_unfinished, unfinished_beside};
pub use backup::restore;
pub use cache::Cache;
pub use catalog::{CollectionChange, GraphEntry, NewCollection};
pub(crate) use centre::Centre;
pub use check::{Depth, Finding, MOST_FINDINGS};
pub(crate) use clusters::known_levels;
pub use clusters::{CLUSTER_LEVELS, ClusterLevel, ClustersEntry};
pub(crate) use clusters::{
    ChunkRows, ClusterBase, ClusterChunk, ClusterChunkRef, ClusterFacts, ClusterReader, Directory, ExtendedClusters,
    MOST_CLUSTERS, NewClusters, ROWS_OF_CLUSTER, RowAround, RowList, Turned, Turner, decoded, rows_per_chunk,
};
pub use collection::Collection;
pub(crate) use collection::Restriction;
#[cfg(feature = "postgres")]
pub(crate) use collection::only_a_part;
pub use compact::Compacted;
pub use crypt::{Key, KeyDerivation, MOST_KEY_BYTES, is_encrypted};
pub use encryption::{decrypt, encrypt, rekey_fully};
pub use facts::FileFacts;
pub(crate) use graph::GraphFile;
pub use handle::Store;
pub(crate) use length::lengthwise;
pub(crate) use limit::of_record;
pub use limit::{MAX_ID_BYTES, MAX_RECORD_BYTES, check_id, check_texts};
pub use model::check_model;
pub(crate) use next_embeddings::{NewEmbedding, ReembedBatch};
pub use options::{Access, Options};
#[cfg(test)]
pub(crate) use page::tests::{PageOf, pages_of};
pub(crate) use posting::Term;
pub use posting::TermKind;
pub(crate) use quantise::above;
pub(crate) use quantise::{Codes, QuantisedQuestion, difference, quantise, quantise_query};
pub use quantise::{MAX_DIMENSION, check_embedding};
#[doc(hidden)]
pub use queue::{Outcome, PendingWrite};
pub(crate) use read::RowsState;
pub use read::{Include, View};
pub(crate) use record::StoredRecord;
pub use reembedding::Reembedded;
pub(crate) use reembedding::unfinished;
pub use repair::{Certainty, Loss, Repair, RepairedCollection};
pub(crate) use segment::seal;
pub(crate) use segment::{Bounds, Segment, rows_per_segment};
pub(crate) use sketch::{Sketch, SketchAccuracy, SketchQuestion, SketchTerms, Sketcher};
pub(crate) use sketch_size::{SKETCH_FROM_DIMENSION, sign_bytes};
pub use snapshot::Snapshot;
#[cfg(feature = "postgres")]
pub(crate) use snapshot::check_settings;
#[cfg(test)]
pub(crate) use table::{CLUSTERS, VECTORS};
pub use table::{FORMAT_VERSION, MAX_VALUE_BYTES};
pub use tenants::DatabaseInfo;
#[cfg(feature = "postgres")]
pub(crate) use tenants::Scopes;
pub use terms::DOCUMENT;
pub use tokens::TokenRefusal;
#[cfg(feature = "postgres")]
pub(crate) use tokens::{check_token, is_new_token, revoked_tokens, rotated_token, sort_tokens};
pub(crate) use vector::Embeddings;

/// What the benches code rows with; no part of the library.
#[cfg(feature = "internals")]
pub(crate) mod internals {
    pub use super::centre::Centre;
    pub use super::quantise::{Codes, quantise};
}
