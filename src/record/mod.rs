//! The nouns: records, their parts, collections and their settings.
//!
//! Knows nothing of files, models or terminals; every other room speaks in these types. Invariant: a value
//! that exists here is valid by itself (an id is not empty, metadata follows Chroma's rules), so the rooms
//! below check only what depends on the collection.

mod configuration;
mod distance;
mod dump;
mod hit;
mod id;
mod line;
mod metadata;
mod model_check;
mod name;
mod number;
mod part;
#[cfg(test)]
pub(crate) mod random;
mod row;
mod settings;
mod sparse;
mod split_mix;
mod value;

pub use configuration::{Configuration, EmbeddingFunction};
pub use distance::Space;
pub use dump::{DUMP_MARK, DUMP_VERSION, DumpLine, DumpRecord};
pub use hit::{Hit, Record};
pub use id::{Ordinal, RecordId};
pub use line::{LineCounter, LineRange};
pub use metadata::{MAX_METADATA_KEY_BYTES, Metadata, MetadataPatch, check_key};
pub use model_check::check_model;
pub(crate) use model_check::{check_document_model, embeds_alike};
pub use name::{CollectionName, DatabaseName, Scope, TenantName};
pub use number::{Number, NumberKey};
pub use part::Chunk;
pub use row::{NewRecord, Origin};
pub use settings::{
    Arithmetic, ChromaSettings, CollectionInfo, Counts, Fingerprint, Hnsw, IndexMode, MAX_DIMENSION, Pooling,
};
pub use sparse::{SparseVector, short};
pub(crate) use split_mix::SplitMix64;
pub use value::{Value, beyond_integers, too_long};
