//! A folder that Chroma keeps its collections in (`PersistentClient`, `chroma run --path`).
//!
//! Its database has the records, a queue of operations, and how far the index has come; the index files have the vectors
//! up to there. What is later is in the queue. Invariants: the folder is only read, at one moment of its database; of the
//! records one at a time is in memory, besides their numbers, the ids of the index, and those of the operations in the queue.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::ValueRef;
use serde_json::Value as Json;

use super::catalog::{Catalog, StoredCollection, file_of};
use super::found::Noticed;
use super::segment::HnswSegment;
use super::selection::Selection;
use super::values::{LeftOut, MetadataEntry, Said};
use super::write_ahead_log::{PendingRecords, PendingVectors, QueuedOperation, Vector};
use crate::error::{Error, Remark, Result};
use crate::input::archive::{Archive, ArchiveSize};
use crate::input::sqlite::SqliteFile;
use crate::record::{DumpLine, MetadataPatch, NewRecord, Origin, RecordId, Scope, Space};

/// A Chroma folder, read as far as was asked for.
pub struct ChromaFolder {
    folder: PathBuf,
    database: SqliteFile,
    lines: VecDeque<DumpLine>,
    collections: VecDeque<StoredCollection>,
    records: u64,
    has_arrays: bool,
    open: Option<OpenSegment>,
    noticed: Noticed,
}

/// The collection that is being read.
struct OpenSegment {
    name: String,
    origin: Arc<str>,
    segment: HnswSegment,
    vectors: PendingVectors,
    pending: PendingRecords,
    /// The rows of its records in the tables, the next one last.
    rows: Vec<i64>,
    /// The records that are in the queue alone, the next one last.
    new: Vec<(String, Vec<i64>)>,
    own: OwnKeys,
    left_out: LeftOut,
}

/// What tells of the keys that a record was given. Chroma leaves the arrays of a dropped collection in its tables, and
/// gives their rows to new records.
enum OwnKeys {
    /// The queue has everything since the collection was made: the operations on each id since it was last deleted.
    InQueue(HashMap<String, Vec<i64>>),
    /// The keys that the records of the collection were given.
    OfCollection(HashSet<String>),
    Unknown,
}

impl OwnKeys {
    /// Takes an operation of the queue, in their order.
    fn note(&mut self, seq_id: i64, operation: QueuedOperation, id: &str) {
        let Self::InQueue(operations) = self else { return };
        if operation == QueuedOperation::Delete {
            operations.remove(id);
        } else {
            operations.entry(id.to_owned()).or_default().push(seq_id);
        }
    }
}

impl ChromaFolder {
    /// Opens a folder and lists what is wanted of it.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is none of Chroma's, or has not what is wanted; [`Error::Busy`] while it is written.
    pub fn open(folder: &Path, selection: &Selection) -> Result<Self> {
        let database = SqliteFile::open(&file_of(folder)?)?;
        let mut noticed = Noticed::default();
        let Catalog { lines, collections } = Catalog::read(&database, selection, &mut noticed)?;
        Ok(Self {
            folder: folder.to_owned(),
            records: collections.iter().map(|stored| stored.found.records).sum(),
            has_arrays: !database.columns("embedding_metadata_array")?.is_empty(),
            database,
            lines: lines.into(),
            collections: collections.into(),
            open: None,
            noticed,
        })
    }

