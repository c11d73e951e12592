//! `huedb index`: build, show and drop the graph.

use std::ops::ControlFlow;
use std::time::Instant;

use clap::{Args, Subcommand};
use huedb::backend::{BuiltIndex, Records};
use huedb::error::Result;
use huedb::index::Watch;
use huedb::store::Access;

use crate::cli::context::command::Context;
use crate::cli::context::tidying::bytes_of;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{ProgressKind, Properties, count, count_of, duration};

/// Building takes far longer than moving pages, so a fifth of the file is worth it.
const TIDY_SHARE: u64 = 5;

/// Build, show or drop the indexes of a collection
///
/// Without a graph, every search scans the quantised embeddings, which is exact, and fast for a single query. The graph
/// speeds up many queries and finds nearly all of the nearest records: when it is built, its recall is measured with 500 of
/// the collection's own rows, and it is used only if it found 99 % of their ten nearest. It is stored in the same file and
/// is derived: dropping it loses nothing.
///
/// Clusters, for single questions of a million records or more, keep records that lie near one another next to one another, so that a question
/// reads a few hundredths of the file; they are measured and used likewise. An import that leaves 1,000,000 records builds them, and later
/// ones extend them.
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

/// Build the graph, or bring it up to date; from 1,000,000 records on the clusters, too
#[derive(Debug, Args)]
struct IndexBuildArgs {
    /// Collection
    collection: String,

    /// Build clusters instead, by which one question of a large collection reads a few hundredths of it
    #[arg(long, conflicts_with = "hybrid")]
    clusters: bool,

    /// Index the words of documents instead, for `query --hybrid`; later records are indexed too
    #[arg(long)]
    hybrid: bool,
}

/// Show facts about the graph and the clusters, and whether they are intact
#[derive(Debug, Args)]
struct IndexShowArgs {
    /// Collection
    collection: String,
}

/// Delete the graph, or the clusters
#[derive(Debug, Args)]
struct IndexDropArgs {
    /// Collection
    collection: String,

    /// Delete the clusters instead
    #[arg(long, conflicts_with = "hybrid")]
    clusters: bool,

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
        let place = context.open_for_bulk(Access::Write)?;
        let bytes_before = bytes_of(place.file())?;
        let collection = place.collection(self.collection.as_str().into());
        if self.hybrid {
            let start = Instant::now();
            let documents = context.stage("index words", || collection.index_documents(true))?;
            context.tidy(place.file(), bytes_before, TIDY_SHARE);
            drop(collection);
            place.close()?;
            let (documents, took) = (count_of(documents, "document"), duration(start.elapsed()));
            context.printer.notice(format!("indexed the words of {documents} of {} in {took}", self.collection));
            return Ok(Status::Done);
        }
        let interrupt = Interrupt::listen();
        if !self.clusters {
            build(context, collection.as_ref(), &interrupt)?;
        }
        if self.clusters || collection.clusters_are_due()? {
            build_clusters(context, collection.as_ref(), &interrupt)?;
        }
        context.tidy(place.file(), bytes_before, TIDY_SHARE);
        drop(collection);
        place.close()?;
        Ok(Status::Done)
    }
}

/// Builds the clusters and the graph at the end of an import, when the collection asks for them.
pub(crate) fn build_if_due(context: &mut Context, collection: &dyn Records, interrupt: &Interrupt) -> Result<()> {
    // Where clusters find enough, no graph is due.
    build_clusters_if_due(context, collection, interrupt)?;
    if collection.index_is_due()? { build(context, collection, interrupt) } else { Ok(()) }
}

/// Builds the clusters where the collection is large enough for them.
pub(crate) fn build_clusters_if_due(
    context: &mut Context,
    collection: &dyn Records,
    interrupt: &Interrupt,
) -> Result<()> {
    if collection.clusters_are_due()? { build_clusters(context, collection, interrupt) } else { Ok(()) }
}

