//! `huedb update`: one record by flags, or the same change to many.
//!
//! Invariant: many are changed in one transaction, each only if it still passes the filter then.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::Args;
use huedb::embed::{Embedder, TextRole};
use huedb::error::{Error, Result};
use huedb::ingest::Tally;
use huedb::input::metadata_from_json;
use huedb::query::RecordQuery;
use huedb::record::{RecordId, SparseVector, Value};
use huedb::store::{Change, Effect, Mode};

use super::add::{FieldsArgs, KeepArgs, check_keep, text_from_stdin};
use crate::cli::arguments::filter::FilterArgs;
use crate::cli::bulk::ingest::say_cut;
use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::{warn_of_deleted, warn_of_filter};
use crate::cli::process::exit::Status;
use crate::output::count;

/// Change records
///
/// What is not given stays as it is. Metadata is merged key by key; null deletes a key. A new text is embedded; in a
/// collection without a model, it needs --embedding or --keep-embedding. An id that does not exist is ignored, as in
/// Chroma. With --where, --where-document, --ids-from or several --id, all records that match get the same change, in one
/// transaction; a record must match both the ids and the filters.
#[derive(Debug, Args)]
#[command(override_usage = "huedb update [OPTIONS] <COLLECTION> <--id <ID>|--ids-from <FILE>|--where <FILTER>>")]
#[command(after_help = "Examples:
  huedb update notes --id a --metadata '{\"year\": 2021, \"draft\": null}'
  huedb update notes --id a --document \"a new text\"
  huedb update notes --where 'year < 2000' --metadata '{\"old\": true}' --dry-run
  huedb query notes \"spam\" -n 100 -o ids | huedb update notes --ids-from - --metadata '{\"spam\": true}'")]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    conditions: FilterArgs,

    #[command(flatten)]
    fields: FieldsArgs,

    #[command(flatten)]
    keep: KeepArgs,

    /// Say which records would be changed, and change none
    #[arg(long)]
    dry_run: bool,
}

impl UpdateArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        if self.conditions.is_empty() {
            return Err(Error::InvalidArgument {
                why: "which records to change was not specified".into(),
                hint: Some("give --id, --ids-from, --where or --where-document".into()),
            });
        }
        if !self.fields.gives_something() {
            return Err(Error::argument("nothing to change: give --document, --embedding, --metadata or --uri"));
        }
        match self.conditions.only_id().filter(|_| !self.dry_run) {
            Some(id) => self.update_one(context, id),
            None => self.update_all(context),
        }
    }

    fn update_one(&self, context: &mut Context, id: &str) -> Result<Status> {
        let keep_embedding = self.keep.keep_embedding;
        let said = self.fields.store(context, id.to_owned(), Mode::Update, false, keep_embedding)?;
        context.printer.notice(match said {
            Tally { updated: 1, .. } => "updated 1",
            Tally { unchanged: 1, .. } => "updated 0: the record says this already",
            _ => "updated 0: no such id",
        });
        Ok(Status::Done)
    }

    fn update_all(&self, context: &mut Context) -> Result<Status> {
        let fields = &self.fields;
        if fields.embedding.is_some() && self.conditions.only_id().is_none() {
            return Err(Error::InvalidArgument {
                why: "--embedding is for one record; many would lie at one point".into(),
                hint: Some("name one --id, or give --document alone, which is embedded".into()),
            });
        }
        if fields.document.as_deref() == Some("-") {
            self.conditions.leaves_stdin("--document -")?;
        }
        let mut metadata = fields.metadata.as_deref().map(metadata_from_json).transpose()?.unwrap_or_default();
        let ids = self.conditions.ids(context)?.map(|ids| ids.into_iter().collect::<BTreeSet<RecordId>>());
        let listed = ids.as_ref().map_or(0, BTreeSet::len);
        let query = RecordQuery {
            ids: ids.map(|ids| ids.into_iter().collect()),
            filter: self.conditions.filter_to_write()?,
            ..RecordQuery::default()
        };
        let view = context.look(&fields.collection)?;
        check_keep(self.keep.keep_embedding, view.info())?;
        warn_of_filter(context, view.as_ref(), query.filter.as_ref());
        warn_of_deleted(context, view.as_ref(), &metadata);
        let info = view.info().clone();
        drop(view);
        if query.ids.as_ref().is_some_and(Vec::is_empty) {
            context.printer.notice("updated 0: the list holds no ids");
            return Ok(Status::Done);
        }
        if self.dry_run {
            return context.say_what_would_be("updated", &fields.collection, &query);
        }
        let document = match fields.document.as_deref() {
            Some("-") => Some(text_from_stdin(context)?),
            given => given.map(str::to_owned),
        };
        let model = if fields.model.is_some() || (document.is_some() && info.embedder.is_some()) {
            Some(context.embedder(&info, fields.model.as_deref())?)
        } else {
            None
        };
        let embedding = embedded(context, model.as_ref(), document.as_deref())?;
        if let (Some(sparse), Some(model), Some(document)) = (&info.sparse, &model, &document)
            && !metadata.contains(&sparse.key)
        {
            metadata.insert(sparse.key.as_str(), weights(model.as_ref(), document)?.map(Value::Sparse))?;
        }
        let change = |id: RecordId| Change {
            id,
            embedding: embedding.clone(),
            embedded_here: embedding.is_some(),
            document: document.clone(),
            uri: fields.uri.clone(),
            metadata: metadata.clone(),
        };
        let made_by = model.as_ref().filter(|_| embedding.is_some()).map(Embedder::fingerprint);
        let keep = self.keep.keep_embedding;
        let effects = context.change(|place| {
            place.collection(fields.collection.as_str().into()).update_where(&query, &change, keep, made_by)
        })?;
        let of = |effect| effects.iter().filter(|found| **found == effect).count();
        let (updated, unchanged) = (count(of(Effect::Updated) as u64), count(of(Effect::Unchanged) as u64));
        let said = format!("updated {updated}, unchanged {unchanged}");
        context.printer.notice(if query.filter.is_some() {
            said
        } else {
            let missing = listed - effects.len() + of(Effect::Missing);
            format!("{said}, no such id {}", count(missing as u64))
        });
        Ok(Status::Done)
    }
}

/// Weighs the terms of the document that all records get, once, for a collection with a sparse model.
fn weights(model: &dyn Embedder, document: &str) -> Result<Option<SparseVector>> {
    let Some(sparse) = model.sparse()? else { return Ok(None) };
    Ok(sparse.embed(&[document], TextRole::Document)?.vectors.into_iter().next())
}

/// Embeds the document that all records get, once.
fn embedded(
    context: &mut Context,
    model: Option<&Arc<dyn Embedder>>,
    document: Option<&str>,
) -> Result<Option<Vec<f32>>> {
    let Some((model, document)) = model.zip(document) else { return Ok(None) };
    let made = model.embed(&[document], TextRole::Document)?;
    let most = model.fingerprint().max_tokens;
    let cut = u64::from(!made.truncated.is_empty());
    say_cut(context, (cut, 1), most, &format!("`huedb import --chunk {most}` stores it in chunks"));
    Ok(made.vectors.into_iter().next())
}
