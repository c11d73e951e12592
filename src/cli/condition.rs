//! Which records a verb is about: `--id`, `--where`, `--where-document`.

use clap::Args;

use crate::error::Result;
use crate::query::Filter;
use crate::record::RecordId;

#[derive(Debug, Args)]
pub(super) struct Conditions {
    /// Only the record of this id; may be repeated
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,

    /// Only records whose metadata passes: Chroma's JSON or `year >= 2020 and lang in ("en","de")`; may be repeated
    #[arg(long = "where", value_name = "FILTER")]
    filters: Vec<String>,

    /// Only records whose document holds this text, or passes Chroma's JSON; may be repeated
    #[arg(long = "where-document", value_name = "FILTER")]
    documents: Vec<String>,
}

impl Conditions {
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.filters.is_empty() && self.documents.is_empty()
    }

    pub(super) fn has_filter(&self) -> bool {
        !self.filters.is_empty() || !self.documents.is_empty()
    }

    /// Returns the ids asked for, if any were.
    pub(super) fn ids(&self) -> Result<Option<Vec<RecordId>>> {
        let ids: Vec<_> = self.ids.iter().map(RecordId::parse).collect::<Result<_>>()?;
        Ok((!ids.is_empty()).then_some(ids))
    }

    /// Returns the filters joined into one, if there are any.
    pub(super) fn filter(&self) -> Result<Option<Filter>> {
        let filters = self.filters.iter().map(|text| Filter::parse(text));
        let documents = self.documents.iter().map(|text| Filter::parse_document(text));
        let all: Vec<_> = filters.chain(documents).collect::<Result<_>>()?;
        Ok((!all.is_empty()).then(|| Filter::all_of(all)))
    }
}
