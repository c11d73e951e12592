//! `huedb reembed`.

use std::time::Instant;

use clap::{ArgGroup, Args};
use huedb::embed::{DeferredEmbedder, Embedder, fingerprint};
use huedb::error::{Error, Result};
use huedb::ingest::{OnError, reembed_leaving_out};
use huedb::record::CollectionInfo;
use huedb::store::{Access, Collection, Reembedded, Store};

use crate::cli::arguments::one_of;
use crate::cli::bulk::ingest::say_cut;
use crate::cli::context::command::Context;
use crate::cli::context::timing::TimedEmbedder;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{ProgressKind, count, duration};

/// Re-embed a collection with a different model
///
/// Searches use the old model until every document is embedded, then all switch to the new one in one transaction.
/// Documents added or changed in the meantime are embedded too; no other process waits. An interrupted run is continued by
/// the same command. Documents and metadata stay as they are, embeddings that were given are replaced, and a graph is
/// rebuilt. Every record needs a document that the model can embed. `huedb compact` frees the space of the old embeddings.
#[derive(Debug, Args)]
#[command(override_usage = "huedb reembed [OPTIONS] <COLLECTION> --model <MODEL>
       huedb reembed [OPTIONS] <COLLECTION> --discard")]
#[command(group = ArgGroup::new("what").required(true).args(["model", "discard"]))]
#[command(after_help = "Examples:
  huedb reembed notes --model e5-small
  huedb reembed notes --discard")]
pub(crate) struct ReembedArgs {
    /// Collection
    collection: String,

    /// New model: a name from `huedb model list`, or a folder
    #[arg(long)]
    model: Option<String>,

    /// Prefix for queries [default: that of the model]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, requires = "model")]
    query_prefix: Option<String>,

    /// Prefix for documents [default: that of the model]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, requires = "model")]
    document_prefix: Option<String>,

    /// What to do with a document that the model cannot embed; skip gives its record a zero embedding
    #[arg(long, value_parser = one_of!(OnError), value_name = "ACTION", default_value = "stop")]
    on_error: OnError,

    /// Discard the progress of an interrupted run
    #[arg(long)]
    discard: bool,
}

impl ReembedArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.require_file("reembed")?;
        let Some(model) = self.model else { return discard(context, &self.collection) };
        let view = context.look_into_file(&self.collection)?;
        let info = view.info().clone();
        let (had_graph, records) = (view.graph().is_some(), view.counts().records);
        drop(view);
        let mut new = fingerprint(&model, &context.models)?;
        new.query_prefix = self.query_prefix.unwrap_or(new.query_prefix);
        new.document_prefix = self.document_prefix.unwrap_or(new.document_prefix);
        if info.embedder.as_ref() == Some(&new) {
            context.printer.notice(format!("{} is embedded by {} already", info.name, new.model));
            return Ok(Status::Done);
        }
        let start = Instant::now();
        let interrupt = Interrupt::listen();
        let store = context.open_file_for_bulk(Access::Write)?;
        let collection = store.collection(&self.collection)?;
        let embedder = context.timed(DeferredEmbedder::new(&model, new.clone(), context.models.clone()));
        let reembedded = run(context, &collection, &embedder, records, self.on_error, &interrupt);
        let reembedded = match reembedded {
            Ok(reembedded) => reembedded,
            Err(error) => {
                say_how_far(context, &store, &self.collection);
                store.close()?;
                return Err(error);
            }
        };
        context.printer.notice(format!(
            "{} is embedded by {} ({} dimensions): documents {}, embedded {} in {}",
            info.name,
            new.model,
            new.dimension,
            count(reembedded.records),
            count(reembedded.embedded),
            duration(start.elapsed())
        ));
        let helps = format!("import them again with `huedb import --chunk {}`", new.max_tokens);
        say_cut(context, (reembedded.cut, reembedded.embedded), new.max_tokens, &helps);
        if had_graph {
            crate::cli::verb::index::build(context, &collection, &interrupt)?;
        }
        crate::cli::verb::index::build_if_due(context, &collection, &interrupt)?;
        store.close()?;
        Ok(Status::Done)
    }
}

fn run(
    context: &mut Context,
    collection: &Collection,
    embedder: &TimedEmbedder,
    records: u64,
    on_error: OnError,
    interrupt: &Interrupt,
) -> Result<Reembedded> {
    let progress = context.printer.progress("reembed", ProgressKind::Rows, Some(records));
    let (mut shown, mut said_engine) = (0, false);
    let mut left_out = Vec::new();
    let mut leave_out = |error| match on_error {
        OnError::Stop => Err(error),
        OnError::Skip => {
            left_out.push(error);
            Ok(())
        }
    };
    let done = reembed_leaving_out(collection, embedder, &mut leave_out, &mut |so_far| {
        progress.add_rows(so_far.done.saturating_sub(shown));
        shown = shown.max(so_far.done);
        if so_far.embedded > 0 && !said_engine {
            said_engine = true;
            progress.suspend(|| context.say_engine(embedder.fingerprint()));
        }
        interrupt.check()
    });
    progress.finish();
    for error in left_out {
        context.printer.warning(format!("{error}; its embedding is zeros now"));
    }
    done
}

/// Says what a run that stopped leaves behind, where it is known.
fn say_how_far(context: &mut Context, store: &Store, name: &str) {
    let Ok(view) = store.view(name) else { return };
    let Some(next) = view.next_embedder() else { return };
    let Reembedded { done, records, .. } = view.reembedded(0);
    let old = |info: &CollectionInfo| info.embedder.as_ref().map_or("no model".to_owned(), |old| old.model.clone());
    context.printer.notice(format!(
        "{} of {} documents are embedded by {}; the same command goes on from there, and {name} is searched with {} \
         until then",
        count(done),
        count(records),
        next.model,
        old(view.info())
    ));
}

fn discard(context: &mut Context, name: &str) -> Result<Status> {
    if context.look_into_file(name)?.next_embedder().is_none() {
        return Err(Error::argument(format!("no interrupted reembed of {name}")));
    }
    let discarded = {
        let store = context.open_file(Access::Write)?;
        let discarded = store.collection(name)?.discard_reembedding()?;
        store.close()?;
        discarded
    };
    let model = discarded.map_or("nothing".to_owned(), |model| format!("the embeddings by {}", model.model));
    context.printer.notice(format!("discarded {model}"));
    Ok(Status::Done)
}
