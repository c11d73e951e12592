//! `huedb push` and `huedb pull` at work: one collection, or all, from an open place to another, shown and told.
//!
//! Invariant: what is told of a collection is what was done to it, and of a dry run what would be.

use std::sync::Arc;
use std::time::Instant;

use huedb::backend::Backend;
use huedb::backend::transfer::{Transfer, TransferStep, Transferred, make_scope, scopes};
use huedb::error::Result;
use huedb::record::{CollectionName, Scope};
use huedb::store::Store;

use crate::cli::arguments::shards::stays;
use crate::cli::context::command::Context;
use crate::cli::context::tidying::bytes_of;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{ProgressKind, count, count_of, duration};

const STOPPING: &str = "\nStopping after the batch at hand. Press Ctrl-C again to stop at once.\n";

/// What is to be brought where, and how it is told.
#[expect(clippy::struct_excessive_bools, reason = "each is by itself")]
pub(crate) struct Delivery {
    /// The collection; all of them where none is named.
    pub(crate) collection: Option<String>,
    /// The name that it is to have.
    pub(crate) into: Option<CollectionName>,
    /// Whether records that only the target has are deleted.
    pub(crate) prune: bool,
    /// Whether nothing is written.
    pub(crate) dry_run: bool,
    /// Whether all records are compared again at the end.
    pub(crate) verify: bool,
    /// Whether new collections are spread over shards.
    pub(crate) spreads: bool,
    /// What is done, as in `pushed`.
    pub(crate) done: &'static str,
    /// Which way, as in `to copy.redb`.
    pub(crate) way: String,
}

/// The two ends, of which a dry run may lack the second.
type Ends<'a> = (&'a dyn Backend, Option<&'a dyn Backend>);

impl Delivery {
    pub(crate) fn run(
        &self,
        context: &mut Context,
        (from, to): (Arc<dyn Backend>, Option<Arc<dyn Backend>>),
    ) -> Result<Status> {
        let interrupt = Interrupt::listen_saying(STOPPING);
        let file = to.as_ref().and_then(|to| to.file());
        let bytes_before = bytes_of(file)?;
        let mut work = || -> Result<()> {
            let ends = (from.as_ref(), to.as_deref());
            if let Some(name) = &self.collection {
                return self.one(context, name, ends, &interrupt);
            }
            let mut collections = 0;
            for scope in scopes(from.as_ref())? {
                collections += self.scope(context, scope, ends, &interrupt)?;
            }
            let said = format!("{} {} {}", self.done, count_of(collections, "collection"), self.way);
            context.printer.notice(if self.dry_run { "nothing was changed".to_owned() } else { said });
            Ok(())
        };
        let done = work();
        if done.is_ok() {
            context.tidy(file, bytes_before, 2);
        }
        to.map_or(Ok(()), Backend::close)?;
        done.map(|()| Status::Done)
    }

    /// Brings over all collections of a database; returns how many there are.
    fn scope(&self, context: &mut Context, scope: Scope, (from, to): Ends, interrupt: &Interrupt) -> Result<u64> {
        let from = from.in_scope(scope.clone());
        let to = to.map(|to| to.in_scope(scope));
        if let Some(to) = to.as_deref().filter(|_| !self.dry_run) {
            make_scope(from.as_ref(), to)?;
        }
        let collections = from.collections()?;
        for (info, _) in &collections {
            self.one(context, info.name.as_str(), (from.as_ref(), to.as_deref()), interrupt)?;
        }
        Ok(collections.len() as u64)
    }

