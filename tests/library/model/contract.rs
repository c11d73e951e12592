//! The contract in plain memory: vectors and maps, every question answered by looking at every record.
//!
//! Written from the specification (sections 1 to 4), not from the library. Invariant: a call that is refused changes
//! nothing.

use std::collections::BTreeMap;

use huedb::record::Space;
use huedb::store::{Effect, Mode};

use super::filter::Filter;
use super::value::Value;

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoTenant,
    NoDatabase,
    NoCollection,
    Taken,
    /// A change of a batch, by its id.
    BadRecord(String),
    BadQuestion,
    NotAllowed,
}

pub(crate) type Answer<T> = Result<T, Refusal>;

/// How long embeddings are: what is small has exact distances, what is long fills segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Short,
    Middle,
    Long,
}

#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) embedding: Vec<f32>,
    pub(crate) document: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) metadata: BTreeMap<String, Value>,
}

/// A record to add, or what is to change of one.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) id: String,
    pub(crate) embedding: Option<Vec<f32>>,
    pub(crate) document: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) metadata: BTreeMap<String, Option<Value>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Collection {
    pub(crate) shape: Shape,
    pub(crate) space: Space,
    pub(crate) dimension: Option<usize>,
    pub(crate) has_model: bool,
    pub(crate) metadata: Option<BTreeMap<String, Value>>,
    pub(crate) ef_search: usize,
    pub(crate) words: bool,
    /// In the order of insertion.
    pub(crate) records: Vec<Record>,
}

type Database = BTreeMap<String, Collection>;

/// Tenants, their databases, their collections.
pub(crate) struct Contract {
    pub(crate) tenants: BTreeMap<String, BTreeMap<String, Database>>,
}

impl Contract {
    pub(crate) fn new() -> Self {
        let databases = BTreeMap::from([("default_database".to_owned(), Database::new())]);
        Self { tenants: BTreeMap::from([("default_tenant".to_owned(), databases)]) }
    }

    pub(crate) fn create_tenant(&mut self, name: &str) -> Answer<()> {
        if self.tenants.contains_key(name) {
            return Err(Refusal::Taken);
        }
        self.tenants.insert(name.to_owned(), BTreeMap::new());
        Ok(())
    }

    /// Ours: Chroma has no way to delete a tenant. Returns the collections that went with it.
    pub(crate) fn drop_tenant(&mut self, name: &str) -> Answer<usize> {
        if name == "default_tenant" {
            return Err(Refusal::NotAllowed);
        }
        let databases = self.tenants.remove(name).ok_or(Refusal::NoTenant)?;
        Ok(databases.values().map(BTreeMap::len).sum())
    }

    /// Ours: a database in a tenant that does not exist is refused.
    pub(crate) fn create_database(&mut self, tenant: &str, name: &str) -> Answer<()> {
        let databases = self.tenants.get_mut(tenant).ok_or(Refusal::NoTenant)?;
        if databases.contains_key(name) {
            return Err(Refusal::Taken);
        }
        databases.insert(name.to_owned(), Database::new());
        Ok(())
    }

    pub(crate) fn drop_database(&mut self, tenant: &str, name: &str) -> Answer<usize> {
        if (tenant, name) == ("default_tenant", "default_database") {
            return Err(Refusal::NotAllowed);
        }
        let databases = self.tenants.get_mut(tenant).ok_or(Refusal::NoTenant)?;
        Ok(databases.remove(name).ok_or(Refusal::NoDatabase)?.len())
    }

    pub(crate) fn database(&self, (tenant, name): (&str, &str)) -> Answer<&Database> {
        self.tenants.get(tenant).ok_or(Refusal::NoTenant)?.get(name).ok_or(Refusal::NoDatabase)
    }

    pub(crate) fn database_mut(&mut self, (tenant, name): (&str, &str)) -> Answer<&mut Database> {
        self.tenants.get_mut(tenant).ok_or(Refusal::NoTenant)?.get_mut(name).ok_or(Refusal::NoDatabase)
    }

    pub(crate) fn create_collection(&mut self, scope: (&str, &str), name: &str, new: Collection) -> Answer<()> {
        let database = self.database_mut(scope)?;
        if database.contains_key(name) {
            return Err(Refusal::Taken);
        }
        database.insert(name.to_owned(), new);
        Ok(())
    }

    pub(crate) fn rename(&mut self, scope: (&str, &str), name: &str, new: &str) -> Answer<()> {
        let database = self.database_mut(scope)?;
        if !database.contains_key(name) {
            return Err(Refusal::NoCollection);
        }
        if name != new && database.contains_key(new) {
            return Err(Refusal::Taken);
        }
        let collection = database.remove(name).unwrap();
        database.insert(new.to_owned(), collection);
        Ok(())
    }
}

