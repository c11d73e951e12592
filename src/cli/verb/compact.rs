//! `huedb compact`.

use huedb::error::Result;
use std::time::Instant;

use clap::Args;
use huedb::store::Access;

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::{bytes, duration};

/// Shrink the file and make deleted text unrecoverable
///
/// Deleted records leave free space in the file, which later records reuse. This moves the live data together, shortens the
/// file and overwrites what was deleted. Other commands on the file wait until it is done. Killing it loses nothing, but
/// the next command then has to read the whole file once.
#[derive(Debug, Args)]
pub(crate) struct CompactArgs {}

impl CompactArgs {
    pub(crate) fn run(context: &mut Context) -> Result<Status> {
        context.require_file("compact")?;
        drop(context.open_file(Access::Read)?);
        let store = context.open_file_for_bulk(Access::Write)?;
        let start = Instant::now();
        let compacted = context.stage("compact", || store.compact())?;
        store.close()?;
        // Closing writes what the next to open needs.
        let after = std::fs::metadata(&context.db).map_or(compacted.after, |facts| facts.len());
        let (before, after) = (bytes(compacted.before), bytes(after));
        context.printer.notice(format!("{before} before, {after} after, in {}", duration(start.elapsed())));
        Ok(Status::Done)
    }
}
