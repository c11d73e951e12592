//! A small collection that filters and searches run against.
//!
//! Made once a process. Invariant: its records are [`FuzzWorld::records`], in the order they were inserted.

use std::sync::OnceLock;

use serde_json::json;
use tempfile::TempDir;

use crate::error::Result;
use crate::record::{CollectionName, Metadata, MetadataPatch, Record, RecordId};
use crate::store::{Access, Change, Collection, NewCollection, Store};

pub(super) const DIMENSION: usize = 4;

pub(super) struct FuzzWorld {
    _folder: TempDir,
    store: Store,
    pub(super) records: Vec<Record>,
}

impl FuzzWorld {
    pub(super) fn get() -> &'static Self {
        static WORLD: OnceLock<FuzzWorld> = OnceLock::new();
        WORLD.get_or_init(|| Self::make().unwrap_or_else(|error| panic!("{error}")))
    }

    pub(super) fn collection(&self) -> Result<Collection> {
        self.store.collection("tiny")
    }

    fn make() -> Result<Self> {
        let folder = TempDir::new().map_err(|e| crate::error::Error::io("make a folder", e))?;
        let store = Store::open(folder.path().join("w.redb"), Access::Create)?;
        store.create_collection(
            CollectionName::parse("tiny")?,
            NewCollection { bm25: true, ..NewCollection::default() },
        )?;
        let mut records = Vec::new();
        for (at, metadata) in [
            json!({"year": 2020, "lang": "en", "ok": true, "score": 0.5}),
            json!({"year": 2020.5, "lang": "de", "ok": false, "tags": ["a", "b"]}),
            json!({"year": -1, "a.b-c": "two words", "ns": [1, 2], "fs": [1.0, 2.5], "bs": [true]}),
            json!({"year": "2020", "big": i64::MAX, "small": i64::MIN, "x": 1e300}),
            json!({"sparse": {"#type": "sparse_vector", "indices": [1, 7], "values": [0.5, 2.0]}, "lang": ""}),
            json!({}),
        ]
        .into_iter()
        .enumerate()
        {
            let document = ["", "the quick fox", "日本語 a\nb", "FOX fox 100%", "It's \"quoted\""].get(at);
            records.push(Record {
                id: RecordId::parse(format!("r{at}"))?,
                embedding: Some((0..DIMENSION).map(|i| if i == at % DIMENSION { 1.0 } else { 0.25 }).collect()),
                document: document.map(|text| (*text).to_owned()),
                uri: None,
                metadata: Some(Metadata::from_json(metadata)?).filter(|metadata| !metadata.is_empty()),
            });
        }
        let change = |record: &Record| {
            let metadata = record.metadata.as_ref().map(Metadata::to_json).unwrap_or_default();
            Ok(Change {
                id: record.id.clone(),
                embedding: record.embedding.clone(),
                embedded_here: false,
                document: record.document.clone(),
                uri: None,
                metadata: MetadataPatch::from_json(metadata)?,
            })
        };
        store.collection("tiny")?.add(records.iter().map(change).collect::<Result<Vec<_>>>()?)?;
        Ok(Self { _folder: folder, store, records })
    }
}
