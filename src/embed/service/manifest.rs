//! `huedb-service.json`: what an installed service is, beside the folders of models that run here.
//!
//! A name of its own, so that versions that know no services pass over it. Invariant: it holds no key, and is read from the
//! data directory alone: a folder from elsewhere must not say which command is run here.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::key;
use super::settings::ServiceSettings;
use crate::embed::manifest::{ADD_AGAIN, read_file, write_file};
use crate::error::{Error, Result};
use crate::record::{Fingerprint, Probe};

/// The name of the file.
pub(in crate::embed) const FILE_NAME: &str = "huedb-service.json";
/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// What an installed service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::embed) struct ServiceManifest {
    version: u32,
    /// Where it is and how it is asked.
    pub(in crate::embed) settings: ServiceSettings,
    /// What decides its embeddings, with the probe's embedding as a document.
    pub(in crate::embed) fingerprint: Fingerprint,
    /// The probe's embedding as a question, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) query_probe: Option<Probe>,
    /// Whether it refuses to answer in base64.
    #[serde(default)]
    pub(super) as_floats: bool,
}

impl ServiceManifest {
    pub(super) fn new(
        settings: ServiceSettings,
        fingerprint: Fingerprint,
        query_probe: Option<Probe>,
        as_floats: bool,
    ) -> Self {
        Self { version: VERSION, settings, fingerprint, query_probe, as_floats }
    }

    /// Reads the manifest of a folder in the data directory; `None` when it has none.
    pub(in crate::embed) fn read(dir: &Path) -> Result<Option<Self>> {
        let Some(text) = read_file(dir, FILE_NAME)? else { return Ok(None) };
        let failure = |why: String, hint: &'static str| Error::Model {
            model: dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            why,
            hint: Some(hint.into()),
        };
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| failure(format!("{FILE_NAME}: {error}"), ADD_AGAIN))?;
        if manifest.version != VERSION {
            return Err(failure(format!("{FILE_NAME} has version {}", manifest.version), "upgrade huedb"));
        }
        let Self { settings, fingerprint, .. } = &manifest;
        let is_whole = fingerprint.dimension > 0 && fingerprint.probe.is_some();
        Address::of(settings.api, &settings.endpoint)
            .and_then(|_| settings.key.as_ref().map_or(Ok(()), key::check))
            .ok()
            .filter(|()| is_whole)
            .ok_or_else(|| failure(format!("{FILE_NAME} is damaged"), ADD_AGAIN))?;
        Ok(Some(manifest))
    }

    pub(super) fn write(&self, dir: &Path) -> Result<()> {
        write_file(dir, FILE_NAME, self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::{KeySource, ServiceApi};
    use super::*;
    use crate::embed::HashEmbedder;
    use crate::embed::embedder::Embedder;

    fn manifest() -> ServiceManifest {
        let probe = Probe::of(&[1.0, 2.0]);
        let fingerprint = Fingerprint { probe: probe.clone(), ..HashEmbedder::new(2).fingerprint().clone() };
        let key = Some(KeySource::Env("KEY".into()));
        let settings = ServiceSettings { key, ..ServiceSettings::new(ServiceApi::Voyage, "https://v.example", "v3") };
        ServiceManifest::new(settings, fingerprint, probe, true)
    }

    #[test]
    fn what_is_written_is_read_and_damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ServiceManifest::read(dir.path()).unwrap(), None);
        let damaged = |change: &dyn Fn(&mut ServiceManifest)| {
            let mut manifest = manifest();
            change(&mut manifest);
            manifest.write(dir.path()).unwrap();
            ServiceManifest::read(dir.path()).unwrap_err().to_string()
        };
        for (said, why) in [
            ("version 2", damaged(&|manifest| manifest.version = 2)),
            ("is damaged", damaged(&|manifest| manifest.settings.endpoint = "nowhere".into())),
            ("is damaged", damaged(&|manifest| manifest.settings.key = Some(KeySource::Env("sk-hush".into())))),
            ("is damaged", damaged(&|manifest| manifest.fingerprint.probe = None)),
        ] {
            assert!(why.contains(said) && !why.contains("hush"), "{why}");
        }
        manifest().write(dir.path()).unwrap();
        assert_eq!(ServiceManifest::read(dir.path()).unwrap(), Some(manifest()));
    }
}
