//! A collection of a Chroma server as it was when it was looked at, and searches of it.
//!
//! Chroma's own index finds candidates, approximate as it is; a small collection, and what its filters cannot say, is looked
//! through whole. Invariant: what is found is ranked by huedb's own distance.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::hybrid::ByWords;
use super::records::{ChromaRecords, Described};
use super::select::Pushed;
use super::word_index::WordIndex;
use crate::backend::looked_up::{LookedUp, having};
use crate::backend::search::{Found, Searcher, query};
use crate::backend::{Records, State};
use crate::error::{Error, Result};
use crate::ingest::Existing;
use crate::query::{Answer, MetadataKeys, Query, RecordPage, RecordQuery};
use crate::record::{CollectionInfo, Counts, Metadata, Record, RecordId};
use crate::store::{Include, TermKind};

/// Records that are looked through whole rather than asked for by Chroma's index.
pub(super) const FEW: u64 = 1000;
/// Candidates beyond those that are wanted.
const MARGIN: usize = 50;

pub(super) struct ChromaState {
    pub(super) records: ChromaRecords,
    described: Described,
    counts: Counts,
    looked_up: LookedUp,
    /// The metadata keys of the first records.
    sample: OnceLock<Vec<String>>,
}

/// The ids of an answer to `query`.
#[derive(Deserialize)]
struct QueryJson {
    ids: Vec<Vec<RecordId>>,
}

impl ChromaState {
    pub(super) fn new(records: ChromaRecords) -> Result<Self> {
        let described = records.described()?;
        let counts = Counts { records: records.counted()?, ..Counts::default() };
        Ok(Self { records, described, counts, looked_up: LookedUp::default(), sample: OnceLock::new() })
    }

    /// Returns the metadata keys of the first records.
    fn sample(&self) -> Result<&[String]> {
        if let Some(sample) = self.sample.get() {
            return Ok(sample);
        }
        let query = RecordQuery { limit: Some(FEW), ..RecordQuery::default() };
        let page = self.records.find(&query, Include { metadatas: true, ..Include::NONE })?;
        let mut keys = Vec::new();
        for metadata in page.metadatas() {
            keys.extend(metadata?.iter().flat_map(Metadata::iter).map(|(key, _)| key.to_owned()));
        }
        keys.sort();
        keys.dedup();
        Ok(self.sample.get_or_init(|| keys))
    }
}

impl Existing for ChromaState {
    fn info(&self) -> &CollectionInfo {
        &self.described.info
    }

    fn stored(&self, id: &RecordId) -> Result<Option<Record>> {
        self.looked_up.stored(self, id)
    }

    fn having(&self, key: &str, text: &str) -> Result<Vec<RecordId>> {
        self.records.find(&having(key, text), Include::NONE)?.ids().collect()
    }

    fn look_up(&self, ids: &mut dyn Iterator<Item = RecordId>) -> Result<()> {
        let unknown = self.looked_up.unknown(ids);
        self.looked_up.keep(&unknown, self.records.by_ids(&unknown, Include::TEXT)?);
        Ok(())
    }
}

impl MetadataKeys for ChromaState {
    fn has_no_records(&self) -> bool {
        self.counts.records == 0
    }

    fn metadata_keys(&self) -> Result<Vec<String>> {
        let mut keys = [self.described.keys.as_slice(), self.sample()?].concat();
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    /// Of a key that is not among the first records nothing is said where there are more.
    fn has_metadata_key(&self, key: &str) -> Result<bool> {
        let is_known = |keys: &[String]| keys.iter().any(|known| known == key);
        Ok(is_known(&self.described.keys) || is_known(self.sample()?) || self.counts.records > FEW)
    }
}

impl Searcher for ChromaState {
    fn info(&self) -> &CollectionInfo {
        &self.described.info
    }

    fn records(&self) -> u64 {
        self.counts.records
    }

    fn nearest(
        &self,
        questions: &[&[f32]],
        among: &RecordQuery,
        wanted: usize,
        exact: bool,
        include: Include,
    ) -> Result<Vec<Vec<Found>>> {
        let quota = self.records.quota()?;
        let only = self.records.only.is_some();
        let pushed = Pushed::of(among, quota.tests);
        let asked = wanted.saturating_mul(2).max(wanted.saturating_add(MARGIN));
        // An id that is not there is an error to Chroma where it searches.
        let is_whole = exact || only || pushed.tests() || among.ids.is_some() || asked > quota.results;
        if is_whole || self.counts.records <= FEW {
            let all = self.records.all(among, include)?;
            let found = |(order, record): (usize, Record)| Found { record, order: Some(order as u64) };
            let found: Vec<Found> = all.into_iter().enumerate().map(found).collect();
            return Ok(vec![found; questions.len()]);
        }
        let mut body: Map<String, Json> =
            pushed.fields.into_iter().map(|(name, json)| (name.to_owned(), json)).collect();
        body.insert("query_embeddings".into(), json!(questions));
        body.insert("n_results".into(), asked.into());
        body.insert("include".into(), json!([]));
        let answer = self.records.post("query", &Json::Object(body))?;
        let QueryJson { ids } = self.records.connection.http.read(&answer)?;
        let mut wanted: Vec<RecordId> = ids.iter().flatten().cloned().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let read = self.records.by_ids(&wanted, include)?;
        let read: HashMap<RecordId, Record> = read.into_iter().map(|record| (record.id.clone(), record)).collect();
        let found = |id: &RecordId| read.get(id).map(|record| Found { record: record.clone(), order: None });
        Ok(ids.iter().map(|ids| ids.iter().filter_map(found).collect()).collect())
    }

    fn find(&self, among: &RecordQuery, include: Include) -> Result<RecordPage> {
        self.records.find(among, include)
    }
}

impl State for ChromaState {
    fn counts(&self) -> Counts {
        self.counts
    }

    /// Chroma tells of no version, but how many records there are changes with most writes.
    fn version(&self) -> u64 {
        self.counts.records
    }

    fn is_restricted(&self) -> bool {
        self.records.only.is_some()
    }

    fn query(&self, asked: &Query) -> Result<Answer> {
        match &self.described.words {
            WordIndex::Other(why) if asked.hybrid => {
                let why = format!("collection {:?} cannot be asked by words: {why}", self.described.info.name.as_str());
                Err(Error::argument(why))
            }
            WordIndex::Bm25(key) if asked.hybrid => query(&ByWords::new(self, key), asked),
            _ => query(self, asked),
        }
    }

    fn key_kinds(&self) -> Result<Vec<(String, Vec<TermKind>)>> {
        let mut kinds: Vec<(String, Vec<TermKind>)> = Vec::new();
        for facts in self.records.keys(&RecordQuery::default())? {
            match kinds.last_mut() {
                Some((key, of_key)) if *key == facts.key => of_key.push(facts.kind),
                _ => kinds.push((facts.key, vec![facts.kind])),
            }
        }
        Ok(kinds)
    }
}
