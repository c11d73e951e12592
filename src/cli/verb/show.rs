//! `huedb show`.

use clap::Args;
use huedb::error::Result;
use huedb::store::Access;

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::{OutputFormat, chroma_collection, collection_facts};

/// Show everything about a collection
///
/// With JSON output: the object that Chroma's server returns for a collection, with everything specific to huedb under
/// `huedb`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Collection
    collection: String,
}

impl ShowArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let state = records.state()?;
        let shards = records.shards()?;
        let mut facts = collection_facts(state.info(), &state.counts());
        if let Some(view) = state.view()
            && let Some(next) = view.next_embedder()
        {
            let so_far = view.reembedded(0);
            facts = facts.with("next_model", next.model.as_str()).with("next_model_records", so_far.done);
        }
        if !shards.is_empty() {
            facts = facts.with("shards", shards.len() as u64).with("shard_servers", shards.join("; "));
        }
        if matches!(context.printer.format(), OutputFormat::Json | OutputFormat::Jsonl) {
            facts = chroma_collection(state.info(), &facts, context.scope());
        }
        context.facts(&facts)?;
        Ok(Status::Done)
    }
}
