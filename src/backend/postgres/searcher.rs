//! A state of a collection in PostgreSQL, searched there.
//!
//! Invariant: what the handle does not show is found by no search.

use super::kept::Kept;
use super::read::{both, columns, record};
use super::search::{Searched, nearest};
use super::shard_graph::graph_to_walk;
use super::state::PostgresState;
use super::words;
use crate::backend::search::{Found, Searcher, WordHits};
use crate::error::Result;
use crate::query::{RecordPage, RecordQuery};
use crate::record::{CollectionInfo, SparseVector};
use crate::store::{GraphEntry, Include};

impl PostgresState {
    /// Returns the part of what is asked for that this handle shows.
    fn shown(&self, among: &RecordQuery) -> RecordQuery {
        RecordQuery { filter: both(among.filter.as_ref(), self.restriction.as_ref()), ..among.clone() }
    }
}

impl Searcher for PostgresState {
    fn info(&self) -> &CollectionInfo {
        &self.entry.info
    }

    fn records(&self) -> u64 {
        self.entry.records
    }

    fn nearest(
        &self,
        questions: &[&[f32]],
        among: &RecordQuery,
        wanted: usize,
        exact: bool,
        include: Include,
    ) -> Result<Vec<Vec<Found>>> {
        let Some(dimension) = self.entry.info.dimension else { return Ok(vec![Vec::new(); questions.len()]) };
        let (table, columns, among) = (self.entry.table(), columns(include), self.shown(among));
        self.snapshot.ask(|session| {
            let (space, ef_search) = (self.entry.info.space, self.entry.info.hnsw.ef_search);
            let parts = self.entry.parts();
            let mut searched = Searched {
                table: &table,
                parts: &parts,
                space,
                dimension,
                columns: &columns,
                has_graph: false,
                ef_search,
            };
            // What a graph finds depends on every record in it, and none may show that is not shown.
            if !exact && self.restriction.is_none() {
                let settings = searched.settings(searched.candidates(wanted));
                let graph = graph_to_walk(session, &self.entry, &settings)?;
                searched.has_graph = graph.is_some_and(|graph| GraphEntry::is_used(graph.recall, dimension));
            }
            let lists = nearest(session, &searched, questions, &among, (wanted, exact))?;
            lists.iter().map(|rows| rows.iter().map(found).collect()).collect()
        })
    }

    fn find(&self, among: &RecordQuery, include: Include) -> Result<RecordPage> {
        self.find(among, include)
    }

    fn by_words(&self, question: &SparseVector, among: &RecordQuery) -> Result<Option<WordHits>> {
        let (table, among, all) = (self.entry.table(), self.shown(among), self.shown(&RecordQuery::default()));
        self.snapshot.ask(|session| {
            let kept = Kept::of(session, &table, &among)?;
            let all = Kept::of(session, &table, &all)?;
            let parts = self.entry.parts();
            words::best(session, (&table, &parts), question, &kept, (&all, self.entry.records)).map(Some)
        })
    }

    fn numbered(&self, orders: &[u64], include: Include) -> Result<Vec<Found>> {
        let orders: Vec<i64> = orders.iter().filter_map(|order| i64::try_from(*order).ok()).collect();
        let sql = format!("select {} from {} where seq = any($1)", columns(include), self.entry.table());
        self.snapshot.ask(|session| session.rows(&sql, &[&orders])?.iter().map(found).collect())
    }
}

fn found(row: &postgres::Row) -> super::fault::Done<Found> {
    let (seq, dump) = record(row)?;
    Ok(Found { record: dump.record, order: u64::try_from(seq).ok() })
}

#[cfg(test)]
#[path = "searcher_tests.rs"]
mod tests;
