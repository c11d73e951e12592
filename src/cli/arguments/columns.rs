//! Which columns are printed, and in what order: `--columns`.

use clap::Args;
use huedb::backend::State;
use huedb::error::{Error, Result};
use huedb::record::check_key;
use huedb::store::Include;

use super::did_you_mean::nearest;
use crate::output::{RecordColumn, RecordColumns};

#[derive(Debug, Args)]
pub(crate) struct ColumnArgs {
    /// Columns to print, in this order: parts of a record or metadata keys
    ///
    /// The parts are id, document, metadata, uri and embedding, for hits also distance (score with --hybrid or --rerank) and, in a
    /// batch, query. Any other name is a metadata key, which gets a column of its own; `metadata.KEY` is always a key, even
    /// if it is named like a part. Put a key that contains a comma in double quotes. In JSON, columns are fields.
    #[arg(id = "columns", long, value_name = "NAMES")]
    names: Vec<String>,
}

impl ColumnArgs {
    /// Returns the columns asked for, each of which is one of `parts` or a metadata key of the collection, if any were.
    pub(crate) fn of(&self, state: &dyn State, parts: &RecordColumns) -> Result<Option<RecordColumns>> {
        let names = self.split()?;
        if names.is_empty() {
            return Ok(None);
        }
        let columns: RecordColumns = names.iter().map(|name| RecordColumn::named(name)).collect();
        let has_keys = columns.iter().any(|column| matches!(column, RecordColumn::Key(_)));
        let keys = if has_keys { state.metadata_keys()? } else { Vec::new() };
        for column in &columns {
            match column {
                RecordColumn::Key(key) => check_known(state, key, &keys, parts)?,
                part if parts.contains(part) => {}
                part => return Err(no_such_part(&part.name(), parts)),
            }
        }
        Ok(Some(columns))
    }

    /// Returns whether any were asked for.
    pub(crate) fn are_chosen(&self) -> bool {
        !self.names.is_empty()
    }

    /// Splits at commas as csv does, so that a key may hold one.
    fn split(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for text in &self.names {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            for line in reader.records() {
                let line = line.map_err(|_| Error::argument(format!("{text:?} is not a list of columns")))?;
                names.extend(line.iter().map(|name| name.trim().to_owned()));
            }
        }
        if names.iter().any(String::is_empty) || (names.is_empty() && !self.names.is_empty()) {
            return Err(Error::argument("a column of --columns has no name"));
        }
        Ok(names)
    }
}

/// Returns a metadata key, if records have it.
pub(crate) fn known_key(state: &dyn State, key: String) -> Result<String> {
    check_known(state, &key, &state.metadata_keys()?, &RecordColumns::none())?;
    Ok(key)
}

fn check_known(state: &dyn State, key: &str, keys: &[String], parts: &RecordColumns) -> Result<()> {
    check_key(key)?;
    // Of no records nothing can be said.
    let is_known = state.has_no_records() || keys.iter().any(|known| known == key);
    if is_known { Ok(()) } else { Err(unknown(key, parts, keys)) }
}

/// Returns what is to be read to print these columns.
pub(crate) fn needed(columns: &RecordColumns) -> Include {
    Include {
        documents: columns.contains(&RecordColumn::Document),
        metadatas: columns.iter().any(|column| matches!(column, RecordColumn::Metadata | RecordColumn::Key(_))),
        uris: columns.contains(&RecordColumn::Uri),
        embeddings: columns.contains(&RecordColumn::Embedding),
    }
}

fn list(parts: &RecordColumns) -> String {
    parts.iter().map(RecordColumn::name).collect::<Vec<_>>().join(", ")
}

fn no_such_part(name: &str, parts: &RecordColumns) -> Error {
    Error::InvalidArgument {
        why: format!("no column {name} here"),
        hint: Some(
            format!("there are {}, and metadata keys; a key of that name is metadata.{name}", list(parts)).into(),
        ),
    }
}

fn unknown(key: &str, parts: &RecordColumns, keys: &[String]) -> Error {
    const MOST_KEYS: usize = 20;
    let parts_and_keys = parts.iter().map(|part| part.name().into_owned()).chain(keys.iter().cloned());
    let meant = nearest(key, parts_and_keys).map_or(String::new(), |name| format!("did you mean {name}? "));
    let shown = keys.iter().take(MOST_KEYS).map(String::as_str).chain((keys.len() > MOST_KEYS).then_some("..."));
    let keys = match keys {
        [] => "no metadata keys".to_owned(),
        _ => format!("the metadata keys {}", shown.collect::<Vec<_>>().join(", ")),
    };
    let parts = list(parts);
    let parts = if parts.is_empty() { parts } else { parts + ", and " };
    Error::InvalidArgument {
        why: format!("no record has the metadata key {key:?}"),
        hint: Some(format!("{meant}there are {parts}{keys}").into()),
    }
}
