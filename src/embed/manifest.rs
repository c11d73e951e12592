//! `huedb-model.json`: what an installed model is, so that nothing is hashed or guessed when it is loaded.
//!
//! Written once, when a model is added. Invariant: every file the model needs is named with its sha256.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::digest;
use super::folder::failure;
use super::model_kind::ModelKind;
use crate::error::{Error, Result};
use crate::record::Fingerprint;

/// The name of the file.
pub(super) const FILE_NAME: &str = "huedb-model.json";
/// The name of a graph that was converted for the encoder in the program.
pub(super) const PACKED_NAME: &str = "model.packed";
/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// What an installed model is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    version: u32,
    /// The graph, a name in the folder.
    pub(super) graph: String,
    /// Whether the graph chooses the scale of its int8 activations from all of a batch.
    pub(super) quantized_by_batch: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "ModelKind::is_embedder")]
    pub(super) kind: ModelKind,
    /// What decides its embeddings.
    pub(super) fingerprint: Fingerprint,
    /// The sha256 of each file it needs, by name.
    pub(super) files: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn new(
        graph: String,
        quantized_by_batch: bool,
        fingerprint: Fingerprint,
        files: BTreeMap<String, String>,
    ) -> Self {
        Self { version: VERSION, graph, quantized_by_batch, kind: ModelKind::default(), fingerprint, files }
    }

    /// Whether the model was converted for the encoder in the program.
    pub(super) fn is_packed(&self) -> bool {
        self.graph == PACKED_NAME
    }

    /// Reads the manifest of a folder; `None` when it has none.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>> {
        let Some(text) = read_file(dir, FILE_NAME)? else { return Ok(None) };
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| failure(dir, &format!("{FILE_NAME}: {error}"), Some(ADD_AGAIN.into())))?;
        if manifest.version != VERSION {
            return Err(failure(
                dir,
                &format!("{FILE_NAME} has version {}", manifest.version),
                Some("upgrade huedb".into()),
            ));
        }
        let is_name = |name: &String| Path::new(name).file_name().is_some_and(|last| last == name.as_str());
        if !is_name(&manifest.graph) || !manifest.files.keys().all(is_name) || manifest.fingerprint.dimension == 0 {
            return Err(failure(dir, &format!("{FILE_NAME} is damaged"), Some(ADD_AGAIN.into())));
        }
        Ok(Some(manifest))
    }

    pub(super) fn write(&self, dir: &Path) -> Result<()> {
        write_file(dir, FILE_NAME, self)
    }

    /// Compares every file with its checksum and returns the first name that differs.
    pub(super) fn first_difference(&self, dir: &Path) -> Result<Option<&str>> {
        for (name, sha256) in &self.files {
            if digest::of_files([dir.join(name).as_path()])? != *sha256 {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

/// Reads a file of a folder; `None` where there is none.
pub(super) fn read_file(dir: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    let path = dir.join(name);
    match fs::read(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::io(format!("read {}", path.display()), error)),
    }
}

/// Writes a file of a folder, as JSON that people can read.
pub(super) fn write_file(dir: &Path, name: &str, content: &impl Serialize) -> Result<()> {
    let path = dir.join(name);
    let action = || format!("write {}", path.display());
    let text = serde_json::to_vec_pretty(content).map_err(|error| Error::io(action(), error.into()))?;
    fs::write(&path, text).map_err(|error| Error::io(action(), error))
}

pub(super) const ADD_AGAIN: &str = "remove the model and add it again";

#[cfg(test)]
mod tests {
    use super::super::builtin;
    use super::*;

    fn manifest() -> Manifest {
        let files = [("model.onnx".to_owned(), digest::of_bytes(b"graph"))];
        Manifest::new("model.onnx".into(), true, builtin::fingerprint(), files.into())
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), None);
        manifest().write(dir.path()).unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), Some(manifest()));
    }

    #[test]
    fn a_changed_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("model.onnx"), "graph").unwrap();
        assert_eq!(manifest().first_difference(dir.path()).unwrap(), None);
        fs::write(dir.path().join("model.onnx"), "grapf").unwrap();
        assert_eq!(manifest().first_difference(dir.path()).unwrap(), Some("model.onnx"));
    }

    #[test]
    fn a_manifest_cannot_name_files_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["../model.onnx", "/etc/passwd", "a/b", "", ".."] {
            Manifest { graph: name.into(), ..manifest() }.write(dir.path()).unwrap();
            assert!(Manifest::read(dir.path()).is_err(), "{name:?}");
        }
        fs::write(dir.path().join(FILE_NAME), "{").unwrap();
        assert!(Manifest::read(dir.path()).unwrap_err().to_string().contains(FILE_NAME));
    }
}
