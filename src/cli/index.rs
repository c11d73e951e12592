//! `huedb index`.
use super::context::Context;
use super::exit::Status;
use crate::store::Collection;
use clap::Args;
/// temporary
#[derive(Debug, Args)]
pub(super) struct Index {
    /// x
    collection: String,
}
impl Index {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Status> {
        Ok(Status::Done)
    }
}
pub(super) fn build_if_due(_context: &mut Context, _collection: &Collection) -> crate::error::Result<()> {
    Ok(())
}
