//! One place and the contract beside it, and which operation comes next.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use huedb::backend::{Backend, Records};
use huedb::error::Error;
use huedb::record::Scope;

use super::contract::{Collection, Contract, Refusal};
use super::draw::{self, pick};
use super::place::ModelPlace;
use super::questions::Recall;
use crate::random::Random;

/// What differed.
pub(crate) type Same = Result<(), String>;

pub(crate) const TENANTS: [&str; 3] = ["default_tenant", "acme", "other"];
pub(crate) const DATABASES: [&str; 3] = ["default_database", "staging", "spare"];
pub(crate) const NAMES: [&str; 4] = ["aaa", "bbb", "ccc", "ddd"];

pub(crate) struct World {
    place: Box<dyn ModelPlace>,
    pub(crate) scope: (&'static str, &'static str),
    pub(crate) contract: Contract,
    backend: Option<Arc<dyn Backend>>,
    pub(crate) recall: Recall,
}

impl World {
    pub(crate) fn new(mut place: Box<dyn ModelPlace>) -> Self {
        let scope = (TENANTS[0], DATABASES[0]);
        draw::hold_all(place.holds_all());
        let backend = Some(place.open(named(scope)));
        Self { place, scope, contract: Contract::new(), backend, recall: Recall::default() }
    }

    /// Looks at everything in the place once more.
    pub(crate) fn finish(mut self) -> Recall {
        for tenant in TENANTS {
            for database in DATABASES {
                self.open_in((tenant, database));
                if let Err(difference) = self.look_at_everything() {
                    panic!("at the end, in {tenant}/{database}: {difference}");
                }
            }
        }
        if let Err(difference) = self.check() {
            panic!("at the end: {difference}");
        }
        self.recall
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        self.backend.as_ref().unwrap().as_ref()
    }

    /// The collection of the place.
    pub(crate) fn records(&self, name: &str) -> Arc<dyn Records> {
        self.backend().collection(name.into())
    }

    /// What only a file has of it, where the place is one.
    pub(crate) fn file(&self, name: &str) -> Option<Result<huedb::store::Collection, Error>> {
        self.backend().file().map(|store| store.collection(name))
    }

    /// The name of a collection, most times of one that is there.
    pub(crate) fn name(&self, random: &mut Random) -> &'static str {
        let there = |name: &&str| self.contract.database(self.scope).is_ok_and(|all| all.contains_key(*name));
        let known: Vec<&str> = NAMES.into_iter().filter(there).collect();
        if known.is_empty() || random.chance(2) { pick(random, &NAMES) } else { pick(random, &known) }
    }

    pub(crate) fn collection(&self, name: &str) -> Result<&Collection, Refusal> {
        self.contract.database(self.scope)?.get(name).ok_or(Refusal::NoCollection)
    }

    /// The collection, or what operations are drawn for where there is none.
    pub(crate) fn collection_or_none(&self, name: &str) -> Cow<'_, Collection> {
        self.collection(name).map_or_else(|_| Cow::Owned(Collection::stand_in()), Cow::Borrowed)
    }

    pub(crate) fn collection_mut(&mut self, name: &str) -> Result<&mut Collection, Refusal> {
        self.contract.database_mut(self.scope)?.get_mut(name).ok_or(Refusal::NoCollection)
    }

    /// Runs one operation on both sides; writes into `what` which it is.
    pub(crate) fn step(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let nothing_here = self.contract.database(self.scope).map_or(true, BTreeMap::is_empty);
        if nothing_here && random.chance(70) {
            let away = self.contract.database(self.scope).is_err();
            return if away { self.reopen(random, what) } else { self.create_collection(random, what) };
        }
        match random.below(1000) {
            0..250 => self.apply(random, what),
            250..270 => self.apply_many(random, what),
            270..290 => self.apply_bad(random, what),
            290..340 => self.ingest(random, what),
            340..380 => self.delete_ids(random, what),
            380..420 => self.delete_where(random, what),
            420..540 => self.find(random, what),
            540..760 => self.query(random, what),
            760..850 => self.search(random, what),
            850..890 => self.facts(random, what),
            890..910 => self.create_collection(random, what),
            910..925 => self.modify_collection(random, what),
            925..930 => self.drop_collection(random, what),
            930..945 => self.tenants_and_databases(random, what),
            945..965 => self.reopen(random, what),
            965..969 => self.compact(what),
            969..976 => self.build_graph(random, what),
            976..982 => self.build_clusters(random, what),
            982..983 => self.drop_clusters(random, what),
            983..986 => self.drop_graph(random, what),
            986..990 => {
                let name = self.name(random);
                self.sketch(name, what)
            }
            990..995 => self.index_words(random, what),
            _ => {
                what.replace("a deep check".into());
                self.check()
            }
        }
    }

    /// Closes the file and opens it again, in any tenant and database.
    fn reopen(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let scope = if random.chance(60) {
            (TENANTS[0], DATABASES[0])
        } else {
            (pick(random, &TENANTS), pick(random, &DATABASES))
        };
        what.replace(format!("reopen in {scope:?}"));
        self.open_in(scope);
        self.look_at_everything()
    }

    fn open_in(&mut self, scope: (&'static str, &'static str)) {
        self.backend.take().unwrap().close().unwrap();
        self.backend = Some(self.place.open(named(scope)));
        self.scope = scope;
    }

    fn compact(&mut self, what: &RefCell<String>) -> Same {
        what.replace("compact".into());
        self.place.compact(self.backend())?;
        self.look_at_everything()
    }

    fn check(&mut self) -> Same {
        self.place.check(self.backend())
    }
}

fn named((tenant, database): (&str, &str)) -> Scope {
    Scope { tenant: tenant.into(), database: database.into() }
}

/// Compares an answer with the expected one.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Same {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}\n  the contract says {}\n  the library says  {}", cut(expected), cut(found)))
}

fn cut(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    if text.len() < 4000 { text } else { text.chars().take(4000).chain("...".chars()).collect() }
}

/// Compares what both sides answered to a call; `Some` where both did it.
pub(crate) fn both<F, E>(found: Result<F, Error>, expected: Result<E, Refusal>) -> Result<Option<(F, E)>, String> {
    match (found, expected) {
        (Ok(found), Ok(expected)) => Ok(Some((found, expected))),
        (Err(error), Err(refusal)) => same("the refusal", &refusal_of(&error), &Some(refusal)).map(|()| None),
        (Ok(_), Err(refusal)) => Err(format!("it was done; the contract says {refusal:?}")),
        (Err(error), Ok(_)) => Err(format!("it was refused: {error}; the contract does it")),
    }
}

fn refusal_of(error: &Error) -> Option<Refusal> {
    Some(match error {
        Error::TenantNotFound { .. } => Refusal::NoTenant,
        Error::DatabaseNotFound { .. } => Refusal::NoDatabase,
        Error::CollectionNotFound { .. } => Refusal::NoCollection,
        Error::TenantExists { .. } | Error::DatabaseExists { .. } | Error::CollectionExists { .. } => Refusal::Taken,
        Error::BadRecord { id, .. } => Refusal::BadRecord(id.clone()),
        Error::DimensionMismatch { .. } | Error::InvalidEmbedding { .. } => Refusal::BadQuestion,
        Error::InvalidArgument { .. } | Error::WordsNotIndexed { .. } => Refusal::NotAllowed,
        _ => return None,
    })
}
