//! The tools: their names, what a model is told of each, and what each is given.
//!
//! The JSON schemas are made from the types that read the arguments, and what is said of a field is its doc comment.
//! Invariants: a field that is not known is refused, so that a slip is not passed over; a tool says itself whether it writes.

use std::sync::Arc;

use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{JsonObject, Tool as Described, ToolAnnotations};
use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

use super::catalogue::Offer;

/// What a model may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    ListCollections,
    DescribeCollection,
    Search,
    Get,
    Add,
    Update,
    Delete,
    Sync,
}

named!(pub(super) Tool {
    ListCollections: "list_collections",
    DescribeCollection: "describe_collection",
    Search: "search",
    Get: "get",
    Add: "add",
    Update: "update",
    Delete: "delete",
    Sync: "sync",
});

impl Tool {
    /// Returns the tool of a name, where it is offered.
    pub(super) fn offered(name: &str, offer: Offer) -> Option<Self> {
        Self::named(name).filter(|tool| tool.is_offered(offer))
    }

    /// Returns every tool that is offered.
    pub(super) fn all_offered(offer: Offer) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |tool| tool.is_offered(offer))
    }

    fn is_offered(self, offer: Offer) -> bool {
        match self {
            Self::Add | Self::Update | Self::Delete => offer.writes,
            Self::Sync => offer.syncs,
            Self::ListCollections | Self::DescribeCollection | Self::Search | Self::Get => true,
        }
    }

    /// Returns what clients are told of it.
    pub(super) fn described(self) -> Described {
        let (title, description) = self.words();
        let hints = ToolAnnotations::with_title(title).open_world(false);
        let hints = match self {
            Self::ListCollections | Self::DescribeCollection | Self::Search | Self::Get => hints.read_only(true),
            Self::Add => hints.read_only(false).destructive(false).idempotent(true),
            Self::Update | Self::Delete | Self::Sync => hints.read_only(false).destructive(true).idempotent(true),
        };
        Described::new(self.as_str(), description, self.schema()).with_title(title).with_annotations(hints)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ListCollections => (
                "List collections",
                "List the collections: name, number of records, embedding model, distance function and metadata.",
            ),
            Self::DescribeCollection => (
                "Describe a collection",
                "Describe a collection: its settings, its number of records, and the metadata keys of its records with the \
                 type, the number of values and the smallest and largest value of each. Read it before you write a filter.",
            ),
            Self::Search => (
                "Search a collection",
                "Find the records of a collection whose text is nearest in meaning to a question, the nearest first. Each hit \
                 has its id, text, metadata and distance (smaller is nearer), or with `hybrid` its score (larger is better).",
            ),
            Self::Get => (
                "Read records",
                "Read records by their ids, or those that a filter keeps, in the order they were added. With neither, all \
                 records, a page at a time. `total` is how many there are in all.",
            ),
            Self::Add => (
                "Add records",
                "Add records to a collection; their text is embedded. Records whose id exists already are left as they are, \
                 and the answer names them.",
            ),
            Self::Update => (
                "Change records",
                "Change records that exist. What is left out stays as it is; metadata is merged key by key, and null removes \
                 a key. Ids that do not exist are left out, and the answer names them.",
            ),
            Self::Delete => (
                "Delete records",
                "Delete records by their ids, or those that a filter keeps; with both, a record must match both. This cannot \
                 be undone.",
            ),
            Self::Sync => (
                "Sync a folder",
                "Bring a collection up to date with the text files of a folder on this machine: new and changed files are \
                 embedded in chunks, and the records of deleted files are removed. The first run of a large folder takes minutes.",
            ),
        }
    }

    fn schema(self) -> Arc<JsonObject> {
        match self {
            Self::ListCollections => schema_for_type::<NoInput>(),
            Self::DescribeCollection => schema_for_type::<DescribeInput>(),
            Self::Search => schema_for_type::<SearchInput>(),
            Self::Get => schema_for_type::<GetInput>(),
            Self::Add | Self::Update => schema_for_type::<RecordsInput>(),
            Self::Delete => schema_for_type::<DeleteInput>(),
            Self::Sync => schema_for_type::<SyncInput>(),
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoInput {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DescribeInput {
    /// Name of the collection
    pub(super) collection: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchInput {
    /// Name of the collection
    pub(super) collection: String,
    /// What to look for, in words: a question or a description
    pub(super) query: String,
    /// How many hits, 10 unless given
    pub(super) limit: Option<usize>,
    /// How many of the best hits to skip
    #[serde(default)]
    pub(super) offset: usize,
    /// Only records that match, such as: year >= 2020 and lang in ("en", "de")
    pub(super) filter: Option<String>,
    /// Rank by the words of the question as well as by its meaning; the collection needs a word index (`words_indexed`)
    #[serde(default)]
    pub(super) hybrid: bool,
    /// Leave out hits farther away than this
    pub(super) max_distance: Option<f32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetInput {
    /// Name of the collection
    pub(super) collection: String,
    /// Only the records of these ids
    pub(super) ids: Option<Vec<String>>,
    /// Only records that match, such as: #document contains "whale" and not draft = true
    pub(super) filter: Option<String>,
    /// How many records, 20 unless given
    pub(super) limit: Option<usize>,
    /// How many records to skip
    #[serde(default)]
    pub(super) offset: u64,
    /// Sort by the value of this metadata key
    pub(super) sort: Option<String>,
    /// Largest value first
    #[serde(default)]
    pub(super) descending: bool,
    /// Bytes to skip at the start of each text, to read on in one that was cut
    #[serde(default)]
    pub(super) document_offset: usize,
}

/// A record to add, or what to change of one
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordInput {
    /// Id, unique in the collection
    pub(super) id: String,
    /// Text, which is embedded
    pub(super) document: Option<String>,
    /// Where the original is
    pub(super) uri: Option<String>,
    /// Metadata: strings, numbers, booleans, or arrays of one of these; in an update, null removes a key
    pub(super) metadata: Option<JsonObject>,
    /// Embedding, for a collection without a model
    pub(super) embedding: Option<Vec<f32>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordsInput {
    /// Name of the collection
    pub(super) collection: String,
    /// The records
    pub(super) records: Vec<RecordInput>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteInput {
    /// Name of the collection
    pub(super) collection: String,
    /// Ids of records to delete
    pub(super) ids: Option<Vec<String>>,
    /// Only records that match, such as: year < 2000
    pub(super) filter: Option<String>,
}

/// What to bring up to date with what.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncInput {
    /// Name of the collection
    pub collection: String,
    /// Absolute path of the folder
    pub folder: String,
    /// Only files that match one of these, as in .gitignore: *.md; !drafts/ leaves out
    #[serde(default)]
    pub globs: Vec<String>,
    /// Create the collection if there is none
    #[serde(default)]
    pub create: bool,
}
