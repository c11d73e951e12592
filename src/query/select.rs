//! Which records a filter keeps: metadata from postings, documents by reading what is left.
//!
//! Equal to [`Filter::matches`] record by record, and tested against it. Invariant: a record is read for its document or its
//! URI only when no cheaper test of the same junction has refused it.

use std::sync::Arc;

use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use super::filter::{Filter, RecordFields};
use super::select_test::{cost, keep_test};
use super::sort::{Sort, sorted};
use crate::error::Result;
use crate::record::{Fingerprint, Metadata, Ordinal, Record, RecordId};
use crate::store::{Change, Collection, Effect, Include, Outcome, PendingWrite, Restriction, StoredRecord, View};

/// Which records are read or deleted; the parts that are given must all hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordQuery {
    /// Records of these ids.
    pub ids: Option<Vec<RecordId>>,
    /// Records a filter keeps.
    pub filter: Option<Filter>,
    /// Records to leave out at the start.
    pub offset: u64,
    /// The most records.
    pub limit: Option<u64>,
    /// The order of the records that are read; `None` for the order they were inserted in.
    pub sort: Option<Sort>,
}

/// The records of a [`RecordQuery`], read one by one.
pub struct RecordPage {
    source: Box<dyn PageSource>,
    include: Include,
}

/// Where the records of a page are read from.
pub trait PageSource: Send {
    /// Returns how many there are.
    fn records(&self) -> usize;

    /// Returns the dimension of the embeddings, once there is one.
    fn dimension(&self) -> Option<usize>;

    /// Reads them in their order, each time from the first.
    fn read(&self, include: Include) -> Box<dyn Iterator<Item = Result<Record>> + '_>;
}

/// Records of a view.
struct ViewPage {
    view: View,
    ordinals: Vec<u64>,
}

impl PageSource for ViewPage {
    fn records(&self) -> usize {
        self.ordinals.len()
    }

    fn dimension(&self) -> Option<usize> {
        self.view.info().dimension
    }

    fn read(&self, include: Include) -> Box<dyn Iterator<Item = Result<Record>> + '_> {
        Box::new(self.ordinals.iter().map(move |ordinal| self.view.record(Ordinal(*ordinal), include)))
    }
}

impl RecordPage {
    /// Takes records from where they are read.
    #[must_use]
    pub fn new(source: Box<dyn PageSource>, include: Include) -> Self {
        Self { source, include }
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.source.records()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the dimension of the embeddings, once there is one.
    #[must_use]
    pub fn dimension(&self) -> Option<usize> {
        self.source.dimension()
    }

    /// Reads the ids alone.
    pub fn ids(&self) -> impl Iterator<Item = Result<RecordId>> + '_ {
        self.source.read(Include::NONE).map(|record| record.map(|record| record.id))
    }

    /// Reads the metadata alone.
    pub fn metadatas(&self) -> impl Iterator<Item = Result<Option<Metadata>>> + '_ {
        let include = Include { metadatas: true, ..Include::NONE };
        self.source.read(include).map(|record| record.map(|record| record.metadata))
    }

    /// Reads the records in the order of the query.
    pub fn records(&self) -> impl Iterator<Item = Result<Record>> + '_ {
        self.source.read(self.include)
    }
}

impl Collection {
    /// Returns a handle to which there are only the records that pass a filter: whatever is read, counted or ranked is as if
    /// the others did not exist. Records can be deleted through it; every other write is [`crate::error::Error::InvalidArgument`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = huedb::Store::open(folder.path().join("n.redb"), huedb::Access::Create)?;
    /// # store.create_collection(huedb::CollectionName::parse("notes")?, huedb::NewCollection::default())?;
    /// # let notes = store.collection("notes")?;
    /// # notes.write_rows(["fox", "dog"].map(|id| huedb::NewRecord::new(id).unwrap().with_embedding(vec![1.0, 0.0])), huedb::Mode::Add)?;
    /// use huedb::query::Filter;
    ///
    /// let part = notes.only(Filter::parse("#id = 'fox'")?);
    /// assert_eq!((notes.count()?, part.count()?), (2, 1));
    /// # Ok::<(), huedb::Error>(())
    /// ```
    #[must_use]
    pub fn only(&self, filter: Filter) -> Self {
        self.restricted_to(Arc::new(filter))
    }

    /// Finds records in the order they were inserted, or as the query sorts them.
    ///
    /// # Errors
    /// [`crate::error::Error::CollectionNotFound`], or a damaged file.
    pub fn find(&self, query: &RecordQuery, include: Include) -> Result<RecordPage> {
        self.read(|view| {
            let chosen = choose(&view, query.ids.as_deref(), query.filter.as_ref())?.unwrap_or_else(|| view.live());
            let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
            let limit = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
            let ordinals = match &query.sort {
                Some(sort) => sorted(&view, chosen, sort)?.into_iter().skip(offset).take(limit).collect(),
                None => chosen.iter().skip(offset).take(limit).collect(),
            };
            Ok(RecordPage::new(Box::new(ViewPage { view, ordinals }), include))
        })
    }