    fn open_collection(&self, stored: &StoredCollection) -> Result<OpenSegment> {
        let info = &stored.found.info;
        let (records_to, mut vectors_to) =
            (self.max_seq_id(stored.records.as_deref())?, self.max_seq_id(stored.vectors.as_deref())?);
        let segment = match &stored.vectors {
            // The name becomes a part of a path.
            Some(name) if uuid::Uuid::parse_str(name).is_ok() => {
                HnswSegment::open(&self.folder.join(name), info.space == Space::Cosine)?
            }
            _ => HnswSegment::default(),
        };
        vectors_to = vectors_to.max(segment.max_seq_id);
        let sql = "SELECT id FROM embeddings WHERE segment_id = ?1";
        let mut rows: Vec<i64> = self.database.all(sql, [&stored.records], |row| row.get(0))?;
        rows.sort_unstable_by(|a, b| b.cmp(a));
        let (mut vectors, mut pending) = (PendingVectors::default(), PendingRecords::default());
        let mut own = match (vectors_to, &stored.keys) {
            (None, _) => OwnKeys::InQueue(HashMap::new()),
            (Some(_), Some(keys)) => OwnKeys::OfCollection(keys.clone()),
            (Some(_), None) => OwnKeys::Unknown,
        };
        let sql = "SELECT seq_id, operation, id, vector IS NOT NULL FROM embeddings_queue \
                   WHERE seq_id > ?1 AND topic = ?2 ORDER BY seq_id";
        let from = vectors_to.min(records_to).unwrap_or(i64::MIN);
        let queue: Vec<(i64, i64, String, bool)> = self
            .database
            .all(sql, (from, &stored.topic), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        for (seq_id, operation, id, has_vector) in queue {
            let Some(operation) = QueuedOperation::from_number(operation) else {
                return Err(self
                    .database
                    .bad(&format!("has an operation {operation} in its queue, which is unknown here"), None));
            };
            own.note(seq_id, operation, &id);
            if Some(seq_id) > vectors_to {
                vectors.apply(seq_id, operation, &id, has_vector, segment.contains(&id));
            }
            if Some(seq_id) > records_to {
                let sql = "SELECT 1 FROM embeddings WHERE segment_id = ?1 AND embedding_id = ?2";
                let is_stored = self.database.first(sql, (&stored.records, &id), |_| Ok(()))?.is_some();
                pending.apply(seq_id, operation, &id, is_stored);
            }
        }
        let mut new = pending.new_records();
        new.reverse();
        Ok(OpenSegment {
            name: info.name.to_string(),
            origin: format!("{}: collection {:?}", self.folder.display(), info.name.as_str()).into(),
            segment,
            vectors,
            pending,
            rows,
            new,
            own,
            left_out: LeftOut::default(),
        })
    }

    /// Returns the last operation that a segment has taken in; versions differ in how they write its number.
    fn max_seq_id(&self, segment: Option<&str>) -> Result<Option<i64>> {
        let found = self.database.first("SELECT seq_id FROM max_seq_id WHERE segment_id = ?1", [segment], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Integer(number) => Some(number),
                // Big-endian, of any length.
                ValueRef::Blob(bytes) => {
                    let digits =
                        bytes.iter().try_fold(0_i64, |n, byte| n.checked_mul(256)?.checked_add((*byte).into()));
                    Some(digits.unwrap_or(i64::MAX))
                }
                _ => None,
            })
        })?;
        Ok(found.flatten())
    }

    /// Reads the record of a row of the tables; `None` when the queue says that it is deleted.
    fn stored(&self, open: &mut OpenSegment, row: i64) -> Result<Option<(String, Said)>> {
        let sql = "SELECT embedding_id FROM embeddings WHERE id = ?1";
        let Some(id) = self.database.first(sql, [row], |row| row.get::<_, String>(0))? else { return Ok(None) };
        if open.pending.is_gone(&id) {
            return Ok(None);
        }
        let mut said = Said::default();
        let sql = "SELECT key, string_value, int_value, float_value, bool_value FROM embedding_metadata WHERE id = ?1";
        said.take_scalars(self.database.all(sql, [row], MetadataEntry::read)?, &mut open.left_out);
        if self.has_arrays {
            let sql = "SELECT key, string_value, int_value, float_value, bool_value FROM embedding_metadata_array \
                       WHERE id = ?1 ORDER BY rowid";
            let entries = self.database.all(sql, [row], MetadataEntry::read)?;
            if !entries.is_empty() {
                let own = self.own_keys(&open.own, &id)?;
                let is_own = |key: &str| own.as_ref().is_none_or(|own| own.contains(key));
                said.take_arrays(entries, is_own, &mut open.left_out);
            }
        }
        for seq_id in open.pending.changes(&id).to_vec() {
            self.merge(seq_id, &mut said, &mut open.left_out)?;
        }
        Ok(Some((id, said)))
    }

    /// Returns the keys that a record can have been given; `None` when nothing tells.
    fn own_keys<'o>(&self, own: &'o OwnKeys, id: &str) -> Result<Option<Cow<'o, HashSet<String>>>> {
        let operations = match own {
            OwnKeys::Unknown => return Ok(None),
            OwnKeys::OfCollection(keys) => return Ok(Some(Cow::Borrowed(keys))),
            OwnKeys::InQueue(operations) => operations.get(id).map_or(&[][..], Vec::as_slice),
        };
        let mut keys = HashSet::new();
        for seq_id in operations {
            if let Some(Json::Object(said)) = self.queued(*seq_id)? {
                keys.extend(said.into_iter().map(|(key, _)| key));
            }
        }
        Ok(Some(Cow::Owned(keys)))
    }

    /// Reads the metadata of an operation of the queue.
    fn queued(&self, seq_id: i64) -> Result<Option<Json>> {
        let sql = "SELECT metadata FROM embeddings_queue WHERE seq_id = ?1";
        let Some(Some(text)) = self.database.first(sql, [seq_id], |row| row.get::<_, Option<String>>(0))? else {
            return Ok(None);
        };
        let json = serde_json::from_str(&text);
        json.map(Some)
            .map_err(|e| self.database.bad(&format!("operation {seq_id} of its queue is not JSON: {e}"), None))
    }

    fn merge(&self, seq_id: i64, said: &mut Said, left_out: &mut LeftOut) -> Result<()> {
        if let Some(json) = self.queued(seq_id)? {
            said.merge(json, left_out);
        }
        Ok(())
    }

    /// Finds the vector of a record: in the queue what is later than the index, else in the index.
    fn embedding(&self, open: &OpenSegment, id: &str) -> Result<Option<Vec<f32>>> {
        let seq_id = match open.vectors.of(id) {
            Vector::Indexed => return open.segment.embedding(id),
            Vector::Deleted => return Ok(None),
            Vector::Queued(seq_id) => seq_id,
        };
        let sql = "SELECT vector, encoding FROM embeddings_queue WHERE seq_id = ?1";
        let read = self
            .database
            .first(sql, [seq_id], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<String>>(1)?)))?;
        let Some((bytes, encoding)) = read else { return Ok(None) };
        let (words, rest) = bytes.as_chunks::<4>();
        #[expect(clippy::cast_precision_loss, reason = "as Chroma reads them")]
        let embedding: Vec<f32> = match encoding.as_deref() {
            Some("FLOAT32") if rest.is_empty() => words.iter().map(|word| f32::from_le_bytes(*word)).collect(),
            Some("INT32") if rest.is_empty() => words.iter().map(|word| i32::from_le_bytes(*word) as f32).collect(),
            encoding => {
                let why = format!(
                    "operation {seq_id} of its queue has a vector of the encoding {encoding:?}, which is unknown"
                );
                return Err(self.database.bad(&why, None));
            }
        };
        Ok(Some(embedding))
    }

    fn next_of(&self, open: &mut OpenSegment) -> Result<Option<NewRecord>> {
        let (id, said) = loop {
            if let Some(row) = open.rows.pop() {
                match self.stored(open, row)? {
                    None => continue,
                    Some(found) => break found,
                }
            }
            let Some((id, operations)) = open.new.pop() else { return Ok(None) };
            let mut said = Said::default();
            for seq_id in operations {
                self.merge(seq_id, &mut said, &mut open.left_out)?;
            }
            break (id, said);
        };
        let bad = |why: String| Error::bad_row(&open.origin, 0, why);
        let Some(embedding) = self.embedding(open, &id)? else {
            return Err(bad(format!("record {id:?} has no embedding, neither in the index nor in the queue")));
        };
        Ok(Some(NewRecord {
            id: RecordId::parse(&id).map_err(|e| bad(e.to_string()))?,
            embedding: Some(embedding),
            embedded_here: false,
            document: said.document,
            uri: said.uri,
            metadata: MetadataPatch::from(said.metadata),
            part: None,
            origin: Origin { source: Arc::clone(&open.origin), line: 0 },
        }))
    }
}

impl Archive for ChromaFolder {
    fn next_line(&mut self) -> Result<Option<DumpLine>> {
        if let Some(line) = self.lines.pop_front() {
            return Ok(Some(line));
        }
        let Some(stored) = self.collections.pop_front() else { return Ok(None) };
        self.open = Some(self.open_collection(&stored)?);
        let Scope { tenant, database } = stored.found.scope;
        let collection = Box::new(stored.found.info);
        Ok(Some(DumpLine::Collection { tenant, database, records: stored.found.records, collection }))
    }

    fn next_record(&mut self) -> Result<Option<NewRecord>> {
        let Some(mut open) = self.open.take() else { return Ok(None) };
        let next = self.next_of(&mut open);
        if let Ok(None) = next {
            open.segment.check_unchanged()?;
            self.noticed.others.extend(open.left_out.describe(&open.name));
        } else {
            self.open = Some(open);
        }
        next
    }

    fn size(&self) -> ArchiveSize {
        ArchiveSize::Records(self.records)
    }

    fn take_notices(&mut self) -> Vec<Remark> {
        self.noticed.take()
    }
}
