//! `huedb import --from-chroma`, `--from-chroma-url` and `--from-llm`: collections that other programs wrote.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use huedb::error::Result;
use huedb::ingest::OnError;
use huedb::input::{ChromaFolder, ChromaServer, LlmFile, Selection};
use huedb::record::CollectionName;
use huedb::store::Mode;

use crate::cli::bulk::archive::restore;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// What is given for a collection's own input alone, and means nothing to a program's collections.
const OF_ROWS: [&str; 16] = [
    "sources",
    "id",
    "document",
    "embedding",
    "uri",
    "metadata",
    "flatten",
    "types",
    "format",
    "delimiter",
    "encoding",
    "lines",
    "from_sql",
    "on_duplicate",
    "chunk",
    "batch_size",
];

/// Where another program keeps its collections.
#[derive(Debug, Args)]
#[group(id = "foreign", multiple = false)]
#[expect(clippy::struct_field_names, reason = "the names of the flags")]
pub(crate) struct ForeignArgs {
    /// Read a data folder of Chroma: every collection, or the one named
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = OF_ROWS)]
    from_chroma: Option<PathBuf>,

    /// Read a running Chroma server: every collection of the tenant, or the one named
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, conflicts_with_all = OF_ROWS)]
    from_chroma_url: Option<String>,

    /// Read an embeddings database of the llm tool: every collection, or the one named
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = OF_ROWS)]
    from_llm: Option<PathBuf>,
}

impl ForeignArgs {
    /// Whether a program's collections are to be read.
    pub(crate) fn is_given(&self) -> bool {
        self.from_chroma.is_some() || self.from_chroma_url.is_some() || self.from_llm.is_some()
    }

    /// Reads them; `collection` is the one wanted, `into` the name it is to have.
    pub(crate) fn run(
        self,
        context: &mut Context,
        collection: Option<String>,
        into: Option<String>,
        (mode, on_error): (Mode, OnError),
    ) -> Result<Status> {
        let into = into.map(CollectionName::parse).transpose()?;
        let scope = context.scope().clone();
        if let Some(file) = &self.from_llm {
            let archive = LlmFile::open(file, scope, collection.as_deref())?;
            return restore(context, archive, mode, on_error, into);
        }
        let selection = Selection { scope, collection };
        if let Some(url) = &self.from_chroma_url {
            let archive = ChromaServer::open(url, &selection, &context.token.of_chroma())?;
            return restore(context, archive, mode, on_error, into);
        }
        let archive = ChromaFolder::open(&self.from_chroma.unwrap_or_default(), &selection)?;
        restore(context, archive, mode, on_error, into)
    }
}
