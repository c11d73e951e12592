//! `huedb drop`.

use clap::Args;
use huedb::error::Result;

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::count_of;

/// Delete a collection and all its records
#[derive(Debug, Args)]
pub(crate) struct DropArgs {
    /// Collection
    collection: String,
}

impl DropArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        drop(context.look(&self.collection)?);
        let (info, counts) = context.change(|store| store.drop_collection(&self.collection))?;
        context.printer.notice(format!("dropped {} with {}", info.name, count_of(counts.records, "record")));
        Ok(Status::Done)
    }
}
