//! A collection of another huedb as it was when it was looked at; its records are as they are when they are asked for.
//!
//! Invariant: an id that was looked up is not asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::own::OwnRecords;
use super::page::ByIds;
use crate::backend::protocol::{ReadReply, Whole};
use crate::backend::{Records, State};
use crate::error::Result;
use crate::ingest::Existing;
use crate::query::{Answer, Filter, MetadataKeys, Query, RecordQuery, Scalar, Test, reranked, vector_of};
use crate::record::{CollectionInfo, Counts, Record, RecordId};
use crate::store::{Include, TermKind, check_dimension, check_embedding};

/// Ids looked up at once.
const AT_ONCE: usize = 1000;

pub(super) struct OwnState {
    records: OwnRecords,
    whole: Whole,
    looked_up: Mutex<HashMap<RecordId, Option<Record>>>,
    kinds: OnceLock<Vec<(String, Vec<TermKind>)>>,
}

impl OwnState {
    pub(super) fn new(records: OwnRecords) -> Result<Self> {
        let whole = records.whole()?;
        Ok(Self { records, whole, looked_up: Mutex::default(), kinds: OnceLock::new() })
    }

    /// Returns what was looked up of an id.
    #[expect(clippy::option_option, reason = "an id that was looked up may have no record")]
    fn known(&self, id: &RecordId) -> Option<Option<Record>> {
        self.looked_up.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

impl Existing for OwnState {
    fn info(&self) -> &CollectionInfo {
        &self.whole.info
    }

    fn exists(&self, id: &RecordId) -> Result<bool> {
        Ok(self.stored(id)?.is_some())
    }

    fn stored(&self, id: &RecordId) -> Result<Option<Record>> {
        if let Some(known) = self.known(id) {
            return Ok(known);
        }
        self.look_up(&mut std::iter::once(id.clone()))?;
        Ok(self.known(id).flatten())
    }

    fn having(&self, key: &str, text: &str) -> Result<Vec<RecordId>> {
        let holds = Test::In { key: key.to_owned(), values: vec![Scalar::Str(text.to_owned())], negated: false };
        let query = RecordQuery { filter: Some(Filter::Test(holds)), ..RecordQuery::default() };
        self.records.find(&query, Include::NONE)?.ids().collect()
    }

    fn look_up(&self, ids: &mut dyn Iterator<Item = RecordId>) -> Result<()> {
        let mut unknown: Vec<RecordId> = {
            let known = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
            ids.filter(|id| !known.contains_key(id)).collect()
        };
        unknown.sort_unstable();
        unknown.dedup();
        let mut rest = unknown.as_slice();
        while !rest.is_empty() {
            let asked = rest.get(..rest.len().min(AT_ONCE)).unwrap_or_default();
            let ReadReply { covered, records } = self.records.read(asked, Include::TEXT)?;
            let (covered, left) = rest.split_at(covered.clamp(1, rest.len()));
            rest = left;
            let mut known = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
            known.extend(covered.iter().map(|id| (id.clone(), None)));
            known.extend(records.into_iter().map(|record| (record.id.clone(), Some(record))));
        }
        Ok(())
    }
}

impl MetadataKeys for OwnState {
    fn has_no_records(&self) -> bool {
        self.whole.counts.records == 0
    }

    fn metadata_keys(&self) -> Result<Vec<String>> {
        Ok(self.key_kinds()?.into_iter().map(|(key, _)| key).collect())
    }
}

impl State for OwnState {
    fn counts(&self) -> Counts {
        self.whole.counts
    }

    fn version(&self) -> u64 {
        self.whole.version
    }

    fn is_restricted(&self) -> bool {
        self.whole.is_restricted
    }

    /// Texts are embedded and hits reranked here, where the models are; everything else is done there.
    fn query(&self, query: &Query) -> Result<Answer> {
        if let Some(reranker) = &query.reranker {
            return reranked(query, reranker, |query| self.query(query));
        }
        // JSON has no word for what is not finite.
        query.asks.iter().filter_map(vector_of).try_for_each(|question| {
            check_embedding(question)?;
            check_dimension(&self.whole.info, question)
        })?;
        if !query.needs_model(&self.whole.info) {
            return self.records.post("/ask", query);
        }
        let start = Instant::now();
        let mut embedded = query.clone();
        Query::embed_all([&mut embedded], query.model_of(&self.whole.info)?.as_ref())?;
        let embed = start.elapsed();
        let mut answer: Answer = self.records.post("/ask", embedded)?;
        answer.timing.embed = embed;
        Ok(answer)
    }

    fn key_kinds(&self) -> Result<Vec<(String, Vec<TermKind>)>> {
        if let Some(kinds) = self.kinds.get() {
            return Ok(kinds.clone());
        }
        let kinds = self.records.post("/key_kinds", ())?;
        Ok(self.kinds.get_or_init(|| kinds).clone())
    }
}
