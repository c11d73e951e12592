//! Changes to records: one call, one transaction.
//!
//! What a change depends on is read at once, the rules ([`Rows`]) run on it here, and what came of them is written at once:
//! rows that were there are deleted and those that take their place are copied in, in PostgreSQL's binary form, which is as
//! fast as it takes rows, and what tables on other servers allow. Invariant: whoever writes holds the collection, so nothing
//! that was read changes before it is written.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;

use super::catalogue::{Entry, signed};
use super::fault::Done;
use super::pool::Session;
use super::read::by_ids;
use super::schema;
use super::value::{metadata_text, put_embedding};
use super::words;
use crate::error::{Error, Result};
use crate::record::{Chunk, CollectionInfo, Ordinal, Record, RecordId, digest};
use crate::store::{Form, Include, Progress, Rows, StoredRecord};

/// Bytes gathered before they are sent.
const SENT_AT_ONCE: usize = 1 << 20;
/// The size of shards is looked at whenever their records have doubled, from so many on.
const LOOKED_AT_FROM: u64 = 1000;
/// What every copy in binary form begins with.
const COPY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Columns of a copied row.
const COLUMNS: &str = "seq, id, embedding, is_zero, embedded_here, document, uri, metadata, hash, terms, weights";
/// How many those are.
const COLUMN_COUNT: i16 = 11;

/// A record that was read, or made by a change.
struct Kept {
    record: StoredRecord,
    embedding: Vec<f32>,
    is_changed: bool,
}

/// One transaction's work on one collection.
pub(super) struct Batch {
    entry: Entry,
    had_dimension: bool,
    had_records: u64,
    /// Rows of an ordinal below this one were there before.
    fresh_from: u64,
    ids: BTreeMap<String, u64>,
    kept: HashMap<u64, Kept>,
    /// Rows that were there and are not to stay as they are.
    gone: Vec<i64>,
    has_parts: bool,
    progress: Progress,
}

impl Batch {
    /// Reads what changes to these ids depend on.
    pub(super) fn read(session: &mut Session, entry: Entry, ids: &[RecordId]) -> Done<Self> {
        let mut batch = Self {
            had_dimension: entry.info.dimension.is_some(),
            had_records: entry.records,
            fresh_from: entry.next,
            ids: BTreeMap::new(),
            kept: HashMap::new(),
            gone: Vec::new(),
            has_parts: false,
            progress: Progress::default(),
            entry,
        };
        batch.take_in(session, ids)?;
        Ok(batch)
    }

