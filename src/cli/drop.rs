//! `huedb drop`.

use clap::Args;

use super::context::Context;
use super::exit::Status;
use crate::output::count_of;
use crate::store::Access;

/// Remove a collection with all its records
#[derive(Debug, Args)]
pub(super) struct Drop {
    /// The collection
    collection: String,
}

impl Drop {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        drop(context.look(&self.collection)?);
        let store = context.open(Access::Write)?;
        let (info, counts) = store.drop_collection(&self.collection)?;
        store.close()?;
        context.printer.notice(format!("dropped {} with {}", info.name, count_of(counts.records, "record")));
        Ok(Status::Done)
    }
}
