//! Records in, changed, out and read (section 2.2).

use std::cell::RefCell;

use huedb::embed::{Embedder, HashEmbedder, TextRole};
use huedb::ingest::{Ingest, OnError, Preparer};
use huedb::query::{Filter as Parsed, RecordQuery, Sort};
use huedb::record::{Metadata, MetadataPatch, NewRecord, Origin, Record as Read, RecordId};
use huedb::store::{self, Include, Mode};
use serde_json::Value as Json;

use super::contract::{Change, Collection, Record};
use super::draw::{self, pick};
use super::facts;
use super::filter::Filter;
use super::world::{Same, World, both, same};
use crate::random::Random;

const MODES: [Mode; 3] = [Mode::Add, Mode::Update, Mode::Upsert];

fn patch(change: &Change) -> MetadataPatch {
    let value = |(key, value): (&String, &Option<_>)| {
        (key.clone(), value.as_ref().map_or(Json::Null, super::value::Value::json))
    };
    MetadataPatch::from_json(change.metadata.iter().map(value).collect()).unwrap()
}

fn told(change: &Change) -> store::Change {
    store::Change {
        id: id(&change.id),
        embedding: change.embedding.clone(),
        embedded_here: false,
        document: change.document.clone(),
        uri: change.uri.clone(),
        metadata: patch(change),
    }
}

pub(crate) fn id(id: &str) -> RecordId {
    RecordId::parse(id).unwrap()
}

/// A filter as both sides take it: Chroma's JSON or the short form, which are one tree.
pub(crate) fn parsed(filter: &Filter, random: &mut Random) -> Parsed {
    let (json, short) = (filter.json().to_string(), filter.short());
    let (from_json, from_short) = (Parsed::parse(&json).unwrap(), Parsed::parse(&short).unwrap());
    assert_eq!(from_json, from_short, "{json} and {short}");
    if random.chance(50) { from_json } else { from_short }
}

/// Ids to ask for: some that are there, some that are not, some twice.
pub(crate) fn some_ids(random: &mut Random, collection: &Collection) -> Option<Vec<String>> {
    random.chance(25).then(|| (0..random.below(30)).map(|_| draw::id_in(random, collection)).collect())
}

impl World {
    pub(crate) fn apply(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let count = 1 + random.below(6);
        self.apply_drawn(random, what, count)
    }

    /// Enough records for segments, graphs and sets of many members.
    pub(crate) fn apply_many(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        let Ok(collection) = self.collection(name) else { return Ok(()) };
        let dimension = draw::dimension(random, collection);
        let most = (1 << 20) / dimension * 3;
        if collection.records.len() > most.min(1500) {
            return Ok(());
        }
        let count = (100 + random.below(500)).min(most);
        let start = random.below(3000);
        let mut changes = draw::changes(random, collection, count, Mode::Add);
        for (at, change) in changes.iter_mut().enumerate() {
            change.id = format!("many{}", start + at);
        }
        self.apply_to(name, &changes, Mode::Add, what)?;
        if random.chance(30) { self.sketch(name, what) } else { Ok(()) }
    }

    fn apply_drawn(&mut self, random: &mut Random, what: &RefCell<String>, count: usize) -> Same {
        let (name, mode) = (self.name(random), pick(random, &MODES));
        let changes = draw::changes(random, &self.collection_or_none(name), count, mode);
        self.apply_to(name, &changes, mode, what)
    }

    /// A batch with one bad change in it: nothing of it may stay.
    pub(crate) fn apply_bad(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let (name, mode) = (self.name(random), pick(random, &MODES));
        let mut changes = draw::changes(random, &self.collection_or_none(name), 5, mode);
        let at = random.below(changes.len());
        let dimension = changes.iter().find_map(|change| change.embedding.as_ref().map(Vec::len)).unwrap_or(2);
        match random.below(4) {
            0 => changes[at].embedding = Some(vec![f32::NAN; dimension]),
            1 => changes[at].embedding = Some(vec![f32::INFINITY; dimension]),
            2 => changes[at].embedding = Some(vec![0.5; dimension + 1]),
            _ => drop(changes[at].metadata.insert("gone".into(), None)),
        }
        self.apply_to(name, &changes, mode, what)
    }

