//! Chroma's collections, records, filters and embeddings in one file.

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

pub mod bm25;
pub mod embed;
pub mod error;
mod foreign;
#[cfg(all(feature = "cli", any(test, feature = "fuzzing")))]
#[doc(hidden)]
pub mod fuzzing;
pub mod index;
pub mod input;
#[cfg(all(feature = "cli", any(test, feature = "fuzzing")))]
#[allow(dead_code, unused_imports, reason = "it is the command's own; only what is fuzzed is called here")]
mod output;
pub mod process;
pub mod query;
pub mod record;
pub mod store;
mod threads;

#[cfg(test)]
use record::random;

#[cfg(test)]
mod crash_tests;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Where unsafe code may be: what calls into other languages, and what calls instructions by name.
    const UNSAFE_FILES: [&str; 2] = ["foreign.rs", "index/kernel/native.rs"];

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
