//! Chroma's collections, records, filters and embeddings in one file.
//!
//! A [`Store`] is an open file; its clones share it, and any number of threads and processes may use it at once. In it are
//! [collections](Collection) of records: an id, an embedding, and, where they are given, a text, a URI and metadata. A
//! [`Query`] finds the records nearest to a vector or a text, among those that a [`Filter`] keeps.
//!
//! ```
//! use huedb::{Access, CollectionName, Embedder, Filter, HashEmbedder, Mode, NewCollection, Query, NewRecord, Store};
//! use serde_json::json;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("notes.redb");
//! let store = Store::open(&path, Access::Create)?;
//!
//! // A stand-in for a model, which needs nothing; `huedb::embed::fingerprint` finds real ones by their names.
//! let embedder = Some(HashEmbedder::new(64).fingerprint().clone());
//! store.create_collection(CollectionName::parse("notes")?, NewCollection { embedder, ..NewCollection::default() })?;
//! let notes = store.collection("notes")?;
//! notes.write_rows(
//!     [
//!         NewRecord::new("fox")?.with_document("a red fox jumps").with_metadata(json!({"year": 2021}))?,
//!         NewRecord::new("dog")?.with_document("a lazy dog sleeps").with_metadata(json!({"year": 2022}))?,
//!         NewRecord::new("cat")?.with_document("a red cat sleeps").with_metadata(json!({"year": 2023}))?,
//!     ],
//!     Mode::Add,
//! )?;
//!
//! // By a text, among the records that a filter keeps.
//! let recent = Query::text("a red fox").filter(Filter::parse("year >= 2022")?).top(1);
//! let answer = notes.query(&recent)?;
//! assert_eq!(answer.hits[0][0].record.id.as_str(), "cat");
//!
//! // By vectors: one list of hits for each, nearest first.
//! let model = HashEmbedder::new(64);
//! let vectors = model.embed(&["a fox", "a dog"], huedb::TextRole::Query)?.vectors;
//! let answer = notes.query(&Query::vectors(vectors).top(3))?;
//! assert_eq!((answer.hits.len(), answer.hits[0].len()), (2, 3));
//! assert!(answer.hits[0][0].distance <= answer.hits[0][1].distance);
//! # Ok::<(), huedb::Error>(())
//! ```
//!
//! # Shapes and ranges
//!
//! Embeddings are `f32`, finite, up to 65,536 of them, and as many in every record of a collection as the first one had. They
//! are kept as given and never normalised. Distances are those of the collection's [`Space`]: cosine from 0 to 2, squared l2
//! from 0 on, ip any number; smaller is nearer. An answer is exact unless its [plan](query::Answer::plan) took the graph.
//!
//! # Threads, locks and processes
//!
//! [`Store`], [`Collection`], [`Query`] and every [`Embedder`] are `Send + Sync`. All calls block; in an asynchronous program
//! they belong on threads that may (`examples/server.rs`). A read sees one committed state, takes no lock and waits for no
//! write. A write is one transaction, on the disk when the call returns; writes of one process take turns, those of several
//! wait for a lock of the file, both no longer than [`Options::busy_timeout`]. While a model loads or works, the file is not
//! locked.
//!
//! # Rooms
//!
//! [`record`] has the nouns, [`store`] the file, [`embed`] text to vectors, [`index`] vectors to neighbours, [`query`]
//! questions to hits, [`input`] files of records to rows; above them [`mcp`] has the tools of agents. What is used most is at
//! the root.

#![deny(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::format_collect,
        clippy::large_stack_arrays,
        reason = "a failed test is meant to panic, and tests compute with small numbers"
    )
)]

// The output is written against the library as another crate sees it, also where it is fuzzed.
#[cfg(all(feature = "cli", any(test, feature = "fuzzing")))]
extern crate self as huedb;

#[cfg(not(unix))]
compile_error!("huedb runs on Linux and macOS: it locks, writes and replaces files as Unix does");

#[macro_use]
mod named;

pub mod backend;
pub mod bm25;
pub mod embed;
pub mod error;
mod foreign;
#[cfg(all(feature = "cli", any(test, feature = "fuzzing")))]
#[doc(hidden)]
pub mod fuzzing;
pub mod index;
pub mod ingest;
pub mod input;
#[cfg(feature = "mcp")]
pub mod mcp;
#[cfg(all(feature = "cli", any(test, feature = "fuzzing")))]
#[allow(dead_code, unused_imports, reason = "it is the command's own; only what is fuzzed is called here")]
mod output;
pub mod process;
pub mod query;
pub mod record;
#[cfg(feature = "serve")]
pub mod serve;
pub mod store;
mod threads;

pub use embed::{Embedder, HashEmbedder, LoadOptions, TextRole};
pub use error::{Error, ErrorKind, Result};
pub use query::{Answer, Filter, Query};
pub use record::{CollectionName, Hit, Metadata, NewRecord, Record, RecordId, Space};
pub use store::{Access, Change, Collection, Include, Mode, NewCollection, Options, Store, View};

#[cfg(test)]
use record::random;

#[cfg(test)]
mod crash_tests;

#[cfg(all(test, feature = "postgres"))]
#[path = "../tests/shared/postgres.rs"]
#[allow(dead_code, clippy::print_stderr, reason = "shared with other tests, which use other parts of it")]
mod postgres_server;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Where unsafe code may be: what calls into other languages, and what calls instructions by name.
    const UNSAFE_FILES: [&str; 11] = [
        "embed/encoder/native/mod.rs",
        "embed/encoder/native/neon.rs",
        "embed/encoder/native/x86.rs",
        "embed/encoder/native/x86_avx2.rs",
        "embed/encoder/native/x86_lanes.rs",
        "embed/encoder/native/x86_registers.rs",
        "embed/encoder/native/x86_tiles.rs",
        "foreign.rs",
        "index/kernel/native.rs",
        "index/kernel/prefetch.rs",
        "index/kernel/registers.rs",
    ];

    fn files(folder: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn unsafe_code_is_where_it_is_expected() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        // In two parts, so that this line is none.
        let allows = concat!("allow(unsafe", "_code");
        let allowing =
            files(&source).into_iter().filter(|path| fs::read_to_string(path).is_ok_and(|t| t.contains(allows)));
        let mut found: Vec<_> =
            allowing.map(|path| path.strip_prefix(&source).unwrap().display().to_string()).collect();
        found.sort();
        assert_eq!(found, UNSAFE_FILES);
    }
}