    /// Reads as well what changes to documents in these forms depend on: their parts.
    pub(super) fn read_parts<'f>(
        &mut self,
        session: &mut Session,
        forms: impl Iterator<Item = (&'f RecordId, &'f Form)>,
    ) -> Done<()> {
        let mut documents_are_whole = true;
        let whole = |(id, form): (&RecordId, &Form)| match form {
            Form::Record => None,
            Form::Whole => Some(id.clone()),
            Form::Part { part, .. } => {
                documents_are_whole = false;
                Some(part.of.clone())
            }
        };
        let mut documents: Vec<RecordId> = forms.filter_map(whole).collect();
        if documents.is_empty() {
            return Ok(());
        }
        let (table, is_part) = (self.entry.table(), schema::IS_PART);
        let any = session.row(&format!("select exists (select from {table} where {is_part})"), &[])?;
        self.has_parts = any.map_or(Ok(false), |row| row.try_get(0))?;
        if !self.has_parts && documents_are_whole {
            return Ok(());
        }
        documents.dedup();
        let of = |id: &RecordId| id.as_str().chars().take(schema::PART_OF_CHARACTERS).collect::<String>();
        let said: Vec<String> = documents.iter().filter(|id| !id.as_str().contains('\0')).map(of).collect();
        let sql = format!("select id from {table} where {is_part} and {} = any($1)", schema::part_of());
        let rows = session.rows(&sql, &[&said])?;
        let parts: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        documents.extend(parts.into_iter().map(RecordId::parse).collect::<Result<Vec<_>>>()?);
        self.take_in(session, &documents)
    }

    fn take_in(&mut self, session: &mut Session, ids: &[RecordId]) -> Done<()> {
        for (seq, dump) in by_ids(session, &self.entry.table(), ids, Include::ALL)? {
            let Record { id, embedding, document, uri, metadata } = dump.record;
            let ordinal = u64::try_from(seq).unwrap_or(0);
            self.ids.insert(id.as_str().to_owned(), ordinal);
            let (metadata, embedded_here) = (metadata.unwrap_or_default(), dump.embedded_here);
            let record = StoredRecord { id, document, uri, metadata, embedded_here };
            self.kept.insert(ordinal, Kept { record, embedding: embedding.unwrap_or_default(), is_changed: false });
        }
        Ok(())
    }

    fn of(&self, ordinal: Ordinal) -> Result<&Kept> {
        self.kept.get(&ordinal.0).ok_or_else(|| Error::damaged(format!("the record of row {} is missing", ordinal.0)))
    }

    fn leaves(&mut self, ordinal: u64, kept: Option<&Kept>) {
        if ordinal < self.fresh_from && kept.is_some_and(|kept| !kept.is_changed) {
            self.gone.push(signed(ordinal));
        }
    }

    /// Writes what came of the changes; the transaction is still to be committed.
    pub(super) fn store(self, session: &mut Session) -> Done<()> {
        let table = self.entry.table();
        // Indexes of shards say it themselves.
        if let Some(dimension) =
            self.entry.info.dimension.filter(|_| !self.had_dimension && self.entry.layout.is_none())
        {
            fix_type(session, &table, dimension)?;
        }
        if !self.gone.is_empty() {
            // nosemgrep: sql-of-pieces -- the name of a table is no parameter, and made of its number
            session.execute(&format!("delete from {table} where seq = any($1)"), &[&self.gone])?;
        }
        let mut changed: Vec<(u64, Kept)> = self.kept.into_iter().filter(|(_, kept)| kept.is_changed).collect();
        changed.sort_unstable_by_key(|(ordinal, _)| *ordinal);
        if !changed.is_empty() {
            copy_in(session, &table, changed, self.entry.info.bm25)?;
        }
        // The size of a shard on another server is known by being looked at, and a plan depends on it.
        let size = |records: u64| (records / LOOKED_AT_FROM).checked_ilog2();
        if self.entry.is_far() && size(self.entry.records) != size(self.had_records) {
            let sql = format!("set local default_statistics_target = 1; analyze {table}");
            session.client().batch_execute(&sql)?;
        }
        self.entry.put(session)
    }
}

/// Has the column of embeddings say how long they are, which its index needs. Whoever reads the table meanwhile is not waited
/// for: without it, the index says so itself.
fn fix_type(session: &mut Session, table: &str, dimension: usize) -> Done<()> {
    let dimension = super::limits::dimension(dimension)?;
    let fixed = session.client().batch_execute(&format!(
        "savepoint fix; set local lock_timeout = 200;
         alter table {table} alter column embedding type vector({dimension}); release fix; set local lock_timeout to default"
    ));
    match fixed {
        Err(error) if error.code() == Some(&postgres::error::SqlState::LOCK_NOT_AVAILABLE) => {
            Ok(session.client().batch_execute("rollback to fix")?)
        }
        fixed => Ok(fixed?),
    }
}

fn copy_in(session: &mut Session, table: &str, rows: Vec<(u64, Kept)>, has_words: bool) -> Done<()> {
    let mut copy = session.client().copy_in(&format!("copy {table} ({COLUMNS}) from stdin (format binary)"))?;
    let mut out = COPY_HEAD.to_vec();
    for (ordinal, kept) in rows {
        put_row(&mut out, ordinal, kept, has_words);
        if out.len() >= SENT_AT_ONCE {
            copy.write_all(&out)?;
            out.clear();
        }
    }
    out.extend((-1_i16).to_be_bytes());
    copy.write_all(&out)?;
    copy.finish()?;
    Ok(())
}