    /// Brings over one collection.
    fn one(&self, context: &mut Context, name: &str, (from, to): Ends, interrupt: &Interrupt) -> Result<()> {
        let start = Instant::now();
        let into = self.into.clone();
        let done = match to {
            Some(to) => {
                let Self { prune, dry_run, verify, .. } = *self;
                watched(context, &Transfer { from, name, to, into, prune, dry_run, verify }, interrupt)?
            }
            None => Transferred {
                name: into.map_or_else(|| name.to_owned(), |into| into.to_string()),
                is_new: true,
                added: from.collection(name.into()).count()?,
                ..Transferred::default()
            },
        };
        let arrived = to.map_or_else(|| "there".to_owned(), |to| format!("in {}", to.place()));
        let took = if self.dry_run { String::new() } else { format!(" in {}", duration(start.elapsed())) };
        let Scope { tenant, database } = from.scope();
        let own = context.scope() == from.scope();
        let called = if own { name.to_owned() } else { format!("{tenant}/{database}/{name}") };
        context.printer.notice(self.describe((name, &called), &done, &arrived) + &took);
        if self.spreads && !done.is_new {
            context.printer.warning(stays(&done.name));
        }
        if done.kept > 0 {
            let kept = count_of(done.kept, "record");
            let what = if self.prune { "were written meanwhile" } else { "stay; --prune deletes them" };
            context.printer.notice(format!("{kept} of {}, only {arrived}, {what}", done.name));
        }
        if !done.settings.is_empty() {
            let settings = done.settings.join(", ");
            context.printer.notice(format!("{} keeps other settings {arrived}: {settings}", done.name));
        }
        match to {
            Some(to) if !self.dry_run => {
                let collection = to.collection(done.name.as_str().into());
                crate::cli::verb::index::build_if_due(context, collection.as_ref(), interrupt)
            }
            _ => Ok(()),
        }
    }

    /// Says what became of the records.
    fn describe(&self, (name, called): (&str, &str), done: &Transferred, arrived: &str) -> String {
        let into = if done.name == name { String::new() } else { format!(" as {}", done.name) };
        let (verb, way) = (self.done, &self.way);
        let counts = [
            (done.added, "added", "to add"),
            (done.replaced, "replaced", "to replace"),
            (done.unchanged, "unchanged", "unchanged"),
            (done.deleted, "deleted", "to delete"),
        ];
        let counts = counts.iter().filter(|(_, done, _)| self.prune || *done != "deleted");
        if self.dry_run {
            let counts: Vec<String> = counts.map(|(n, _, to_do)| format!("{} {to_do}", count(*n))).collect();
            let new = if done.is_new { format!(", as a new collection {arrived}") } else { String::new() };
            return format!("{called} would be {verb} {way}{into}{new}: {}", counts.join(", "));
        }
        let counts: Vec<String> = counts.map(|(n, what, _)| format!("{what} {}", count(*n))).collect();
        format!("{verb} {called} {way}{into}: {}", counts.join(", "))
    }
}

/// Runs a transfer and shows how far it is.
fn watched(context: &mut Context, transfer: &Transfer, interrupt: &Interrupt) -> Result<Transferred> {
    let mut bar = None;
    let mut sent = 0;
    let outcome = transfer.run(&mut |step| {
        let timed = |action| Some(context.printer.progress(action, ProgressKind::Time, None));
        match step {
            TransferStep::Compare => bar = timed("compare"),
            TransferStep::Send(records) => {
                bar = Some(context.printer.progress("send", ProgressKind::Rows, Some(records)));
            }
            TransferStep::Sent(records) => {
                sent += records;
                if let Some(bar) = &bar {
                    bar.add_rows(records);
                }
            }
            TransferStep::IndexWords => bar = timed("index words"),
            TransferStep::Deleted(_) => {}
            TransferStep::Verify => bar = timed("verify"),
        }
        interrupt.check()
    });
    drop(bar);
    if outcome.is_err() && sent > 0 {
        let is_in_place = transfer.to.file().is_none_or(Store::is_in_place);
        let place = transfer.to.place();
        let sent = count_of(sent, "record");
        context.printer.notice(if is_in_place {
            format!("{sent} of {} arrived in {place}; the same command goes on from there", transfer.name)
        } else {
            format!("the file {place} was removed or replaced, and the {sent} that were sent to it are lost")
        });
    }
    outcome
}
