//! Which records a verb is about: `--id`, `--ids-from`, `--where`, `--where-document`.

use clap::{Args, ValueHint};
use huedb::error::{Error, Result};
use huedb::query::Filter;
use huedb::record::RecordId;

use crate::cli::context::command::Context;

#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only the record with this ID (repeatable)
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,

    /// Only records with the ids in this file, one per line; `-` for standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ids_from: Option<String>,

    /// Only records whose metadata matches: Chroma's JSON or `year >= 2020 and lang in ("en","de")` (repeatable)
    #[arg(long = "where", value_name = "FILTER")]
    filters: Vec<String>,

    /// Only records whose document contains this text, or matches Chroma's JSON (repeatable)
    #[arg(long = "where-document", value_name = "FILTER")]
    documents: Vec<String>,
}

impl FilterArgs {
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.ids_from.is_none() && self.filters.is_empty() && self.documents.is_empty()
    }

    pub(crate) fn has_filter(&self) -> bool {
        !self.filters.is_empty() || !self.documents.is_empty()
    }

    /// Returns the flags that leave records out.
    pub(crate) fn narrowing(&self) -> impl Iterator<Item = &'static str> {
        [
            ("--id", !self.ids.is_empty()),
            ("--ids-from", self.ids_from.is_some()),
            ("--where", !self.filters.is_empty()),
            ("--where-document", !self.documents.is_empty()),
        ]
        .into_iter()
        .filter_map(|(flag, is_given)| is_given.then_some(flag))
    }

    /// Refuses to read the standard input for two things.
    pub(crate) fn leaves_stdin(&self, other: &str) -> Result<()> {
        match self.ids_from.as_deref() {
            Some("-") => Err(Error::argument(format!("--ids-from and {other} cannot both read the standard input"))),
            _ => Ok(()),
        }
    }

    /// Returns the ids asked for: `None` when nothing asks for any, and none at all when a list of them is empty.
    pub(crate) fn ids(&self, context: &Context) -> Result<Option<Vec<RecordId>>> {
        let mut ids: Vec<_> = self.ids.iter().map(RecordId::parse).collect::<Result<_>>()?;
        if let Some(list) = &self.ids_from {
            ids.extend(context.read_ids(list)?);
        } else if ids.is_empty() {
            return Ok(None);
        }
        Ok(Some(ids))
    }

    /// Returns the id, where a single one is all that is given.
    pub(crate) fn only_id(&self) -> Option<&str> {
        match self.ids.as_slice() {
            [id] if self.ids_from.is_none() && !self.has_filter() => Some(id),
            _ => None,
        }
    }

    /// Does as [`Self::filter`] for what cannot be undone: `$and` and `$or` of nothing are refused.
    pub(crate) fn filter_to_write(&self) -> Result<Option<Filter>> {
        self.filters.iter().chain(&self.documents).try_for_each(|text| Filter::refuse_empty_junctions(text))?;
        self.filter()
    }

    /// Returns the filters joined into one, if there are any.
    pub(crate) fn filter(&self) -> Result<Option<Filter>> {
        let filters = self.filters.iter().map(|text| Filter::parse(text));
        let documents = self.documents.iter().map(|text| Filter::parse_document(text));
        let all: Vec<_> = filters.chain(documents).collect::<Result<_>>()?;
        Ok((!all.is_empty()).then(|| Filter::all_of(all)))
    }
}