    fn apply_to(&mut self, name: &str, changes: &[Change], mode: Mode, what: &RefCell<String>) -> Same {
        let short: Vec<_> = changes.iter().take(20).collect();
        what.replace(format!("{mode:?} to {name}, {} changes: {short:?}", changes.len()));
        let found = self.records(name).apply(changes.iter().map(told).collect(), mode);
        let expected = self.collection_mut(name).and_then(|collection| collection.apply(changes, mode));
        if let Some((found, expected)) = both(found, expected)? {
            same("effects", &found, &expected)?;
        }
        self.look_at_settings()?;
        match self.collection(name) {
            Ok(_) => self.look_at(name, changes.iter().map(|change| change.id.as_str()).take(20)),
            Err(_) => Ok(()),
        }
    }

    /// Texts that the collection's model embeds, as an import brings them.
    pub(crate) fn ingest(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let (name, mode) = (self.name(random), pick(random, &MODES));
        let Ok(collection) = self.collection(name) else { return Ok(()) };
        if !collection.has_model {
            return self.apply(random, what);
        }
        let count = 1 + random.below(5);
        let mut changes = draw::changes(random, collection, count, mode);
        for change in &mut changes {
            if random.chance(70) {
                change.embedding = None;
            }
            if change.embedding.is_none() && mode != Mode::Update {
                change.document = Some(draw::text(random));
            }
        }
        what.replace(format!("import into {name}, {mode:?}: {changes:?}"));
        let embedder = HashEmbedder::new(collection.dimension.unwrap());
        // What the client does in Chroma: texts are embedded, unless they are what the record says already.
        let mut expected = collection.clone();
        for change in &changes {
            let mut change = change.clone();
            let known = expected.find(&change.id).map(|at| expected.records[at].document.clone());
            if let Some(text) = change.document.as_deref().filter(|text| {
                change.embedding.is_none() && known.as_ref().is_none_or(|known| known.as_deref() != Some(text))
            }) {
                change.embedding = Some(embedder.embed_one(text, TextRole::Document).unwrap());
            }
            expected.apply(&[change], mode).map_err(|refusal| format!("{refusal:?}"))?;
        }
        self.ingest_rows(name, &changes, mode)?;
        *self.collection_mut(name).unwrap() = expected;
        self.look_at_settings()?;
        self.look_at(name, changes.iter().map(|change| change.id.as_str()))
    }

    fn ingest_rows(&self, name: &str, changes: &[Change], mode: Mode) -> Same {
        let row = |change: &Change| NewRecord {
            id: id(&change.id),
            embedding: change.embedding.clone(),
            document: change.document.clone(),
            uri: change.uri.clone(),
            embedded_here: false,
            part: None,
            metadata: patch(change),
            origin: Origin { source: "model".into(), line: 1 },
        };
        let run = || {
            let collection = self.records(name);
            let state = collection.state()?;
            let embedder = HashEmbedder::new(state.info().dimension.unwrap());
            let mut preparer = Preparer::new(state.info(), Some(&embedder), mode, OnError::Stop)?;
            let batch = preparer.prepare(state.as_ref(), changes.iter().map(|change| Ok(row(change))))?;
            Ingest::new(collection.as_ref(), preparer).store(batch)
        };
        run().map(drop).map_err(|error| format!("the import was refused: {error}"))
    }

    pub(crate) fn delete_ids(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        let ids = (0..random.below(12)).map(|_| draw::id_in(random, &self.collection_or_none(name)));
        let ids: Vec<String> = ids.collect();
        what.replace(format!("delete from {name}: {ids:?}"));
        let told: Vec<RecordId> = ids.iter().map(|one| id(one)).collect();
        let found = self.records(name).delete_where(&RecordQuery { ids: Some(told), ..RecordQuery::default() });
        let expected = self.collection_mut(name).map(|collection| {
            let doomed = collection.matching(Some(&ids), None);
            collection.delete(&doomed)
        });
        if let Some((found, expected)) = both(found, expected)? {
            same("deleted", &found, &expected)?;
        }
        self.look_at_settings()
    }

    pub(crate) fn delete_where(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        let (ids, filter) = (some_ids(random, &self.collection_or_none(name)), Filter::draw(random, 2));
        let limit = random.chance(60).then(|| draw::pick(random, &[0, 1, 3, 8, 400]));
        what.replace(format!("delete from {name}: {ids:?} {filter:?} {limit:?}"));
        let query = RecordQuery {
            ids: ids.as_ref().map(|ids| ids.iter().map(|one| id(one)).collect()),
            filter: Some(parsed(&filter, random)),
            limit: limit.map(|limit| limit as u64),
            ..RecordQuery::default()
        };
        let found = self.records(name).delete_where(&query);
        let expected = self.collection_mut(name).map(|collection| {
            let mut doomed = collection.matching(ids.as_deref(), Some(&filter));
            doomed.truncate(limit.unwrap_or(usize::MAX));
            collection.delete(&doomed)
        });
        if let Some((found, expected)) = both(found, expected)? {
            same("deleted", &found, &expected)?;
        }
        self.look_at_settings()
    }

