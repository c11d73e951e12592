//! `huedb show`.

use clap::Args;

use super::context::Context;
use super::exit::Status;
use crate::output::{Format, chroma_collection, collection_facts};
use crate::store::Access;

/// Show everything known about a collection
///
/// As JSON: the object Chroma's server returns for a collection, with what only huedb knows under `huedb`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The collection
    collection: String,
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let view = context.open(Access::Read)?.view(&self.collection)?;
        let facts = match context.printer.format() {
            Format::Json | Format::Jsonl => chroma_collection(view.info(), &view.counts(), context.scope()),
            _ => collection_facts(view.info(), &view.counts()),
        };
        context.facts(&facts)?;
        Ok(Status::Done)
    }
}
