//! The nouns: records, their parts, collections and their settings.
//!
//! Knows nothing of files, models or terminals; every other room speaks in these types. Invariant: a value
//! that exists here is valid by itself (an id is not empty, metadata follows Chroma's rules), so the rooms
//! below check only what depends on the collection.

mod chunk;
mod configuration;
mod digest;
mod distance;
mod dump;
mod embedding_precision;
pub(crate) mod embedding_text;
mod grant;
mod hexadecimal;
mod hit;
mod id;
mod line_counter;
mod metadata;
mod model_check;
mod name;
mod new_record;
mod number;
mod probe;
#[cfg(test)]
pub(crate) mod random;
mod settings;
mod sparse;
mod split_mix;
mod stored_record;
mod token;
mod value;

pub use chunk::Chunk;
pub use configuration::{Configuration, EmbeddingFunction};
pub use digest::digest;
pub use distance::Space;
pub use dump::{DUMP_MARK, DUMP_VERSION, DumpLine, DumpRecord};
pub use embedding_precision::EmbeddingPrecision;
pub use grant::{Grant, NamePattern, Role};
pub(crate) use hexadecimal::hexadecimal;
pub use hit::Hit;
pub use id::{Ordinal, RecordId};
pub use line_counter::{LineCounter, LineRange};
pub(crate) use metadata::EachOnce;
pub use metadata::{MAX_METADATA_KEY_BYTES, Metadata, MetadataPatch, check_key};
pub use model_check::check_model;
pub(crate) use model_check::{check_document_model, embeds_alike, telling_apart};
pub use name::{CollectionName, DatabaseName, Scope, TenantName};
pub use new_record::{NewRecord, Origin};
pub use number::{Number, NumberKey};
pub use probe::Probe;
pub use settings::{
    Arithmetic, ChromaSettings, ClientSettings, CollectionInfo, Counts, Fingerprint, Hnsw, IndexMode, MAX_DIMENSION,
    Pooling, SparseSettings,
};
pub use sparse::{SparseVector, short};
pub(crate) use split_mix::SplitMix64;
pub use stored_record::Record;
pub(crate) use token::seconds;
pub use token::{Rate, Token, TokenText};
pub use value::{Value, beyond_integers, too_long};
