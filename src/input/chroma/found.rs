//! What was found of collections, and noticed while they were read.

use std::collections::BTreeMap;

use super::settings::ParsedSettings;
use crate::error::{Advice, Remark};
use crate::record::{CollectionInfo, Scope};

/// A collection on its way in, and where it stands in its source.
#[derive(Debug)]
pub(crate) struct FoundCollection {
    pub(crate) scope: Scope,
    pub(crate) info: CollectionInfo,
    pub(crate) records: u64,
}

/// What was noticed while collections were read, told once for all of them.
#[derive(Debug, Default)]
pub(crate) struct Noticed {
    /// Collections by what Chroma embeds their texts with.
    pub(crate) functions: BTreeMap<String, Vec<String>>,
    pub(crate) others: Vec<String>,
}

impl Noticed {
    pub(crate) fn settings(&mut self, name: &str, settings: &ParsedSettings) {
        if let Some(function) = &settings.function {
            self.functions.entry(function.clone()).or_default().push(name.to_owned());
        }
        if settings.is_changed {
            self.others.push(format!("{name}: the settings of its graph were limited to their allowed ranges"));
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Remark> {
        let mut said: Vec<_> = std::mem::take(&mut self.others).into_iter().map(Remark::from).collect();
        for (function, names) in std::mem::take(&mut self.functions) {
            let (first, more) = (names.first().cloned().unwrap_or_default(), names.len().saturating_sub(1));
            let of = if more == 0 { first.clone() } else { format!("{first} and {more} more") };
            let notice = format!("{of}: Chroma embeds its texts by {function}; here no model is set");
            said.push(Remark::with(notice, Advice::GiveEmbeddings(first)));
        }
        said
    }
}
