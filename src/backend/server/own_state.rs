//! A collection of another huedb as it was when it was looked at; its records are as they are when they are asked for.
//!
//! Invariant: what is said of the collection itself is of one moment.

use std::sync::OnceLock;
use std::time::Instant;

use super::own::OwnRecords;
use super::page::ByIds;
use crate::backend::looked_up::{LookedUp, having};
use crate::backend::protocol::{ReadReply, Whole};
use crate::backend::{Records, State};
use crate::error::Result;
use crate::ingest::Existing;
use crate::query::{Answer, MetadataKeys, Query, reranked, vector_of};
use crate::record::{CollectionInfo, Counts, Record, RecordId};
use crate::store::{Include, TermKind, check_dimension, check_embedding};

/// Ids looked up at once.
const AT_ONCE: usize = 1000;

pub(super) struct OwnState {
    records: OwnRecords,
    whole: Whole,
    looked_up: LookedUp,
    kinds: OnceLock<Vec<(String, Vec<TermKind>)>>,
}

impl OwnState {
    pub(super) fn new(records: OwnRecords) -> Result<Self> {
        let whole = records.whole()?;
        Ok(Self { records, whole, looked_up: LookedUp::default(), kinds: OnceLock::new() })
    }
}

impl Existing for OwnState {
    fn info(&self) -> &CollectionInfo {
        &self.whole.info
    }

    fn stored(&self, id: &RecordId) -> Result<Option<Record>> {
        self.looked_up.stored(self, id)
    }

    fn having(&self, key: &str, text: &str) -> Result<Vec<RecordId>> {
        self.records.find(&having(key, text), Include::NONE)?.ids().collect()
    }

    fn look_up(&self, ids: &mut dyn Iterator<Item = RecordId>) -> Result<()> {
        let unknown = self.looked_up.unknown(ids);
        let mut rest = unknown.as_slice();
        while !rest.is_empty() {
            let asked = rest.get(..rest.len().min(AT_ONCE)).unwrap_or_default();
            let ReadReply { covered, records } = self.records.read(asked, Include::TEXT)?;
            let (covered, left) = rest.split_at(covered.clamp(1, rest.len()));
            rest = left;
            self.looked_up.keep(covered, records);
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
