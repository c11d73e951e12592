//! `huedb add` and `huedb upsert`: one record by flags. [`super::update`] has the same flags, for many as well.

use std::sync::Arc;

use clap::Args;
use huedb::backend::State;
use huedb::embed::Embedder;
use huedb::error::{Error, Result};
use huedb::ingest::{Ingest, OnError, Preparer, Rules, Tally};
use huedb::input::{embedding_from_json, metadata_from_json};
use huedb::record::{CollectionInfo, NewRecord, Origin, RecordId};
use huedb::store::{Access, Mode, check_dimension, check_embedding};

use crate::cli::bulk::ingest::say_cut_documents;
use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::warn_of_deleted;
use crate::cli::process::exit::Status;

/// Where a record of flags was read.
const FLAGS: &str = "record";

#[derive(Debug, Args)]
pub(super) struct FieldsArgs {
    /// Collection
    pub(super) collection: String,

    /// Document text; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) document: Option<String>,

    /// Embedding, as a JSON array of numbers; without one, the text is embedded
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(super) embedding: Option<String>,

    /// Metadata, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub(super) metadata: Option<String>,

    /// URI of the original
    #[arg(long)]
    pub(super) uri: Option<String>,

    /// Fail unless the collection uses this model
    #[arg(long)]
    pub(super) model: Option<String>,
}

/// What a change may leave as it is.
#[derive(Debug, Args)]
pub(super) struct KeepArgs {
    /// Keep the old embedding when the text changes, in a collection without a model
    #[arg(long)]
    pub(super) keep_embedding: bool,
}

/// Add a record
///
/// The text comes from --document or, if neither --document nor --embedding is given, from standard input. An existing id
/// is left alone, as in Chroma.
#[derive(Debug, Args)]
#[command(override_usage = "huedb add [OPTIONS] <COLLECTION> --id <ID>")]
#[command(after_help = "Examples:
  echo \"the quick brown fox\" | huedb add notes --id a
  huedb add notes --id b --document \"a lazy dog\" --metadata '{\"year\": 2021}'
  huedb add vectors --id c --embedding '[0.1, 0.2, 0.3]'")]
pub(crate) struct AddArgs {
    /// ID of the record
    #[arg(long)]
    id: String,

    #[command(flatten)]
    fields: FieldsArgs,
}

/// Add a record, or change it if it exists
///
/// The text comes from --document or, if nothing else is given, from standard input.
#[derive(Debug, Args)]
#[command(override_usage = "huedb upsert [OPTIONS] <COLLECTION> --id <ID>")]
#[command(after_help = "Examples:
  huedb upsert notes --id a --document \"the quick red fox\" --metadata '{\"year\": 2022}'")]
pub(crate) struct UpsertArgs {
    /// ID of the record
    #[arg(long)]
    id: String,

    #[command(flatten)]
    fields: FieldsArgs,

    #[command(flatten)]
    keep: KeepArgs,
}

impl AddArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let from_stdin = self.fields.document.is_none() && self.fields.embedding.is_none();
        let said = self.fields.store(context, self.id, Mode::Add, from_stdin, false)?;
        context.printer.notice(if said.added > 0 { "added 1" } else { "added 0: the id exists" });
        Ok(Status::Done)
    }
}

impl UpsertArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let from_stdin = !self.fields.gives_something();
        let said = self.fields.store(context, self.id, Mode::Upsert, from_stdin, self.keep.keep_embedding)?;
        context.printer.notice(match said {
            Tally { added: 1, .. } => "added 1",
            Tally { updated: 1, .. } => "updated 1",
            _ => "updated 0: the record says this already",
        });
        Ok(Status::Done)
    }
}

impl FieldsArgs {
    pub(super) fn gives_something(&self) -> bool {
        self.document.is_some() || self.embedding.is_some() || self.metadata.is_some() || self.uri.is_some()
    }

