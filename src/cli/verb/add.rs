//! `huedb add`, `huedb update` and `huedb upsert`: one record by flags.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::{Args, ValueHint};
use huedb::embed::Embedder;
use huedb::error::{Error, Result};
use huedb::ingest::{Ingest, OnError, Preparer, Rules, Tally};
use huedb::input::{embedding_from_json, metadata_from_json};
use huedb::record::{CollectionInfo, NewRecord, Origin, RecordId};
use huedb::store::{Access, Change, Effect, Mode, View, check_dimension, check_embedding};

use crate::cli::bulk::ingest::say_cut_documents;
use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::warn_of_deleted;
use crate::cli::process::exit::Status;
use crate::output::count;

/// Where a record of flags was read.
const FLAGS: &str = "record";

#[derive(Debug, Args)]
struct FieldsArgs {
    /// Collection
    collection: String,

    /// Document text; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    document: Option<String>,

    /// Embedding, as a JSON array of numbers; without one, the text is embedded
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    embedding: Option<String>,

    /// Metadata, as a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,

    /// URI of the original
    #[arg(long)]
    uri: Option<String>,

    /// Fail unless the collection uses this model
    #[arg(long)]
    model: Option<String>,
}

/// What a change may leave as it is.
#[derive(Debug, Args)]
struct KeepArgs {
    /// Keep the old embedding when the text changes, in a collection without a model
    #[arg(long)]
    keep_embedding: bool,
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

/// Change a record
///
/// What is not given stays as it is. Metadata is merged key by key; null deletes a key. A new text is embedded; in a
/// collection without a model, it needs --embedding or --keep-embedding. An id that does not exist is ignored, as in
/// Chroma. With --ids-from, many records get the same metadata or uri in one transaction.
#[derive(Debug, Args)]
#[command(override_usage = "huedb update [OPTIONS] <COLLECTION> --id <ID>")]
#[command(after_help = "Examples:
  huedb update notes --id a --metadata '{\"year\": 2021, \"draft\": null}'
  huedb update notes --id a --document \"a new text\"
  huedb get notes --where 'year < 2000' -o ids | huedb update notes --ids-from - --metadata '{\"old\": true}'")]
pub(crate) struct UpdateArgs {
    /// ID of the record
    #[arg(long, required_unless_present = "ids_from")]
    id: Option<String>,

    /// Change all records listed in this file, one ID per line; `-` for standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["id", "document", "embedding", "model", "keep_embedding"])]
    ids_from: Option<String>,

    #[command(flatten)]
    fields: FieldsArgs,

    #[command(flatten)]
    keep: KeepArgs,
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

impl UpdateArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        if !self.fields.gives_something() {
            return Err(Error::argument("nothing to change: give --document, --embedding, --metadata or --uri"));
        }
        if let Some(list) = &self.ids_from {
            return self.fields.update_all(context, list);
        }
        let said =
            self.fields.store(context, self.id.unwrap_or_default(), Mode::Update, false, self.keep.keep_embedding)?;
        context.printer.notice(match said {
            Tally { updated: 1, .. } => "updated 1",
            Tally { unchanged: 1, .. } => "updated 0: the record says this already",
            _ => "updated 0: no such id",
        });
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
    fn gives_something(&self) -> bool {
        self.document.is_some() || self.embedding.is_some() || self.metadata.is_some() || self.uri.is_some()
    }

    fn store(
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
        check(&row, mode, &view).map_err(|e| e.of_record(row.id.as_str()))?;
        check_keep(keep_embedding, view.info())?;
        warn_of_deleted(context, &view, &row.metadata);
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
        let batch = preparer.prepare(&view, [Ok(row)]).map_err(of_flags)?;
        drop(view);
        let store = context.open(Access::Write)?;
        let collection = store.collection(&self.collection)?;
        let mut ingest = Ingest::new(&collection, preparer);
        ingest.store(batch)?;
        let tally = ingest.tally();
        store.close()?;
        if let Some(model) = &info.embedder {
            let helps = format!("`huedb import --chunk {}` stores it in chunks", model.max_tokens);
            say_cut_documents(context, &info, &tally, &helps);
        }
        Ok(tally)
    }

    /// Gives every record of a list of ids the same metadata or uri.
    fn update_all(&self, context: &mut Context, list: &str) -> Result<Status> {
        let metadata = self.metadata.as_deref().map(metadata_from_json).transpose()?.unwrap_or_default();
        let ids = context.read_ids(list)?;
        let listed: BTreeSet<RecordId> = ids.into_iter().collect();
        warn_of_deleted(context, &context.look(&self.collection)?, &metadata);
        if listed.is_empty() {
            context.printer.notice("updated 0: the list holds no ids");
            return Ok(Status::Done);
        }
        let change = |id: RecordId| Change {
            id,
            embedding: None,
            embedded_here: false,
            document: None,
            uri: self.uri.clone(),
            metadata: metadata.clone(),
        };
        let changes = listed.into_iter().map(change);
        let effects = context.change(|store| store.collection(&self.collection)?.apply(changes, Mode::Update))?;
        let of = |effect| count(effects.iter().filter(|found| **found == effect).count() as u64);
        let (updated, unchanged, missing) = (of(Effect::Updated), of(Effect::Unchanged), of(Effect::Missing));
        context.printer.notice(format!("updated {updated}, unchanged {unchanged}, no such id {missing}"));
        Ok(Status::Done)
    }
}

/// Finds what is wrong with a record while the file is open for reading only.
fn check(row: &NewRecord, mode: Mode, view: &View) -> Result<()> {
    if let Some(embedding) = &row.embedding {
        check_embedding(embedding)?;
        check_dimension(view.info(), embedding)?;
    }
    if mode == Mode::Add {
        row.metadata.check_new()?;
    }
    let is_new = mode != Mode::Update && view.ordinal(&row.id)?.is_none();
    if is_new && row.embedding.is_none() && view.info().embedder.is_none() {
        return Err(Error::NoModel { collection: view.info().name.to_string() });
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

fn text_from_stdin(context: &Context) -> Result<String> {
    let text = context.read_stdin()?;
    if text.is_empty() {
        return Err(Error::InvalidArgument {
            why: "standard input contains no text".into(),
            hint: Some("pipe the text in, or give --document or --embedding".into()),
        });
    }
    Ok(text)
}
