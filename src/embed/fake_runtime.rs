//! Shared libraries that claim to be ONNX Runtime, compiled for tests.
//!
//! They offer a version and an empty table of functions: enough to be found, judged and installed, and never
//! used to run a model.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a library that says it is `version` and offers the API up to `newest_api`.
pub(super) fn compile(dir: &Path, version: &str, newest_api: u32) -> PathBuf {
    let name = if cfg!(target_os = "macos") {
        format!("libonnxruntime.{version}.dylib")
    } else {
        format!("libonnxruntime.so.{version}")
    };
    let (source, library) = (dir.join("fake.c"), dir.join(name));
    let code = format!(
        "static void *table[1024];
         static const void *api(unsigned v) {{ return v <= {newest_api} ? table : 0; }}
         static const char *version(void) {{ return \"{version}\"; }}
         static const struct {{ const void *(*api)(unsigned); const char *(*version)(void); }} base = {{ api, version }};
         const void *OrtGetApiBase(void) {{ return &base; }}"
    );
    fs::write(&source, code).unwrap();
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status().unwrap();
    assert!(status.success(), "cc failed");
    fs::remove_file(&source).unwrap();
    library
}
