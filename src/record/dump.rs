//! A dump: all of a file as lines of JSON, which `export --all` writes and `import --all` reads.
//!
//! | line | says |
//! |---|---|
//! | `{"#huedb": {...}}` | the first: the version of this form |
//! | `{"#tenant": {...}}` | there is this tenant |
//! | `{"#database": {...}}` | there is this database |
//! | `{"#collection": {...}}` | what a collection is; its records follow, in the order they were inserted |
//! | `{"id": ...}` | a record ([`DumpRecord`]) |
//! | `{"#end": {...}}` | the last: nothing was cut off |
//!
//! Knows nothing of files. Invariant: what is derived (segments, sketches, postings, graphs) is not in it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CollectionInfo, Record};

/// The version of the form described here; a dump of a later one is refused.
pub const DUMP_VERSION: u32 = 1;

/// What every line but a record's begins with.
pub const DUMP_MARK: &str = "{\"#";

/// A line of a dump that is no record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum DumpLine {
    /// The first.
    #[serde(rename = "#huedb")]
    Begin {
        /// The version of the form.
        dump: u32,
        /// The program that wrote it.
        created_by: String,
    },
    /// A tenant besides the default one.
    #[serde(rename = "#tenant")]
    Tenant {
        /// Its name.
        name: String,
    },
    /// A database besides the default one.
    #[serde(rename = "#database")]
    Database {
        /// Its tenant.
        tenant: String,
        /// Its name.
        name: String,
        /// Its identity.
        id: Uuid,
    },
    /// A collection; its records follow.
    #[serde(rename = "#collection")]
    Collection {
        /// The tenant it is in.
        tenant: String,
        /// The database it is in.
        database: String,
        /// How many records follow.
        records: u64,
        /// What it is.
        collection: Box<CollectionInfo>,
    },
    /// The last.
    #[serde(rename = "#end")]
    End {
        /// Collections in the dump.
        collections: u64,
        /// Records in all of them.
        records: u64,
    },
}

/// A record with what only a dump tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DumpRecord {
    /// The record, whole.
    pub record: Record,
    /// Whether the embedding was made from the document by the collection's model.
    pub embedded_here: bool,
}
