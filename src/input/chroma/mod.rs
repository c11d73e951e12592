//! Collections of Chroma: from the folder its programs write, or from a server that runs.
//!
//! [`ChromaFolder`] and [`ChromaServer`] are archives. Neither writes anything. Invariants: records come in the order
//! Chroma answers them, embeddings as it answers them bit for bit; what cannot be kept is told, not dropped in silence.

mod catalog;
mod folder;
mod pending;
mod pickle;
mod segment;
mod server;
mod settings;
mod values;

#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::record::{CollectionInfo, Scope};

pub use folder::ChromaFolder;
pub use server::{ChromaServer, ServerOptions};

/// Which collections are taken.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The tenant and database of the collection. When none is named, a part that is not the default one says of which
    /// tenant or database all collections are taken.
    pub scope: Scope,
    /// One collection.
    pub collection: Option<String>,
}

impl Selection {
    /// Returns whether a collection in a tenant's database is wanted.
    fn takes(&self, tenant: &str, database: &str, name: &str) -> bool {
        let all = self.collection.is_none();
        let is_in = |wanted: &str, default: &str, found: &str| wanted == found || all && wanted == default;
        is_in(&self.scope.tenant, Scope::DEFAULT_TENANT, tenant)
            && is_in(&self.scope.database, Scope::DEFAULT_DATABASE, database)
            && self.collection.as_ref().is_none_or(|wanted| wanted == name)
    }

    /// Returns whether everything there is is wanted.
    fn is_everything(&self) -> bool {
        self.collection.is_none() && self.scope == Scope::default()
    }

    /// The error when nothing is taken; `known` are the names that the wanted database has.
    fn not_found(&self, source: &str, known: &[String]) -> Error {
        let Scope { tenant, database } = &self.scope;
        let wanted =
            self.collection.as_ref().map_or("no collection".to_owned(), |name| format!("no collection named {name:?}"));
        Error::BadInput {
            source: source.to_owned(),
            why: format!("has {wanted} in the database {database:?} of the tenant {tenant:?}"),
            hint: Some(match known {
                [] => "--tenant and --database name another one; without a collection all of them are read".into(),
                known => format!("there are: {}", known.join(", ")),
            }),
        }
    }
}

/// A collection on its way in, and where it stands in its source.
#[derive(Debug)]
struct FoundCollection {
    scope: Scope,
    info: CollectionInfo,
    records: u64,
}

/// What was noticed while collections were read, told once for all of them.
#[derive(Debug, Default)]
struct Noticed {
    /// Collections by what Chroma embeds their texts with.
    functions: std::collections::BTreeMap<String, Vec<String>>,
    others: Vec<String>,
}

impl Noticed {
    fn settings(&mut self, name: &str, settings: &settings::ParsedSettings) {
        if let Some(function) = &settings.function {
            self.functions.entry(function.clone()).or_default().push(name.to_owned());
        }
        if settings.is_changed {
            self.others.push(format!("{name}: the settings of its graph were brought within their bounds here"));
        }
    }

    fn take(&mut self) -> Vec<String> {
        let mut said = std::mem::take(&mut self.others);
        for (function, names) in std::mem::take(&mut self.functions) {
            let (first, more) = (names.first().cloned().unwrap_or_default(), names.len().saturating_sub(1));
            let of = if more == 0 { first.clone() } else { format!("{first} and {more} more") };
            said.push(format!(
                "{of}: Chroma embeds its texts by {function}; here no model is set, so that questions need --embedding \
                 until `huedb reembed {first} --model MODEL`"
            ));
        }
        said
    }
}