    pub(super) fn store(
        &self,
        context: &mut Context,
        id: String,
        mode: Mode,
        from_stdin: bool,
        keep_embedding: bool,
    ) -> Result<Tally> {
        let row = NewRecord {
            id: RecordId::parse(id)?,
            embedding: self.embedding.as_deref().map(|json| embedding_from_json(json, "--embedding")).transpose()?,
            embedded_here: false,
            document: match self.document.as_deref() {
                Some("-") => Some(text_from_stdin(context)?),
                None if from_stdin => Some(text_from_stdin(context)?),
                given => given.map(str::to_owned),
            },
            uri: self.uri.clone(),
            metadata: self.metadata.as_deref().map(metadata_from_json).transpose()?.unwrap_or_default(),
            part: None,
            origin: Origin { source: Arc::from(FLAGS), line: 0 },
        };
        let view = context.look(&self.collection)?;
        check(&row, mode, view.as_ref()).map_err(|e| e.of_record(row.id.as_str()))?;
        check_keep(keep_embedding, view.info())?;
        warn_of_deleted(context, view.as_ref(), &row.metadata);
        let info = view.info().clone();
        let may_embed = row.document.is_some() && (row.embedding.is_none() || info.sparse.is_some());
        let embedder: Option<Arc<dyn Embedder>> = if self.model.is_some() || (may_embed && info.embedder.is_some()) {
            Some(context.embedder(&info, self.model.as_deref())?)
        } else {
            None
        };
        let embedder = embedder.as_deref();
        let rules = Rules { keep_embedding, ..Rules::default() };
        let mut preparer = Preparer::new(&info, embedder, mode, OnError::Stop)?.following(rules);
        let batch = preparer.prepare(view.as_ref(), [Ok(row)]).map_err(of_flags)?;
        drop(view);
        let place = context.open(Access::Write)?;
        let records = place.collection(self.collection.as_str().into());
        let mut ingest = Ingest::new(records.as_ref(), preparer);
        ingest.store(batch)?;
        let tally = ingest.tally();
        drop(records);
        place.close()?;
        if let Some(model) = &info.embedder {
            let helps = format!("`huedb import --chunk {}` stores it in chunks", model.max_tokens);
            say_cut_documents(context, &info, &tally, &helps);
        }
        Ok(tally)
    }
}

/// Finds what is wrong with a record while the file is open for reading only.
fn check(row: &NewRecord, mode: Mode, state: &dyn State) -> Result<()> {
    if let Some(embedding) = &row.embedding {
        check_embedding(embedding)?;
        check_dimension(state.info(), embedding)?;
    }
    if mode == Mode::Add {
        row.metadata.check_new()?;
    }
    let is_new = mode != Mode::Update && !state.exists(&row.id)?;
    if is_new && row.embedding.is_none() && state.info().embedder.is_none() {
        return Err(Error::NoModel { collection: state.info().name.to_string() });
    }
    Ok(())
}

/// Names a record of flags alone, which no file or line has.
fn of_flags(error: Error) -> Error {
    match error {
        Error::BadRow { source, line: 0, why, hint } if source == FLAGS => Error::InvalidArgument { why, hint },
        other => other,
    }
}

/// Refuses to keep what a model makes anew.
pub(crate) fn check_keep(keep_embedding: bool, collection: &CollectionInfo) -> Result<()> {
    match &collection.embedder {
        Some(model) if keep_embedding => Err(Error::InvalidArgument {
            why: format!(
                "--keep-embedding is for collections without a model; {} has {}",
                collection.name, model.model
            ),
            hint: Some("leave it out: a new text is embedded".into()),
        }),
        _ => Ok(()),
    }
}

pub(super) fn text_from_stdin(context: &Context) -> Result<String> {
    let text = context.read_stdin()?;
    if text.is_empty() {
        return Err(Error::InvalidArgument {
            why: "standard input contains no text".into(),
            hint: Some("pipe the text in, or give --document or --embedding".into()),
        });
    }
    Ok(text)
}
