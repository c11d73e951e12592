//! `huedb repair`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use huedb::error::{Error, Result};
use huedb::store::{Access, Certainty, Depth, Loss, Options, Repair as Repaired};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{Properties, bytes, count, count_of};

/// Repair a damaged file, or save what can be read
///
/// Records and embeddings are the source data; everything else in the file is derived from them. If the source data is
/// intact, a new file is made from it and replaces the damaged one. If not, nothing is replaced: `--to FILE` saves what can
/// be read to another file and lists what cannot, one record per line.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb repair
  huedb repair --to saved.redb > lost.jsonl

Exit codes:
  0 nothing was lost, 4 something was, and those of every command")]
pub(crate) struct RepairArgs {
    /// Save what can be read to this file, and leave the database alone
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    to: Option<PathBuf>,

    /// Replace the file if it exists
    #[arg(long, requires = "to")]
    force: bool,
}

impl RepairArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.require_file("repair")?;
        let db = context.db.clone();
        let options = context.options_of(&db)?;
        match self.to {
            Some(target) => {
                if is_same_file(&db, &target) {
                    let why = format!("{} is the database itself; without --to it is repaired", target.display());
                    return Err(Error::argument(why));
                }
                if !self.force && target.symlink_metadata().is_ok() {
                    return Err(Error::FileExists { path: target });
                }
                save(context, &db, &target, self.force, &options)
            }
            None => repair(context, &db, &options),
        }
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn repair(context: &mut Context, db: &Path, options: &Options) -> Result<Status> {
    if let Ok(store) = context.open_file(Access::Read)
        && context.stage("check", || store.check(None, Depth::Deep))?.is_empty()
    {
        context.printer.notice(format!("no damage found in {}", db.display()));
        return Ok(Status::Done);
    }
    let repaired = context.stage("read what can be read", || Repaired::begin(db, db, options))?;
    if !repaired.is_whole() {
        list(context, &repaired.losses)?;
        say_lost(context, db, &repaired);
        context
            .printer
            .notice("nothing was changed; `huedb repair --to FILE` writes what can be read into another file");
        return Ok(Status::Damaged);
    }
    build_graphs(context, &repaired, options)?;
    let said = amount(&repaired);
    let facts = repaired.finish(db, true, options)?;
    context.printer.notice(format!("repaired {}: {said} ({})", db.display(), bytes(facts.bytes)));
    Ok(Status::Done)
}

fn save(context: &mut Context, db: &Path, target: &Path, force: bool, options: &Options) -> Result<Status> {
    let repaired = context.stage("read what can be read", || Repaired::begin(db, target, options))?;
    build_graphs(context, &repaired, options)?;
    list(context, &repaired.losses)?;
    say_lost(context, db, &repaired);
    let (said, is_whole) = (amount(&repaired), repaired.is_whole());
    let facts = repaired.finish(db, force, options)?;
    if facts.encryption.is_none() {
        context.warn_of_plain(target);
    }
    context.printer.notice(format!("saved {said} to {} ({})", target.display(), bytes(facts.bytes)));
    Ok(if is_whole { Status::Done } else { Status::Damaged })
}

/// The graphs and clusters are made by another room than the rest.
fn build_graphs(context: &mut Context, repaired: &Repaired, options: &Options) -> Result<()> {
    let interrupt = Interrupt::listen();
    for kept in &repaired.kept {
        let store = repaired.open(&Options { scope: kept.scope.clone(), ..options.clone() })?;
        let collection = store.collection(&kept.name)?;
        if kept.had_graph {
            crate::cli::verb::index::build(context, &collection, &interrupt)?;
        }
        crate::cli::verb::index::build_clusters_if_due(context, &collection, &interrupt)?;
        store.close()?;
    }
    Ok(())
}

fn list(context: &mut Context, losses: &[Loss]) -> Result<()> {
    let lines: Vec<Properties> = losses
        .iter()
        .map(|loss| {
            let facts = Properties::new().with("collection", loss.collection.as_str()).with("id", loss.id.as_deref());
            let kept = loss.certainty == Certainty::Doubtful;
            let facts = facts.with("what", loss.what.as_str()).with("kept", kept);
            match &loss.document {
                Some(document) => facts.with("document", document.as_str()),
                None => facts,
            }
        })
        .collect();
    if lines.is_empty() { Ok(()) } else { Ok(context.list(&lines)?) }
}

fn say_lost(context: &mut Context, db: &Path, repaired: &Repaired) {
    let lost = repaired.losses.iter().filter(|loss| loss.certainty == Certainty::Lost).count() as u64;
    let doubtful = repaired.losses.len() as u64 - lost;
    if lost + doubtful > 0 {
        let (lost, doubtful) = (count_of(lost, "thing"), count(doubtful));
        context.printer.warning(format!("{}: {lost} cannot be read, {doubtful} in doubt", db.display()));
    }
}

fn amount(repaired: &Repaired) -> String {
    let records: u64 = repaired.kept.iter().map(|kept| kept.records).sum();
    format!(
        "{} of {}; pages damaged: {}, repaired: {}",
        count_of(records, "record"),
        count_of(repaired.kept.len() as u64, "collection"),
        count(repaired.damaged_pages),
        count(repaired.healed_pages)
    )
}
