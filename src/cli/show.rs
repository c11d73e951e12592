//! `huedb show`.

use clap::Args;

use super::context::Context;
use super::exit::Status;
use crate::output::collection_facts;
use crate::store::Access;

/// Show everything known about a collection
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The collection
    collection: String,
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let view = context.open(Access::Read)?.view(&self.collection)?;
        context.facts(&collection_facts(view.info(), &view.counts()))?;
        Ok(Status::Done)
    }
}
