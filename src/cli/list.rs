//! `huedb list`.

use clap::Args;

use super::context::Context;
use super::exit::Status;
use crate::output::collection_line;
use crate::store::Access;

/// List the collections of the file
#[derive(Debug, Args)]
pub(super) struct List {}

impl List {
    pub(super) fn run(context: &mut Context) -> anyhow::Result<Status> {
        let collections = context.open(Access::Read)?.collections()?;
        let lines: Vec<_> = collections.iter().map(|(info, counts)| collection_line(info, counts)).collect();
        if lines.is_empty() {
            context.printer.notice("no collections yet; make one with `huedb create NAME`");
        } else {
            context.list(&lines)?;
        }
        Ok(Status::Done)
    }
}
