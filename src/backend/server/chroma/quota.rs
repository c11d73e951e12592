//! What Chroma's cloud takes, refused here before anything is sent.
//!
//! Its numbers are those of its documentation. Invariant: what is refused is named with the quota that it is beyond.

use crate::error::{Error, Result};
use crate::record::{Metadata, Record};

/// Bounds of requests to a server of Chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend::server) struct Quota {
    /// Records of one write.
    pub(super) writes: usize,
    /// Records of one answer.
    pub(super) results: usize,
    /// Tests of one filter.
    pub(super) tests: usize,
    /// Keys of a record's metadata that are not its own.
    kept_keys: usize,
    /// Whether the sizes of records are bounded.
    is_cloud: bool,
}

const DIMENSION: usize = 4096;
const DOCUMENT_BYTES: usize = 16 << 10;
const ID_BYTES: usize = 128;
const KEY_BYTES: usize = 36;
const KEYS: usize = 32;

impl Quota {
    /// Those of a server of one's own, which takes so many records at once.
    pub(in crate::backend::server) fn own(writes: usize) -> Self {
        Self { writes: writes.max(1), results: 1000, tests: usize::MAX, kept_keys: 0, is_cloud: false }
    }

    /// Those of the cloud.
    pub(in crate::backend::server) fn cloud() -> Self {
        Self { writes: 300, results: 300, tests: 8, kept_keys: 0, is_cloud: true }
    }

    /// Those of a collection that keeps so many keys beside those of each record.
    pub(super) fn with_kept_keys(self, kept_keys: usize) -> Self {
        Self { kept_keys, ..self }
    }

    /// Refuses a record that is beyond them.
    pub(super) fn check(&self, record: &Record) -> Result<()> {
        if !self.is_cloud {
            return Ok(());
        }
        let Record { id, embedding, document, metadata, .. } = record;
        let keys: Vec<&str> = metadata.iter().flat_map(Metadata::iter).map(|(key, _)| key).collect();
        let longest = keys.iter().max_by_key(|key| key.len()).copied().unwrap_or_default();
        let beyond = |what: String, got: usize, most: usize, unit: &str| {
            (got > most).then(|| format!("{what} has {got} {unit}; Chroma's cloud takes at most {most}"))
        };
        let why = beyond("its id".into(), id.as_str().len(), ID_BYTES, "bytes")
            .or_else(|| {
                beyond("its document".into(), document.as_ref().map_or(0, String::len), DOCUMENT_BYTES, "bytes")
            })
            .or_else(|| beyond("its embedding".into(), embedding.as_ref().map_or(0, Vec::len), DIMENSION, "components"))
            .or_else(|| beyond(format!("the metadata key {longest:?}"), longest.len(), KEY_BYTES, "bytes"))
            .or_else(|| beyond("its metadata".into(), keys.len() + self.kept_keys, KEYS, "keys"));
        why.map_or(Ok(()), |why| Err(Error::argument(why).of_record(id.as_str())))
    }
}

/// Returns whether an address is that of the cloud.
pub(in crate::backend::server) fn is_cloud(address: &str) -> bool {
    let host = address.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    host == "trychroma.com" || host.ends_with(".trychroma.com")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordId;

    #[test]
    fn what_the_cloud_does_not_take_is_named() {
        let record = |id: &str, document: usize, dimension: usize, key: usize, keys: usize| {
            let key = |n: usize| format!("{n:0key$}");
            let metadata = (0..keys).map(|n| (key(n), n.into())).collect::<serde_json::Map<_, _>>();
            Record {
                id: RecordId::parse(id).unwrap(),
                embedding: Some(vec![0.5; dimension]),
                document: Some("x".repeat(document)),
                uri: None,
                metadata: Some(Metadata::from_json(metadata.into()).unwrap()),
            }
        };
        let cloud = Quota::cloud();
        let long = "i".repeat(129);
        cloud.check(&record(&"i".repeat(128), 16 << 10, 4096, 36, 32)).unwrap();
        for (record, why) in [
            (record(&long, 1, 1, 3, 1), "its id has 129 bytes; Chroma's cloud takes at most 128"),
            (record("a", (16 << 10) + 1, 1, 3, 1), "its document has 16385 bytes"),
            (record("a", 1, 4097, 3, 1), "its embedding has 4097 components"),
            (record("a", 1, 1, 37, 1), "has 37 bytes; Chroma's cloud takes at most 36"),
            (record("a", 1, 1, 3, 33), "its metadata has 33 keys"),
        ] {
            let error = cloud.check(&record).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            Quota::own(10).check(&record).unwrap();
        }
        assert!(is_cloud("https://api.trychroma.com:8000") && is_cloud("https://europe.trychroma.com/"));
        assert!(!is_cloud("http://localhost:8000") && !is_cloud("https://trychroma.com.evil.example"));
    }
}
