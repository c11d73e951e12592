//! `huedb index`: build, show and drop the graph.

use std::ops::ControlFlow;
use std::time::Instant;

use clap::{Args, Subcommand};
use huedb::error::Result;
use huedb::index::{Built, build_graph, graph_is_due, walk_graph};
use huedb::store::{Access, Collection};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{ProgressKind, Properties, count, count_of, duration};

/// Building takes far longer than moving pages, so a fifth of the file is worth it.
const TIDY_SHARE: u64 = 5;

/// Build, show or drop the graph index of a collection
///
/// Without a graph, every search scans the quantised embeddings, which is exact, and fast for a single query. The graph
/// speeds up many queries and finds nearly all of the nearest records: when it is built, its recall is measured with 500 of
/// the collection's own rows, and it is used only if it found 99 % of their ten nearest. It is stored in the same file and
/// is derived: dropping it loses nothing.
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    verb: IndexVerb,
}

#[derive(Debug, Subcommand)]
enum IndexVerb {
    Build(IndexBuildArgs),
    Show(IndexShowArgs),
    Drop(IndexDropArgs),
}

/// Build the graph, or bring it up to date
#[derive(Debug, Args)]
struct IndexBuildArgs {
    /// Collection
    collection: String,

    /// Index the words of documents instead, for `query --hybrid`; later records are indexed too
    #[arg(long)]
    hybrid: bool,
}

/// Show facts about the graph and whether it is intact
#[derive(Debug, Args)]
struct IndexShowArgs {
    /// Collection
    collection: String,
}

/// Delete the graph
#[derive(Debug, Args)]
struct IndexDropArgs {
    /// Collection
    collection: String,

    /// Delete the word index instead
    #[arg(long)]
    hybrid: bool,
}

impl IndexArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        match self.verb {
            IndexVerb::Build(verb) => verb.run(context),
            IndexVerb::Show(verb) => verb.run(context),
            IndexVerb::Drop(verb) => verb.run(context),
        }
    }
}

impl IndexBuildArgs {
    fn run(self, context: &mut Context) -> Result<Status> {
        drop(context.look(&self.collection)?);
        let mut store = context.open_for_bulk(Access::Write)?;
        let bytes_before = store.file_bytes()?;
        let collection = store.collection(&self.collection)?;
        if self.hybrid {
            let start = Instant::now();
            let documents = context.stage("index words", || collection.index_documents(true))?;
            context.tidy(&mut store, bytes_before, TIDY_SHARE);
            store.close()?;
            let (documents, took) = (count_of(documents, "document"), duration(start.elapsed()));
            context.printer.notice(format!("indexed the words of {documents} of {} in {took}", self.collection));
            return Ok(Status::Done);
        }
        let interrupt = Interrupt::listen();
        build(context, &collection, &interrupt)?;
        context.tidy(&mut store, bytes_before, TIDY_SHARE);
        store.close()?;
        Ok(Status::Done)
    }
}

/// Builds the graph at the end of an import, when the collection asks for one.
pub(crate) fn build_if_due(context: &mut Context, collection: &Collection, interrupt: &Interrupt) -> Result<()> {
    if graph_is_due(&collection.view()?) { build(context, collection, interrupt) } else { Ok(()) }
}

/// Builds the graph, or extends it.
pub(crate) fn build(context: &mut Context, collection: &Collection, interrupt: &Interrupt) -> Result<()> {
    let start = Instant::now();
    let progress = context.printer.progress("index", ProgressKind::Rows, Some(collection.count()?));
    let watch = |added: usize| {
        progress.add_rows(added as u64);
        if interrupt.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let work = || build_graph(collection, context.models.threads(), &watch);
    let built = context.timing.of("build graph", work)?;
    progress.finish();
    let name = collection.name();
    context.printer.notice(match built {
        None => format!("{name} has no records to build a graph of"),
        Some(Built { graph, added, extended }) => format!(
            "graph of {name}: {}, {} {} in {}; it finds {:.1} % of the nearest{}",
            count_of(graph.rows, "vector"),
            if extended { "extended by" } else { "built from" },
            count(added),
            duration(start.elapsed()),
            graph.recall.unwrap_or_default() * 100.0,
            if graph.is_good() { "" } else { ", too few to be used" }
        ),
    });
    Ok(())
}

impl IndexShowArgs {
    fn run(self, context: &mut Context) -> Result<Status> {
        let view = context.open(Access::Read)?.view(&self.collection)?;
        let Some(graph) = view.graph() else {
            context
                .printer
                .notice(format!("{0} has no graph; build one with `huedb index build {0}`", self.collection));
            return Ok(Status::NothingFound);
        };
        let state = match walk_graph(&view, 1) {
            Ok(_) => "whole".to_owned(),
            Err(error) => error.to_string(),
        };
        let facts = Properties::new()
            .with("collection", view.info().name.as_str())
            .with("vectors", graph.rows)
            .with("not_covered", view.end().0.saturating_sub(graph.covers_until))
            .with("out_of_date", view.stale()?.len())
            .with("deleted", view.dead().range_cardinality(..graph.covers_until))
            .with("recall", graph.recall.map_or_else(|| "not measured".to_owned(), |recall| format!("{recall:.4}")))
            .with_bytes("size", graph.bytes)
            .with("chunks", graph.chunks)
            .with("build", graph.epoch)
            .with("ef_construction", view.info().hnsw.ef_construction)
            .with("ef_search", view.info().hnsw.ef_search)
            .with("max_neighbors", view.info().hnsw.max_neighbors)
            .with("state", state);
        context.facts(&facts)?;
        Ok(Status::Done)
    }
}

impl IndexDropArgs {
    fn run(self, context: &mut Context) -> Result<Status> {
        drop(context.look(&self.collection)?);
        let store = context.open(Access::Write)?;
        if self.hybrid {
            store.collection(&self.collection)?.index_documents(false)?;
            store.close()?;
            context.printer.notice(format!("dropped the index of the words of {}", self.collection));
            return Ok(Status::Done);
        }
        let dropped = store.collection(&self.collection)?.drop_graph()?;
        store.close()?;
        context.printer.notice(match dropped {
            Some(graph) => {
                format!("dropped the graph of {} with {}", self.collection, count_of(graph.rows, "vector"))
            }
            None => format!("{} has no graph", self.collection),
        });
        Ok(Status::Done)
    }
}
