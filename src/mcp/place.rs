//! The collections of a file or another place, some or all, as a process on this machine offers them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::catalogue::{AnswerLimits, Catalogue, Need, Offer, Refusal};
use super::tool::SyncInput;
use crate::backend::{Backend, Records};
use crate::embed::LoadOptions;
use crate::error::{Error, Result as Outcome};

/// Brings a collection up to date with a folder; what it returns is said to the model.
pub type SyncFolder = Box<dyn Fn(&SyncInput) -> Result<String, String> + Send + Sync>;

/// The collections of a place.
pub struct PlaceCatalogue {
    /// The place, and the tenant and database in it.
    pub backend: Arc<dyn Backend>,
    /// The only collections there are; none named, all of them.
    pub only: BTreeSet<String>,
    /// Whether the tools that add, change and delete are offered.
    pub writes: bool,
    /// How models are found.
    pub models: LoadOptions,
    /// How much one answer holds.
    pub limits: AnswerLimits,
    /// How errors are worded.
    pub wording: fn(&Error) -> String,
    /// What brings a collection up to date with a folder, where that is offered.
    pub sync: Option<SyncFolder>,
}

impl PlaceCatalogue {
    fn is_there(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.contains(name)
    }

    /// Another file may have been put in its place.
    fn follow(&self) -> Outcome<()> {
        self.backend.file().map_or(Ok(()), |store| store.follow().map(drop))
    }

    fn not_found(&self, name: &str) -> Refusal {
        let known = self.names().unwrap_or_default();
        self.refusal(Error::CollectionNotFound { name: name.to_owned(), known })
    }
}

impl Catalogue for PlaceCatalogue {
    fn names(&self) -> Result<Vec<String>, Refusal> {
        let all = self.follow().and_then(|()| self.backend.collections()).map_err(|error| self.refusal(error))?;
        Ok(all.into_iter().map(|(info, _)| info.name.to_string()).filter(|name| self.is_there(name)).collect())
    }

    fn collection(&self, name: &str, need: Need) -> Result<Arc<dyn Records>, Refusal> {
        if need != Need::Read && !self.writes {
            return Err(Refusal("this server only reads".into()));
        }
        if !self.is_there(name) {
            return Err(self.not_found(name));
        }
        let records = self.backend.collection(name.into());
        match self.follow().and_then(|()| records.state()) {
            Ok(_) => Ok(records),
            Err(Error::CollectionNotFound { .. }) => Err(self.not_found(name)),
            Err(error) => Err(self.refusal(error)),
        }
    }

    fn models(&self) -> &LoadOptions {
        &self.models
    }

    fn offer(&self) -> Offer {
        Offer { writes: self.writes, syncs: self.writes && self.sync.is_some() }
    }

    fn limits(&self) -> AnswerLimits {
        self.limits
    }

    fn refusal(&self, error: Error) -> Refusal {
        Refusal((self.wording)(&error))
    }

    fn sync(&self, folder: &SyncInput) -> Result<String, Refusal> {
        let Some(sync) = self.sync.as_ref().filter(|_| self.writes) else {
            return Err(Refusal("folders are not read here".into()));
        };
        if !self.is_there(&folder.collection) {
            return Err(self.not_found(&folder.collection));
        }
        sync(folder).map_err(Refusal)
    }
}