/// Builds the clusters, or extends them.
fn build_clusters(context: &mut Context, collection: &dyn Records, interrupt: &Interrupt) -> Result<()> {
    let start = Instant::now();
    let built = watched(context, collection, interrupt, ("clusters", "build clusters"), |threads, watch| {
        collection.build_clusters(threads, watch)
    })?;
    let name = collection.name();
    context.printer.notice(match built {
        None => format!("{name} is small enough for its records to be compared one by one; it needs no clusters"),
        Some(built) => told("clusters", &name, &built, start),
    });
    Ok(())
}

/// Builds something of all records, with progress of a name and as a stage of another, until an interrupt.
fn watched(
    context: &mut Context,
    collection: &dyn Records,
    interrupt: &Interrupt,
    (name, stage): (&'static str, &'static str),
    build: impl FnOnce(usize, Watch) -> Result<Option<BuiltIndex>>,
) -> Result<Option<BuiltIndex>> {
    let progress = context.printer.progress(name, ProgressKind::Rows, Some(collection.count()?));
    let watch = |added: usize| {
        progress.add_rows(added as u64);
        if interrupt.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let work = || build(context.models.threads(), &watch);
    let done = context.timing.of(stage, work)?;
    progress.finish();
    Ok(done)
}

/// Says what was built.
fn told(what: &str, name: &str, built: &BuiltIndex, start: Instant) -> String {
    let BuiltIndex { rows, added, extended, recall, is_used } = built;
    format!(
        "{what} of {name}: {}, {} {} in {}{}{}",
        count_of(*rows, "vector"),
        if *extended { "extended by" } else { "built from" },
        count(*added),
        duration(start.elapsed()),
        recall.map(|recall| format!("; {} {:.1} % of the nearest", finds(what), recall * 100.0)).unwrap_or_default(),
        if *is_used { "" } else { "; searches compare every record instead" }
    )
}

fn finds(what: &str) -> &'static str {
    if what == "graph" { "it finds" } else { "they find" }
}

/// Builds the graph, or extends it.
pub(crate) fn build(context: &mut Context, collection: &dyn Records, interrupt: &Interrupt) -> Result<()> {
    let start = Instant::now();
    let built = watched(context, collection, interrupt, ("index", "build graph"), |threads, watch| {
        collection.build_index(threads, watch)
    })?;
    let name = collection.name();
    context.printer.notice(match built {
        None => format!("{name} has no records to build a graph of"),
        Some(built) => told("graph", &name, &built, start),
    });
    Ok(())
}

impl IndexShowArgs {
    fn run(self, context: &mut Context) -> Result<Status> {
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let Some(found) = records.index_facts()? else {
            context
                .printer
                .notice(format!("{0} has no graph; build one with `huedb index build {0}`", self.collection));
            return Ok(Status::NothingFound);
        };
        let named = Properties::new().with("collection", records.state()?.info().name.as_str());
        let facts = found.into_iter().fold(named, |facts, (name, value)| match value.as_u64() {
            Some(bytes) if name == "size" || name == "clusters_size" => facts.with_bytes(name, bytes),
            _ => facts.with(name, value),
        });
        context.facts(&facts)?;
        Ok(Status::Done)
    }
}

impl IndexDropArgs {
    fn run(self, context: &mut Context) -> Result<Status> {
        drop(context.look(&self.collection)?);
        let place = context.open(Access::Write)?;
        let records = place.collection(self.collection.as_str().into());
        if self.hybrid {
            records.index_documents(false)?;
            drop(records);
            place.close()?;
            context.printer.notice(format!("dropped the index of the words of {}", self.collection));
            return Ok(Status::Done);
        }
        if self.clusters {
            let dropped = records.drop_clusters()?;
            drop(records);
            place.close()?;
            context.printer.notice(match dropped {
                Some(rows) => format!("dropped the clusters of {} with {}", self.collection, count_of(rows, "vector")),
                None => format!("{} has no clusters", self.collection),
            });
            return Ok(Status::Done);
        }
        let dropped = records.drop_index()?;
        drop(records);
        place.close()?;
        context.printer.notice(match dropped {
            Some(rows) => {
                format!("dropped the graph of {} with {}", self.collection, count_of(rows, "vector"))
            }
            None => format!("{} has no graph", self.collection),
        });
        Ok(Status::Done)
    }
}
