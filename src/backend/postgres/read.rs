//! Records out of a collection's table: which ones, and in which order.
//!
//! What a filter asks that PostgreSQL cannot say is tested here, record by record; sorting is the file's own. Invariant:
//! records come in the order of `seq`, which is that of insertion, unless a query sorts them.

use std::collections::HashMap;
use std::sync::Arc;

use postgres::Row;

use super::fault::Done;
use super::filter::condition;
use super::params::Params;
use super::pool::{Session, Snapshot};
use super::value::{embedding, metadata, value};
use crate::error::{Error, Result};
use crate::query::{Filter, PageSource, RecordQuery, sorted_by_values};
use crate::record::{DumpRecord, Metadata, Record, RecordId};
use crate::store::Include;

/// Records read at once.
const AT_ONCE: usize = 1024;
/// Ids asked for at once.
const IDS_AT_ONCE: usize = 8192;

/// Returns the filter that holds both.
pub(super) fn both(filter: Option<&Filter>, restriction: Option<&Filter>) -> Option<Filter> {
    let filters: Vec<Filter> = filter.into_iter().chain(restriction).filter(|f| !f.is_all()).cloned().collect();
    (!filters.is_empty()).then(|| Filter::all_of(filters))
}

/// Returns the `seq` of those that ids and filter keep, in order.
pub(super) fn kept(
    session: &mut Session,
    table: &str,
    ids: Option<&[RecordId]>,
    filter: Option<&Filter>,
) -> Done<Vec<i64>> {
    let mut params = Params::default();
    let (mut conditions, mut check_here) = (vec!["true".to_owned()], None);
    if let Some(ids) = ids {
        conditions.push(format!("id = any({})", params.push(texts(ids), "text[]")));
    }
    if let Some(filter) = filter {
        let condition = condition(filter, &mut params);
        conditions.push(condition.sql);
        check_here = condition.check_here;
    }
    let sql = format!("select seq from {table} where {} order by seq", conditions.join(" and "));
    let rows = session.client().query(&sql, &params.values())?;
    let mut seqs: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if let Some(check) = check_here {
        let include = Include { documents: check.needs_document(), ..Include::TEXT };
        let mut passed = Vec::new();
        for seqs in seqs.chunks(AT_ONCE) {
            let records = page(session, table, seqs, include)?;
            let keeps = |(_, record): &(&i64, DumpRecord)| check.matches((&record.record).into());
            passed.extend(seqs.iter().zip(records).filter(keeps).map(|(seq, _)| *seq));
        }
        seqs = passed;
    }
    Ok(seqs)
}

/// Returns ids that a text of PostgreSQL can be.
fn texts(ids: &[RecordId]) -> Vec<String> {
    ids.iter().map(RecordId::as_str).filter(|id| !id.contains('\0')).map(str::to_owned).collect()
}

/// Returns the `seq` of the records of a query, in its order.
pub(super) fn chosen(
    session: &mut Session,
    table: &str,
    query: &RecordQuery,
    restriction: Option<&Filter>,
) -> Done<Vec<i64>> {
    let filter = both(query.filter.as_ref(), restriction);
    let mut seqs = kept(session, table, query.ids.as_deref(), filter.as_ref())?;
    if let Some(sort) = &query.sort {
        let values = format!("select seq, (metadata->$2)::text from {table} where seq = any($1) and metadata ? $2");
        let mut values_of: HashMap<i64, _> = HashMap::new();
        for seqs in seqs.chunks(IDS_AT_ONCE).filter(|_| !sort.key.contains('\0')) {
            for row in session.rows(&values, &[&seqs, &sort.key])? {
                let text: String = row.try_get(1)?;
                values_of.insert(row.try_get(0)?, value(&text)?);
            }
        }
        let rows = seqs.into_iter().map(|seq| (seq, values_of.remove(&seq))).collect();
        seqs = sorted_by_values(rows, sort.descending);
    }
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(seqs.into_iter().skip(offset).take(limit).collect())
}

/// Returns the columns of a record; those that are left out are null.
pub(super) fn columns(include: Include) -> String {
    let or_null = |wanted, column: &str, of_type: &str| {
        if wanted { column.to_owned() } else { format!("null::{of_type}") }
    };
    format!(
        "seq, id, {}, {}, {}, {}, embedded_here",
        or_null(include.documents, "document", "text"),
        or_null(include.uris, "uri", "text"),
        or_null(include.metadatas, "metadata::text", "text"),
        // Its type does not depend on how long embeddings are, so what is prepared stays good.
        or_null(include.embeddings, "vector_send(embedding)", "bytea"),
    )
}

/// Reads a row of [`columns`]: `seq` and record.
pub(super) fn record(row: &Row) -> Done<(i64, DumpRecord)> {
    let id: String = row.try_get(1)?;
    let text: Option<String> = row.try_get(4)?;
    let record = Record {
        id: RecordId::parse(id)?,
        embedding: row.try_get::<_, Option<&[u8]>>(5)?.map(embedding).transpose()?,
        document: row.try_get(2)?,
        uri: row.try_get(3)?,
        metadata: text.map(|text| metadata(&text)).transpose()?.filter(|metadata: &Metadata| !metadata.is_empty()),
    };
    Ok((row.try_get(0)?, DumpRecord { record, embedded_here: row.try_get(6)? }))
}

/// Reads some records, in the order of their `seq` as given.
pub(super) fn page(session: &mut Session, table: &str, seqs: &[i64], include: Include) -> Done<Vec<DumpRecord>> {
    let sql = format!("select {} from {table} where seq = any($1)", columns(include));
    let rows = session.rows(&sql, &[&seqs])?;
    let mut found: HashMap<i64, DumpRecord> = rows.iter().map(record).collect::<Done<_>>()?;
    let missing = || Error::damaged(format!("a record of {table} went missing while it was read"));
    seqs.iter().map(|seq| Ok(found.remove(seq).ok_or_else(missing)?)).collect()
}

/// Reads the records of some ids, as many as there are, with their `seq`.
pub(super) fn by_ids(
    session: &mut Session,
    table: &str,
    ids: &[RecordId],
    include: Include,
) -> Done<Vec<(i64, DumpRecord)>> {
    let sql = format!("select {} from {table} where id = any($1)", columns(include));
    let mut found = Vec::new();
    for ids in texts(ids).chunks(IDS_AT_ONCE) {
        for row in session.rows(&sql, &[&ids])? {
            found.push(record(&row)?);
        }
    }
    Ok(found)
}

/// The records of a query, read from one state a page at a time.
pub(super) struct Page {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) table: String,
    pub(super) seqs: Vec<i64>,
    pub(super) dimension: Option<usize>,
}

impl PageSource for Page {
    fn records(&self) -> usize {
        self.seqs.len()
    }

    fn dimension(&self) -> Option<usize> {
        self.dimension
    }

    fn read(&self, include: Include) -> Box<dyn Iterator<Item = Result<Record>> + '_> {
        Box::new(self.seqs.chunks(AT_ONCE).flat_map(move |seqs| {
            match self.snapshot.ask(|session| page(session, &self.table, seqs, include)) {
                Ok(records) => records.into_iter().map(|dump| Ok(dump.record)).collect(),
                Err(error) => vec![Err(error)],
            }
        }))
    }
}
