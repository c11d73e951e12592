//! Tenants, databases, collections, and what is done to a collection as a whole.

use std::cell::RefCell;
use std::collections::BTreeMap;

use huedb::backend::Place;
use huedb::embed::{Embedder, HashEmbedder};
use huedb::index::unwatched;
use huedb::record::{CollectionName, DatabaseName, Metadata, Space, TenantName};
use huedb::store::{CollectionChange, NewCollection};
use serde_json::Value as Json;

use super::contract::{Collection, Refusal, Shape};
use super::draw::pick;
use super::value::Value;
use super::world::{DATABASES, NAMES, Same, TENANTS, World, both, same};
use crate::random::Random;

fn metadata(random: &mut Random) -> Option<BTreeMap<String, Value>> {
    random.chance(50).then(|| BTreeMap::from([("owner".to_owned(), Value::Text(format!("owner {}", random.below(3))))]))
}

fn as_json(metadata: &BTreeMap<String, Value>) -> Json {
    metadata.iter().map(|(key, value)| (key.clone(), value.json())).collect()
}

impl World {
    pub(crate) fn create_collection(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = pick(random, &NAMES);
        let model = random.chance(25).then(|| HashEmbedder::new(1 + random.below(12)).fingerprint().clone());
        let dimension = model.as_ref().map(|model| model.dimension);
        let new = Collection {
            shape: match dimension {
                Some(dimension) if dimension < 8 => Shape::Short,
                Some(_) => Shape::Middle,
                None => pick(random, &[Shape::Short, Shape::Short, Shape::Middle, Shape::Long]),
            },
            // Words hashed into a few components have distances that are not whole: only the cosine allows for that.
            space: if model.is_some() { Space::Cosine } else { pick(random, &Space::ALL) },
            dimension,
            has_model: model.is_some(),
            metadata: metadata(random),
            ef_search: 128,
            words: random.chance(40),
            records: Vec::new(),
        };
        what.replace(format!("create {name}: {new:?}"));
        let told = NewCollection {
            space: new.space,
            embedder: model,
            metadata: new.metadata.as_ref().map(|metadata| Metadata::from_json(as_json(metadata)).unwrap()),
            bm25: new.words,
            sparse: None,
            ..NewCollection::default()
        };
        let made = self.backend().create_collection(CollectionName::parse(name).unwrap(), told);
        both(made, self.contract.create_collection(self.scope, name, new))?;
        self.look_at_settings()
    }

    pub(crate) fn modify_collection(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        let new_name = random.chance(60).then(|| pick(random, &NAMES));
        let new_metadata = metadata(random);
        let ef_search = random.chance(50).then(|| 64 + random.below(100));
        what.replace(format!("modify {name}: {new_name:?} {new_metadata:?} {ef_search:?}"));
        let change = CollectionChange {
            name: new_name.map(|new| CollectionName::parse(new).unwrap()),
            metadata: new_metadata.as_ref().map(|metadata| Metadata::from_json(as_json(metadata)).unwrap()),
            ef_search,
            ..CollectionChange::default()
        };
        let modified = self.records(name).modify(change);
        let renamed = self.contract.rename(self.scope, name, new_name.unwrap_or(name));
        if both(modified, renamed)?.is_some() {
            let collection = self.collection_mut(new_name.unwrap_or(name)).unwrap();
            collection.metadata = new_metadata.or(collection.metadata.take());
            collection.ef_search = ef_search.unwrap_or(collection.ef_search);
        }
        self.look_at_settings()
    }

    pub(crate) fn drop_collection(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        what.replace(format!("drop {name}"));
        let dropped = self.backend().drop_collection(name).map(|(_, counts)| counts.records as usize);
        let expected = self.contract.database_mut(self.scope);
        let expected = expected.and_then(|all| all.remove(name).ok_or(Refusal::NoCollection));
        if let Some((found, expected)) = both(dropped, expected)? {
            same("records dropped", &found, &expected.records.len())?;
        }
        self.look_at_settings()
    }