impl Collection {
    /// What changes are drawn for where there is no collection.
    pub(crate) fn stand_in() -> Self {
        Self {
            shape: Shape::Short,
            space: Space::L2,
            dimension: None,
            has_model: false,
            metadata: None,
            ef_search: 0,
            words: false,
            records: Vec::new(),
        }
    }

    /// Whether distances of whole numbers are whole numbers: then ties are ties in any arithmetic.
    pub(crate) fn has_exact_distances(&self) -> bool {
        self.shape == Shape::Short && self.space != Space::Cosine
    }

    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.records.iter().position(|record| record.id == id)
    }

    /// Applies changes in order, all or none.
    pub(crate) fn apply(&mut self, changes: &[Change], mode: Mode) -> Answer<Vec<Effect>> {
        let mut dimension = self.dimension;
        for change in changes {
            let bad = || Refusal::BadRecord(change.id.clone());
            if let Some(embedding) = &change.embedding {
                // The first embedding fixes the dimension, also that of an update of an id that does not exist.
                let expected = *dimension.get_or_insert(embedding.len());
                if embedding.is_empty() || embedding.len() != expected || embedding.iter().any(|x| !x.is_finite()) {
                    return Err(bad());
                }
            }
            if mode == Mode::Add && change.metadata.values().any(Option::is_none) {
                return Err(bad());
            }
        }
        self.dimension = dimension;
        Ok(changes.iter().map(|change| self.apply_one(change.clone(), mode)).collect())
    }

    fn apply_one(&mut self, change: Change, mode: Mode) -> Effect {
        let set = |patch: BTreeMap<String, Option<Value>>, metadata: &mut BTreeMap<String, Value>| {
            for (key, value) in patch {
                match value {
                    Some(value) => drop(metadata.insert(key, value)),
                    None => drop(metadata.remove(&key)),
                }
            }
        };
        match (self.find(&change.id), mode) {
            (Some(_), Mode::Add) => Effect::Exists,
            (None, Mode::Update) => Effect::Missing,
            (None, _) => {
                let Some(embedding) = change.embedding else { return Effect::NeedsEmbedding };
                let mut metadata = BTreeMap::new();
                set(change.metadata, &mut metadata);
                let Change { id, document, uri, .. } = change;
                self.records.push(Record { id, embedding, document, uri, metadata });
                Effect::Added
            }
            (Some(at), _) => {
                let record = &mut self.records[at];
                let text_is_new = change.document.is_some() && change.document != record.document;
                if text_is_new && change.embedding.is_none() && self.has_model {
                    return Effect::NeedsEmbedding;
                }
                let before = record.clone();
                set(change.metadata, &mut record.metadata);
                record.document = change.document.or(record.document.take());
                record.uri = change.uri.or(record.uri.take());
                record.embedding = change.embedding.unwrap_or_else(|| record.embedding.clone());
                let bits = |embedding: &[f32]| embedding.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                let same = before.metadata == record.metadata
                    && before.document == record.document
                    && before.uri == record.uri
                    && bits(&before.embedding) == bits(&record.embedding);
                if same { Effect::Unchanged } else { Effect::Updated }
            }
        }
    }

    /// The records that ids and filter both keep, in the order of insertion.
    pub(crate) fn matching(&self, ids: Option<&[String]>, filter: Option<&Filter>) -> Vec<usize> {
        let passes = |record: &Record| {
            ids.is_none_or(|ids| ids.contains(&record.id)) && filter.is_none_or(|filter| filter.passes(record))
        };
        (0..self.records.len()).filter(|at| passes(&self.records[*at])).collect()
    }

    pub(crate) fn delete(&mut self, doomed: &[usize]) -> u64 {
        let mut at = 0;
        let before = self.records.len();
        self.records.retain(|_| {
            at += 1;
            !doomed.contains(&(at - 1))
        });
        (before - self.records.len()) as u64
    }

    /// Distances of records to a question, nearest first, ties in the order of insertion.
    pub(crate) fn ranked(&self, question: &[f32], among: &[usize]) -> Vec<(usize, f64)> {
        let mut ranked: Vec<(usize, f64)> =
            among.iter().map(|at| (*at, distance(self.space, question, &self.records[*at].embedding))).collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
        ranked
    }
}

/// Section 4, in f64.
pub(crate) fn distance(space: Space, a: &[f32], b: &[f32]) -> f64 {
    let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(x, y)| term(f64::from(*x), f64::from(*y))).sum()
    };
    match space {
        Space::L2 => sum(&|x, y| (x - y) * (x - y)),
        Space::Ip => 1.0 - sum(&|x, y| x * y),
        Space::Cosine => {
            let (a, b) = (sum(&|x, _| x * x).sqrt() + 1e-32, sum(&|_, y| y * y).sqrt() + 1e-32);
            1.0 - sum(&|x, y| x * y) / (a * b)
        }
    }
}