    /// Get: ids, filter, sort, offset, limit, include; and with it count with a filter.
    pub(crate) fn find(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        let ids = some_ids(random, &self.collection_or_none(name));
        let filter = random.chance(70).then(|| Filter::draw(random, 3));
        let sort = random.chance(30).then(|| Sort { key: draw::key(random), descending: random.chance(50) });
        let (offset, limit) = (random.below(4), random.chance(50).then(|| random.below(30)));
        let include = if random.chance(50) { Include::ALL } else { Include { uris: false, ..Include::TEXT } };
        what.replace(format!("get from {name}: {ids:?} {filter:?} {sort:?} {offset} {limit:?}"));
        let query = RecordQuery {
            ids: ids.as_ref().map(|ids| ids.iter().map(|one| id(one)).collect()),
            filter: filter.as_ref().map(|filter| parsed(filter, random)),
            offset: offset as u64,
            limit: limit.map(|limit| limit as u64),
            sort: sort.clone(),
        };
        let page = self.records(name).find(&query, include);
        let Some((page, collection)) = both(page, self.collection(name))? else { return Ok(()) };
        let mut expected = collection.matching(ids.as_deref(), filter.as_ref());
        if let Some(sort) = &sort {
            facts::sort(&mut expected, collection, sort);
        }
        let expected: Vec<usize> = expected.into_iter().skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
        same("count", &page.len(), &expected.len())?;
        let records = page.records().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        same("ids", &ids, &expected.iter().map(|at| collection.records[*at].id.as_str()).collect())?;
        records.iter().zip(expected).try_for_each(|(read, at)| same_record(read, &collection.records[at], include))
    }

    /// Compares some records of a collection.
    fn look_at<'i>(&self, name: &str, ids: impl Iterator<Item = &'i str>) -> Same {
        let collection = self.collection(name).map_err(|refusal| format!("{refusal:?}"))?;
        let mut at: Vec<usize> = ids.filter_map(|id| collection.find(id)).collect();
        at.sort_unstable();
        at.dedup();
        let told: Vec<RecordId> = at.iter().map(|at| id(&collection.records[*at].id)).collect();
        let query = RecordQuery { ids: Some(told), ..RecordQuery::default() };
        let read = self
            .records(name)
            .find(&query, Include::ALL)
            .and_then(|page| page.records().collect::<Result<Vec<_>, _>>());
        let read = read.map_err(|error| format!("get: {error}"))?;
        same("records found by id", &read.len(), &at.len())?;
        read.iter().zip(at).try_for_each(|(read, at)| same_record(read, &collection.records[at], Include::ALL))
    }

    /// Compares all records of a collection.
    pub(crate) fn look_at_records(&self, name: &str) -> Same {
        let collection = self.collection(name).map_err(|refusal| format!("{refusal:?}"))?;
        let page = self.records(name).find(&RecordQuery::default(), Include::ALL);
        let page = page.map_err(|error| format!("get: {error}"))?;
        same(&format!("records of {name}"), &page.len(), &collection.records.len())?;
        page.records()
            .zip(&collection.records)
            .try_for_each(|(read, record)| same_record(&read.map_err(|error| error.to_string())?, record, Include::ALL))
    }
}

fn same_record(read: &Read, record: &Record, include: Include) -> Same {
    let id = &record.id;
    same("id", &read.id.as_str(), &id.as_str())?;
    same(&format!("document of {id}"), &read.document, &record.document.clone().filter(|_| include.documents))?;
    same(&format!("uri of {id}"), &read.uri, &record.uri.clone().filter(|_| include.uris))?;
    let metadata: Json = record.metadata.iter().map(|(key, value)| (key.clone(), value.json())).collect();
    // Metadata without keys reads back as null.
    let metadata = (include.metadatas && !record.metadata.is_empty()).then_some(metadata);
    same(&format!("metadata of {id}"), &read.metadata.as_ref().map(Metadata::to_json), &metadata)?;
    let bits = |embedding: &Vec<f32>| embedding.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let expected = include.embeddings.then(|| bits(&record.embedding));
    same(&format!("embedding of {id}, as bits"), &read.embedding.as_ref().map(bits), &expected)
}