    pub(crate) fn tenants_and_databases(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let (tenant, database) = (pick(random, &TENANTS), pick(random, &DATABASES));
        let here = self.scope.0;
        match random.below(8) {
            0..2 => {
                what.replace(format!("create tenant {tenant}"));
                let made = self.backend().create_tenant(&TenantName::parse(tenant).unwrap());
                both(made, self.contract.create_tenant(tenant))?;
            }
            2 => {
                what.replace(format!("drop tenant {tenant}"));
                let dropped = self.backend().drop_tenant(tenant);
                if let Some((found, expected)) = both(dropped, self.contract.drop_tenant(tenant))? {
                    same("collections dropped", &found, &expected)?;
                }
            }
            3..7 => {
                what.replace(format!("create database {here}/{database}"));
                let made = self.backend().create_database(&DatabaseName::parse(database).unwrap());
                both(made, self.contract.create_database(here, database))?;
            }
            _ => {
                what.replace(format!("drop database {here}/{database}"));
                let dropped = self.backend().drop_database(database);
                if let Some((found, expected)) = both(dropped, self.contract.drop_database(here, database))? {
                    same("collections dropped", &found, &expected)?;
                }
            }
        }
        let tenants = self.backend().tenants().map_err(|error| error.to_string())?;
        same("tenants", &tenants, &self.contract.tenants.keys().cloned().collect())?;
        let databases = self.backend().databases().map(|all| all.into_iter().map(|one| one.name).collect::<Vec<_>>());
        let expected = self.contract.tenants.get(here).ok_or(Refusal::NoTenant);
        if let Some((found, expected)) = both(databases, expected)? {
            same("databases", &found, &expected.keys().cloned().collect())?;
        }
        Ok(())
    }

    pub(crate) fn build_graph(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        what.replace(format!("build the graph of {name}"));
        let built = self.records(name).build_index(1 + random.below(2), &unwatched);
        match both(built, self.collection(name))? {
            // Some places have one always.
            Some((None, collection)) if self.backend().file().is_none() || collection.records.is_empty() => Ok(()),
            Some((built, collection)) => {
                let rows = built.map(|built| built.rows as usize);
                same("vectors in the graph", &rows, &Some(collection.records.len()))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn build_clusters(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        what.replace(format!("build the clusters of {name}"));
        let built = self.records(name).build_clusters(1 + random.below(2), &unwatched);
        match both(built, self.clustered(name))? {
            Some((Some(built), _)) if built.rows == 0 => Err("clusters of nothing".into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn drop_clusters(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        what.replace(format!("drop the clusters of {name}"));
        both(self.records(name).drop_clusters(), self.clustered(name)).map(drop)
    }

    /// A collection, where the place keeps clusters.
    fn clustered(&self, name: &str) -> Result<&Collection, Refusal> {
        let collection = self.collection(name)?;
        if matches!(self.backend().place(), Place::Postgres(_)) { Err(Refusal::NotAllowed) } else { Ok(collection) }
    }

    pub(crate) fn drop_graph(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let name = self.name(random);
        what.replace(format!("drop the graph of {name}"));
        both(self.records(name).drop_index(), self.collection(name)).map(drop)
    }

    pub(crate) fn sketch(&mut self, name: &str, what: &RefCell<String>) -> Same {
        what.replace(format!("sketch {name}"));
        match self.file(name) {
            Some(found) => both(found.and_then(|all| all.sketch()), self.collection(name)).map(drop),
            None => Ok(()),
        }
    }

    pub(crate) fn index_words(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let (name, on) = (self.name(random), random.chance(75));
        what.replace(format!("index the words of {name}: {on}"));
        let indexed = self.records(name).index_documents(on);
        let expected = self.collection_mut(name).map(|collection| {
            let before = std::mem::replace(&mut collection.words, on);
            let documents = collection.records.iter().filter(|record| record.document.is_some()).count();
            if on && !before { documents as u64 } else { 0 }
        });
        match both(indexed, expected)? {
            Some((found, expected)) => same("documents indexed", &found, &expected),
            None => Ok(()),
        }
    }

    /// Compares the settings and counts of every collection of the database.
    pub(crate) fn look_at_settings(&self) -> Same {
        let Some((found, expected)) = both(self.backend().collections(), self.contract.database(self.scope))? else {
            return Ok(());
        };
        let names: Vec<&str> = found.iter().map(|(info, _)| info.name.as_str()).collect();
        same("collections", &names, &expected.keys().map(String::as_str).collect())?;
        for ((info, counts), (name, collection)) in found.iter().zip(expected) {
            same(&format!("records of {name}"), &(counts.records as usize), &collection.records.len())?;
            same(&format!("dimension of {name}"), &info.dimension, &collection.dimension)?;
            same(&format!("space of {name}"), &info.space, &collection.space)?;
            same(&format!("ef_search of {name}"), &info.hnsw.ef_search, &collection.ef_search)?;
            let metadata = info.metadata.as_ref().map(Metadata::to_json);
            same(&format!("metadata of {name}"), &metadata, &collection.metadata.as_ref().map(as_json))?;
        }
        Ok(())
    }

    /// Compares everything in the database.
    pub(crate) fn look_at_everything(&self) -> Same {
        self.look_at_settings()?;
        let names = self.contract.database(self.scope).map(|all| all.keys().cloned().collect::<Vec<_>>());
        names.unwrap_or_default().iter().try_for_each(|name| self.look_at_records(name))
    }
}
