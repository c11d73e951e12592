//! `huedb drop`.

use clap::Args;
use huedb::error::Result;

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::count_of;

/// Delete a collection and all its records
///
/// On a terminal, asks first.
#[derive(Debug, Args)]
pub(crate) struct DropArgs {
    /// Collection
    collection: String,

    /// Drop without asking
    #[arg(long)]
    force: bool,
}

impl DropArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let view = context.look(&self.collection)?;
        let (name, records) = (view.info().name.clone(), view.counts().records);
        drop(view);
        if !self.force && !context.confirm(&format!("Drop {name} with {}?", count_of(records, "record")))? {
            context.printer.notice(format!("kept {name}"));
            return Ok(Status::Done);
        }
        let (info, counts) = context.change(|place| place.drop_collection(&self.collection))?;
        context.printer.notice(format!("dropped {} with {}", info.name, count_of(counts.records, "record")));
        Ok(Status::Done)
    }
}
