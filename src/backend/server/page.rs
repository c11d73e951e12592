//! Records that a server found, read a page at a time.
//!
//! Invariant: they come in the order they were found in; one that was deleted since is left out.

use std::sync::Arc;

use crate::backend::protocol::ReadReply;
use crate::error::Result;
use crate::query::PageSource;
use crate::record::{Record, RecordId};
use crate::store::Include;

/// Ids asked for at once.
const AT_ONCE: usize = 1000;

/// What records are read from by their ids.
pub(super) trait ByIds: Send + Sync {
    /// Reads records: as many as come in one answer.
    fn read(&self, ids: &[RecordId], include: Include) -> Result<ReadReply>;
}

/// Records of a server, by their ids.
pub(super) struct FoundRecords {
    pub(super) records: Arc<dyn ByIds>,
    pub(super) ids: Vec<RecordId>,
    pub(super) dimension: Option<usize>,
    /// What came with the ids: the first records, with these parts.
    pub(super) first: Vec<Record>,
    pub(super) include: Include,
}

impl PageSource for FoundRecords {
    fn records(&self) -> usize {
        self.ids.len()
    }

    fn dimension(&self) -> Option<usize> {
        self.dimension
    }

    fn read(&self, include: Include) -> Box<dyn Iterator<Item = Result<Record>> + '_> {
        if include == Include::NONE {
            return Box::new(self.ids.iter().map(|id| Ok(bare(id.clone()))));
        }
        let known = if covers(self.include, include) { self.first.as_slice() } else { &[] };
        let rest = self.ids.get(known.len()..).unwrap_or_default();
        let known = known.iter().map(move |record| Ok(only(record.clone(), include)));
        Box::new(known.chain(Reader { found: self, include, rest, page: Vec::new().into_iter() }))
    }
}

struct Reader<'f> {
    found: &'f FoundRecords,
    include: Include,
    rest: &'f [RecordId],
    page: std::vec::IntoIter<Record>,
}

impl Iterator for Reader<'_> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        loop {
            if let Some(record) = self.page.next() {
                return Some(Ok(record));
            }
            if self.rest.is_empty() {
                return None;
            }
            let asked = self.rest.get(..self.rest.len().min(AT_ONCE)).unwrap_or_default();
            match self.found.records.read(asked, self.include) {
                Ok(ReadReply { covered, records }) => {
                    self.rest = self.rest.get(covered.max(1)..).unwrap_or_default();
                    self.page = records.into_iter();
                }
                Err(error) => {
                    self.rest = &[];
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Returns whether what has some parts has these.
fn covers(has: Include, wanted: Include) -> bool {
    (has.documents || !wanted.documents)
        && (has.metadatas || !wanted.metadatas)
        && (has.uris || !wanted.uris)
        && (has.embeddings || !wanted.embeddings)
}

/// Returns a record with these of its parts.
pub(super) fn only(record: Record, include: Include) -> Record {
    Record {
        id: record.id,
        embedding: record.embedding.filter(|_| include.embeddings),
        document: record.document.filter(|_| include.documents),
        uri: record.uri.filter(|_| include.uris),
        metadata: record.metadata.filter(|_| include.metadatas),
    }
}

fn bare(id: RecordId) -> Record {
    Record { id, embedding: None, document: None, uri: None, metadata: None }
}
