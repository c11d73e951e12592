//! `huedb list`.

use clap::Args;
use huedb::error::Result;
use huedb::store::Access;

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::collection_line;

/// List the collections of the database by name
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Maximum number of collections
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,

    /// Skip the first N collections
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
}

impl ListArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let collections = context.open(Access::Read)?.collections()?;
        let page = collections.iter().skip(self.offset).take(self.limit.unwrap_or(usize::MAX));
        let lines: Vec<_> = page.map(|(info, counts)| collection_line(info, counts)).collect();
        if collections.is_empty() {
            context.printer.notice("no collections yet; create one with `huedb create NAME`");
        } else {
            context.list(&lines)?;
        }
        Ok(Status::Done)
    }
}
