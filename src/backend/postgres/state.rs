//! A collection in PostgreSQL at one moment.
//!
//! It holds a connection with an open transaction until it is dropped, and a page of its records does so too. Invariant: all
//! answers of a state come from one snapshot of the database.

use std::sync::Arc;

use postgres::Row;

use super::catalogue::Entry;
use super::fault::Done;
use super::pool::{Session, Snapshot};
use super::read::{Page, by_ids, chosen, kept};
use crate::backend::looked_up::{LookedUp, having};
use crate::backend::{State, search};
use crate::error::Result;
use crate::ingest::Existing;
use crate::query::{Answer, Filter, MetadataKeys, Query, RecordPage, RecordQuery};
use crate::record::{CollectionInfo, Counts, Record, RecordId};
use crate::store::{Include, TermKind};

/// One state of a collection.
pub(super) struct PostgresState {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) entry: Entry,
    /// The only records there are to whoever reads it.
    pub(super) restriction: Option<Filter>,
    looked_up: LookedUp,
}

impl PostgresState {
    /// Takes what was read of the catalogue in a snapshot.
    pub(super) fn new(snapshot: Snapshot, entry: Entry, restriction: Option<Filter>) -> Self {
        Self { snapshot: Arc::new(snapshot), entry, restriction, looked_up: LookedUp::default() }
    }

    /// Has what is said of the collection be said of the records that are seen.
    pub(super) fn restrict(session: &mut Session, entry: &mut Entry, restriction: Option<&Filter>) -> Done<()> {
        if let Some(filter) = restriction {
            entry.records = kept(session, &entry.table(), None, Some(filter))?.len() as u64;
            if entry.records == 0 && entry.info.embedder.is_none() {
                entry.info.dimension = None;
            }
        }
        Ok(())
    }

    /// Finds records.
    pub(super) fn find(&self, query: &RecordQuery, include: Include) -> Result<RecordPage> {
        let table = self.entry.table();
        let seqs = self.snapshot.ask(|session| chosen(session, &table, query, self.restriction.as_ref()))?;
        let (snapshot, dimension) = (Arc::clone(&self.snapshot), self.entry.info.dimension);
        Ok(RecordPage::new(Box::new(Page { snapshot, table, seqs, dimension }), include))
    }

    fn shows(&self, record: &Record) -> bool {
        self.restriction.as_ref().is_none_or(|filter| filter.matches(record.into()))
    }

    /// Reads keys with the kinds of their values, and of arrays those of their elements.
    fn kinds(&self) -> Result<Vec<(String, TermKind)>> {
        let table = self.entry.table();
        let sql = format!(
            "select distinct key, jsonb_typeof(value), jsonb_typeof(value->0), coalesce((value->>0) like '%.%', false)
             from {table}, jsonb_each(metadata)
             where ($1::bigint[] is null or seq = any($1)) and jsonb_typeof(value) <> 'object'"
        );
        let mut kinds = self.snapshot.ask(|session| {
            let restriction = self.restriction.as_ref();
            let seqs = restriction.map(|filter| kept(session, &table, None, Some(filter))).transpose()?;
            let read = |row: &Row| -> Done<(String, TermKind)> {
                let (of_value, of_element): (String, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
                Ok((row.try_get(0)?, kind(&of_value, of_element.as_deref(), row.try_get(3)?)))
            };
            session.rows(&sql, &[&seqs])?.iter().map(read).collect::<Done<Vec<_>>>()
        })?;
        kinds.sort_unstable();
        kinds.dedup();
        Ok(kinds)
    }
}

fn kind(of_value: &str, of_element: Option<&str>, is_float: bool) -> TermKind {
    match (of_value, of_element) {
        ("boolean", _) => TermKind::Bool,
        ("number", _) => TermKind::Number,
        ("array", Some("boolean")) => TermKind::BoolElement,
        ("array", Some("number")) if is_float => TermKind::FloatElement,
        ("array", Some("number")) => TermKind::IntElement,
        ("array", _) => TermKind::StrElement,
        _ => TermKind::Str,
    }
}

impl Existing for PostgresState {
    fn info(&self) -> &CollectionInfo {
        &self.entry.info
    }

    fn stored(&self, id: &RecordId) -> Result<Option<Record>> {
        self.looked_up.stored(self, id)
    }

    fn having(&self, key: &str, text: &str) -> Result<Vec<RecordId>> {
        self.find(&having(key, text), Include::NONE)?.ids().collect()
    }

    fn look_up(&self, ids: &mut dyn Iterator<Item = RecordId>) -> Result<()> {
        let unknown = self.looked_up.unknown(ids);
        if unknown.is_empty() {
            return Ok(());
        }
        let found = self.snapshot.ask(|session| by_ids(session, &self.entry.table(), &unknown, Include::TEXT))?;
        let shown = found.into_iter().map(|(_, dump)| dump.record).filter(|record| self.shows(record));
        self.looked_up.keep(&unknown, shown);
        Ok(())
    }
}

impl MetadataKeys for PostgresState {
    fn has_no_records(&self) -> bool {
        self.entry.records == 0
    }

    fn metadata_keys(&self) -> Result<Vec<String>> {
        // A sparse vector without weights counts as none.
        let sql = format!(
            "select distinct key from {}, jsonb_each(metadata) where value->'indices' is distinct from '[]'::jsonb",
            self.entry.table()
        );
        let mut keys: Vec<String> = self.snapshot.ask(|session| {
            Ok(session.rows(&sql, &[])?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
        })?;
        keys.sort_unstable();
        Ok(keys)
    }
}

impl State for PostgresState {
    fn counts(&self) -> Counts {
        self.entry.counts()
    }

    fn version(&self) -> u64 {
        self.entry.version
    }

    fn is_restricted(&self) -> bool {
        self.restriction.is_some()
    }

    fn query(&self, query: &Query) -> Result<Answer> {
        search::query(self, query)
    }

    fn key_kinds(&self) -> Result<Vec<(String, Vec<TermKind>)>> {
        let mut found: Vec<(String, Vec<TermKind>)> = Vec::new();
        for (key, kind) in self.kinds()? {
            match found.last_mut().filter(|(last, _)| *last == key) {
                Some((_, kinds)) => kinds.push(kind),
                None => found.push((key, vec![kind])),
            }
        }
        Ok(found)
    }
}
