//! `huedb info`.

use clap::Args;
use huedb::backend::Place;
use huedb::embed::{DEFAULT_MODEL, Runtime, fingerprint, runtime, runtime_of};
use huedb::error::Result;
use huedb::index::instructions;
use huedb::store::{Access, FORMAT_VERSION};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::Properties;

/// Show facts about the file and this program
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// Print the statements that make huedb's tables in PostgreSQL, for whoever has the right to run them
    #[cfg(feature = "postgres")]
    #[arg(long)]
    schema: bool,
}

impl InfoArgs {
    #[cfg_attr(not(feature = "postgres"), expect(clippy::unused_self, reason = "its only flag is PostgreSQL's"))]
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        #[cfg(feature = "postgres")]
        if self.schema {
            context.write(huedb::backend::SCHEMA.as_bytes())?;
            return Ok(Status::Done);
        }
        let facts = of_place(context)?;
        let others = runtime(&context.models)?;
        context.warn_of_skipped(&others);
        let engine = runtime_of(&fingerprint(DEFAULT_MODEL, &context.models)?, &context.models)?;
        let named = |engine: &Runtime| format!("{} {}", engine.kind, engine.version);
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let facts = facts
            .with("huedb", env!("CARGO_PKG_VERSION"))
            .with("format", FORMAT_VERSION)
            .with("model", DEFAULT_MODEL)
            .with("runtime", engine.as_ref().map(named))
            .with("runtime_of_other_models", named(&others))
            .with("runtime_library", path(&others.path))
            .with("data_dir", path(&context.models.data_dir))
            .with("cache_dir", path(&context.models.cache_dir))
            .with("threads", context.models.threads())
            .with("kernels", instructions());
        context.facts(&facts)?;
        Ok(Status::Done)
    }
}

/// Returns what there is to say of the place.
fn of_place(context: &mut Context) -> Result<Properties> {
    let place = Place::parse(&context.db);
    let facts = Properties::new().with(if place.path().is_some() { "file" } else { "place" }, place.to_string());
    if !context.may_exist() {
        return Ok(facts.with("file_size", serde_json::Value::Null));
    }
    let found = context.open(Access::Read)?.facts()?;
    if let Some(file) = found.file {
        return Ok(facts
            .with_bytes("file_size", file.bytes)
            .with("file_format", file.format)
            .with("file_id", file.id.to_string())
            .with("created_by", file.created_by)
            .with("encryption", file.encryption.map(|_| "AES-256-XTS"))
            .with("key", file.encryption.map(|made| made.to_string()))
            .with("collections", file.collections)
            .with("records", file.records));
    }
    let mut facts = facts.with("made_by", found.made_by).with("place_id", found.id.map(|id| id.to_string()));
    if let Some(bytes) = found.bytes {
        facts = facts.with_bytes("size", bytes);
    }
    let more =
        found.more.into_iter().fold(facts.with("schema", found.format), |facts, (name, value)| facts.with(name, value));
    Ok(more.with("collections", found.collections).with("records", found.records))
}