fn put_row(out: &mut Vec<u8>, ordinal: u64, kept: Kept, has_words: bool) {
    let Kept { record: StoredRecord { id, document, uri, metadata, embedded_here }, embedding, .. } = kept;
    let is_zero = embedding.iter().all(|component| *component == 0.0);
    let json = metadata_text(&metadata);
    let record = Record { id, embedding: Some(embedding), document, uri, metadata: Some(metadata) };
    let hash = digest(&record);
    out.extend(COLUMN_COUNT.to_be_bytes());
    put(out, |out| out.extend(signed(ordinal).to_be_bytes()));
    put(out, |out| out.extend(record.id.as_str().as_bytes()));
    put(out, |out| put_embedding(out, record.embedding.as_deref().unwrap_or_default()));
    put(out, |out| out.push(u8::from(is_zero)));
    put(out, |out| out.push(u8::from(embedded_here)));
    for text in [&record.document, &record.uri] {
        match text {
            Some(text) => put(out, |out| out.extend(text.as_bytes())),
            None => out.extend((-1_i32).to_be_bytes()),
        }
    }
    // The version of the binary form of jsonb.
    put(out, |out| {
        out.push(1);
        out.extend(json.as_bytes());
    });
    put(out, |out| out.extend(hash));
    match record.document.as_deref().filter(|_| has_words) {
        Some(document) => words::put(out, document),
        None => (0..2).for_each(|_| out.extend((-1_i32).to_be_bytes())),
    }
}

/// Appends a column behind its length.
fn put(out: &mut Vec<u8>, column: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0; 4]);
    column(out);
    let length = i32::try_from(out.len() - at - 4).unwrap_or(i32::MAX);
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

impl Rows for Batch {
    fn info(&self) -> &CollectionInfo {
        &self.entry.info
    }

    fn info_mut(&mut self) -> &mut CollectionInfo {
        &mut self.entry.info
    }

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    fn fix_dimension(&mut self, dimension: usize) {
        self.entry.info.dimension = Some(dimension);
    }

    fn ordinal(&self, id: &RecordId) -> Result<Option<Ordinal>> {
        Ok(self.ids.get(id.as_str()).copied().map(Ordinal))
    }

    fn stored(&self, ordinal: Ordinal) -> Result<StoredRecord> {
        self.of(ordinal).map(|kept| kept.record.clone())
    }

    fn holds(&self, ordinal: Ordinal, embedding: &[f32]) -> Result<bool> {
        let held = &self.of(ordinal)?.embedding;
        Ok(held.len() == embedding.len() && held.iter().zip(embedding).all(|(a, b)| a.to_bits() == b.to_bits()))
    }

    fn knows_parts(&self) -> Result<bool> {
        Ok(self.has_parts)
    }

    fn parts(&self, of: &RecordId) -> Result<Vec<u64>> {
        let first = format!("{of}#");
        let ids = self.ids.range(first.clone()..).map(|(id, _)| id).take_while(|id| id.starts_with(&first));
        Ok(ids.filter_map(|id| Chunk::number_in(id, of)).collect())
    }

    fn add_row(&mut self, record: StoredRecord, embedding: Vec<f32>) -> Result<()> {
        let ordinal = self.entry.next;
        self.entry.next += 1;
        self.entry.records += 1;
        self.ids.insert(record.id.as_str().to_owned(), ordinal);
        self.kept.insert(ordinal, Kept { record, embedding, is_changed: true });
        Ok(())
    }

    fn replace_row(
        &mut self,
        ordinal: Ordinal,
        _old: &StoredRecord,
        new: StoredRecord,
        embedding: Option<Vec<f32>>,
    ) -> Result<()> {
        let held = self.kept.remove(&ordinal.0);
        self.leaves(ordinal.0, held.as_ref());
        let embedding = embedding.or(held.map(|held| held.embedding)).unwrap_or_default();
        self.kept.insert(ordinal.0, Kept { record: new, embedding, is_changed: true });
        Ok(())
    }

    fn remove_row(&mut self, ordinal: Ordinal, stored: &StoredRecord) -> Result<()> {
        let held = self.kept.remove(&ordinal.0);
        self.leaves(ordinal.0, held.as_ref());
        self.ids.remove(stored.id.as_str());
        self.entry.records = self.entry.records.saturating_sub(1);
        Ok(())
    }
}