    /// Makes the same change to every record of a query, in one transaction; returns the effect on each.
    ///
    /// `change` is given the id of each. A record that another process changed meanwhile is changed only if it still
    /// passes the filter, and is [`Effect::Missing`] otherwise. In a collection with a model, a new document comes with its
    /// embedding, made by `embedded_by`; in one without, `keep_embeddings` lets the old ones stand.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = huedb::Store::open(folder.path().join("n.redb"), huedb::Access::Create)?;
    /// # store.create_collection(huedb::CollectionName::parse("notes")?, huedb::NewCollection::default())?;
    /// # let notes = store.collection("notes")?;
    /// # notes.write_rows(["fox", "dog"].map(|id| huedb::NewRecord::new(id).unwrap().with_embedding(vec![1.0, 0.0])), huedb::Mode::Add)?;
    /// use huedb::query::{Filter, RecordQuery};
    ///
    /// let foxes = RecordQuery { filter: Some(Filter::parse("#id starts with 'f'")?), ..RecordQuery::default() };
    /// let change = |id| huedb::Change {
    ///     id, embedding: None, embedded_here: false, document: None, uri: Some("fox.md".into()), metadata: Default::default(),
    /// };
    /// assert_eq!(notes.update_where(&foxes, change, false, None)?, [huedb::store::Effect::Updated]);
    /// # Ok::<(), huedb::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of every write; [`crate::error::Error::NoModel`] for a document without an embedding.
    pub fn update_where(
        &self,
        query: &RecordQuery,
        change: impl Fn(RecordId) -> Change,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<Vec<Effect>> {
        let page = self.find(query, Include::NONE)?;
        let ids = page.ids().collect::<Result<Vec<_>>>()?;
        // A state that is still read keeps its pages from being used again.
        drop(page);
        let is_due = |stored: &StoredRecord| query.filter.as_ref().is_none_or(|filter| filter.keeps(stored));
        self.update_if(ids.into_iter().map(change), is_due, keep_embeddings, embedded_by)
    }

    /// Deletes the records of a query; returns how many.
    ///
    /// A record that another process changed meanwhile is deleted only if it still passes the filter.
    ///
    /// # Errors
    /// Those of every write.
    pub fn delete_where(&self, query: &RecordQuery) -> Result<u64> {
        let written = self.store().write_together(vec![self.to_delete(query)?]);
        written.into_iter().next().unwrap_or(Ok(Outcome::Deleted(0)))?.deleted()
    }

    /// Returns the write that [`Collection::delete_where`] does, to be done with others.
    ///
    /// # Errors
    /// As [`Collection::find`].
    pub fn to_delete(&self, query: &RecordQuery) -> Result<PendingWrite> {
        let page = self.find(query, Include::NONE)?;
        let ids = page.records().map(|record| record.map(|record| record.id)).collect::<Result<Vec<_>>>()?;
        // A state that is still read keeps its pages from being used again.
        drop(page);
        let filter = query.filter.clone();
        Ok(self.to_delete_if(ids, move |stored: &StoredRecord| filter.as_ref().is_none_or(|f| f.keeps(stored))))
    }
}

/// The records that pass a filter are all there are.
impl Restriction for Filter {
    fn records(&self, view: &View) -> Result<RoaringTreemap> {
        Ok(choose(view, None, Some(self))?.unwrap_or_else(|| view.live()))
    }

    fn keeps(&self, stored: &StoredRecord) -> bool {
        self.matches(stored.into())
    }
}

impl<'r> From<&'r StoredRecord> for RecordFields<'r> {
    fn from(stored: &'r StoredRecord) -> Self {
        let StoredRecord { id, metadata, document, uri, .. } = stored;
        Self { id: id.as_str(), metadata: Some(metadata), document: document.as_deref(), uri: uri.as_deref() }
    }
}

/// Returns the records that ids and filter both keep; `None` when neither is given, which keeps all.
pub(super) fn choose(view: &View, ids: Option<&[RecordId]>, filter: Option<&Filter>) -> Result<Option<RoaringTreemap>> {
    let filter = filter.filter(|filter| !filter.is_all());
    if ids.is_none() && filter.is_none() {
        return Ok(view.visible().cloned());
    }
    let within = match ids {
        Some(ids) => view.ordinals(ids)?,
        None => view.live(),
    };
    match filter {
        Some(filter) if ids.is_none() => keep_as_before(view, filter, &within).map(Some),
        Some(filter) => keep(view, filter, &within).map(Some),
        None => Ok(Some(within)),
    }
}

/// What a filter kept of all records, as of a state of the collection.
struct FilteredRecords {
    version: u64,
    records: RoaringTreemap,
}

/// Returns those of all records that pass, from memory where nothing was committed since the filter was used last.
fn keep_as_before(view: &View, filter: &Filter, all: &RoaringTreemap) -> Result<RoaringTreemap> {
    let (cache, number) = (view.cache(), view.number());
    if cache.budget() == 0 || view.is_restricted() {
        return keep(view, filter, all);
    }
    // Every part of a filter is in this form.
    let part = format!("{filter:?}");
    if let Some(kept) = cache.get::<FilteredRecords>(number, &part).filter(|kept| kept.version == view.version()) {
        return Ok(kept.records.clone());
    }
    let records = keep(view, filter, all)?;
    let bytes = records.serialized_size() + part.len() + size_of::<FilteredRecords>();
    cache.put(number, &part, Arc::new(FilteredRecords { version: view.version(), records: records.clone() }), bytes);
    Ok(records)
}

/// Returns those of `within` that pass.
fn keep(view: &View, filter: &Filter, within: &RoaringTreemap) -> Result<RoaringTreemap> {
    if within.is_empty() {
        return Ok(RoaringTreemap::new());
    }
    match filter {
        Filter::And(children) => {
            let mut left = within.clone();
            for child in cheapest_first(children) {
                left = keep(view, child, &left)?;
            }
            Ok(left)
        }
        Filter::Or(children) => {
            let mut passed = RoaringTreemap::new();
            for child in cheapest_first(children) {
                passed |= keep(view, child, &(within - &passed))?;
            }
            Ok(passed)
        }
        Filter::Test(test) => keep_test(view, test, within),
    }
}

/// Tests that read records last.
fn cheapest_first(children: &[Filter]) -> Vec<&Filter> {
    let mut children: Vec<_> = children.iter().collect();
    children.sort_by_key(|child| child.tests().map(cost).max());
    children
}
