//! `huedb compact`.

use clap::Args;

use super::context::Context;
use super::exit::Status;
use crate::output::bytes;
use crate::store::Access;

/// Give free space back, and make deleted text unreadable
///
/// Deleted records leave free space in the file, which later records use. This moves what is there together, shortens
/// the file, and overwrites what was deleted. Other commands on the file wait until it is done; a kill in the middle
/// loses nothing, but the next command then reads the whole file once.
#[derive(Debug, Args)]
pub(super) struct Compact {}

impl Compact {
    pub(super) fn run(context: &mut Context) -> anyhow::Result<Status> {
        drop(context.open(Access::Read)?);
        let mut store = context.open_for_bulk(Access::Write)?;
        let compacted = context.stage("compact", || store.compact())?;
        store.close()?;
        context.printer.notice(format!("{} before, {} after", bytes(compacted.before), bytes(compacted.after)));
        Ok(Status::Done)
    }
}
