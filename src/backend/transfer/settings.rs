//! Whether a collection of the target may go on with the records of the source, and how one is made that may.
//!
//! Invariant: embeddings of two models, dimensions or precisions, or in two spaces never meet in one collection.

use uuid::Uuid;

use super::{Transfer, make_scope};
use crate::backend::database::Backend;
use crate::backend::place::Place;
use crate::error::{Advice, Error, Result};
use crate::record::{CollectionInfo, CollectionName, embeds_alike, telling_apart};

/// The collection that records are sent to.
pub(super) struct Target {
    pub(super) name: CollectionName,
    /// What it is, where it is there.
    pub(super) info: Option<CollectionInfo>,
}

impl Transfer<'_> {
    /// Looks at the target, and refuses one that is not the collection of the source.
    pub(super) fn target(&self, source: &CollectionInfo) -> Result<Target> {
        let name = self.into.as_ref().unwrap_or(&source.name).clone();
        let info = match self.to.state_of(name.as_str()) {
            Ok(state) => Some(state.info().clone()),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        match &info {
            Some(there) => self.check(source, there)?,
            None => self.check_identity_is_free(source)?,
        }
        Ok(Target { name, info })
    }

    fn check_identity_is_free(&self, source: &CollectionInfo) -> Result<()> {
        let other = if self.into.is_some() { None } else { self.to.name_by_id(source.id)? };
        other.map_or(Ok(()), |other| {
            let why = format!("{} is in {} already, under the name {other:?}", source.name, self.to.place());
            Err(Error::InvalidArgument { why, hint: Some(Advice::BringInto(other)) })
        })
    }

    fn check(&self, here: &CollectionInfo, there: &CollectionInfo) -> Result<()> {
        let keeps_no_identity = keeps_none(self.from)? || keeps_none(self.to)?;
        let refuse = |why: String| {
            Err(Error::InvalidArgument { why, hint: Some(Advice::BringInto(format!("{}-2", there.name))) })
        };
        let (from, to) = (self.from.place(), self.to.place());
        // Who names a collection that is there means it.
        if here.id != there.id && self.into.is_none() && !keeps_no_identity {
            return refuse(format!("{to} has another collection named {:?}", there.name.as_str()));
        }
        let differ = |what: &str, one: &str, other: &str| {
            refuse(format!("{} has the {what} {one} in {from}, and {} has {other} in {to}", here.name, there.name))
        };
        match (&here.embedder, &there.embedder) {
            (Some(one), Some(other)) if !embeds_alike(one, other) => {
                let (one, other) = telling_apart(one, other);
                return differ("model", &one, &other);
            }
            (Some(one), None) if !keeps_no_identity => return differ("model", &one.model, "none"),
            (None, Some(other)) if !keeps_no_identity => return differ("model", "none", &other.model),
            _ => {}
        }
        if here.space != there.space {
            return differ("space", here.space.as_str(), there.space.as_str());
        }
        if here.precision != there.precision {
            return differ("precision", here.precision.as_str(), there.precision.as_str());
        }
        match (here.dimension, there.dimension) {
            (Some(one), Some(other)) if one != other => differ("dimension", &one.to_string(), &other.to_string()),
            _ => Ok(()),
        }
    }

    /// Makes the collection, all but its records and the index of their words, which is made of all of them at once; Chroma's
    /// alone grows with its records.
    pub(super) fn adopt(&self, source: CollectionInfo, name: CollectionName) -> Result<()> {
        let id = if self.into.is_some() { Uuid::new_v4() } else { source.id };
        let new = CollectionInfo { id, name, bm25: source.bm25 && keeps_none(self.to)?, ..source };
        match self.to.adopt_collection(new.clone()) {
            Err(error) if error.is_not_found() => {
                make_scope(self.from, self.to)?;
                self.to.adopt_collection(new)
            }
            done => done,
        }
    }
}

/// Whether a place gives collections identities of its own, and knows no models of huedb: a server of Chroma.
pub(super) fn keeps_none(place: &dyn Backend) -> Result<bool> {
    Ok(matches!(place.place(), Place::Server(_)) && !place.facts()?.made_by.starts_with("huedb"))
}

/// Names the settings that are others there, and that records do not depend on.
pub(super) fn differing(here: &CollectionInfo, there: &CollectionInfo) -> Vec<&'static str> {
    let prefix = |info: &CollectionInfo| info.embedder.as_ref().map(|model| model.query_prefix.clone());
    let settings = [
        ("metadata", here.metadata != there.metadata),
        ("hnsw", here.hnsw != there.hnsw),
        ("index", here.index != there.index),
        ("query prefix", here.embedder.is_some() && there.embedder.is_some() && prefix(here) != prefix(there)),
        ("sparse model", here.sparse != there.sparse),
        ("settings of Chroma's clients", here.client != there.client || here.chroma != there.chroma),
    ];
    settings.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}
