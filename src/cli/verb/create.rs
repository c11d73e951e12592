//! `huedb create`.

use clap::Args;
use huedb::embed::{DEFAULT_MODEL, fingerprint, sparse_fingerprint};
use huedb::error::{Error, Result};
use huedb::input::metadata_from_json;
use huedb::record::EmbeddingFunction::{self, BuiltIn};
use huedb::record::{
    ClientSettings, CollectionName, Configuration, EmbeddingPrecision, Hnsw, IndexMode, Scope, Space, SparseSettings,
};
use huedb::store::NewCollection;

use crate::cli::arguments::collection::{candidates, configuration, edges};
use crate::cli::arguments::global::NewFileArgs;
use crate::cli::arguments::one_of;
use crate::cli::arguments::shards::{ShardArgs, spread, stays};
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// Create a collection (and the database file if needed)
///
/// By default, a collection uses the built-in model all-MiniLM-L6-v2 and cosine distance. (Chroma's own default is l2; for
/// the unit vectors of this model the order is the same, and cosine is easier to read.)
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb create notes
  huedb create vectors --no-model --space l2
  huedb create notes --sparse-model splade
  huedb create notes --encrypt --key-file notes.key
  huedb --db postgresql://ann@db/vectors create notes --shard-servers postgresql://s1/v,postgresql://s2/v
  huedb create notes --get-or-create --metadata '{\"owner\": \"docs\"}'
  huedb create notes --configuration '{\"hnsw\": {\"space\": \"l2\", \"ef_search\": 200}}'")]
pub(crate) struct CreateArgs {
    /// Name: 3 to 512 characters from [a-zA-Z0-9._-], starting and ending with a letter or digit
    name: String,

    /// Distance function: cosine, l2 (squared) or ip (inner product) [default: cosine]
    #[arg(long, value_parser = one_of!(Space))]
    space: Option<Space>,

    /// Embedding model: a name from `huedb model list`, or a folder
    #[arg(long, default_value = DEFAULT_MODEL, conflicts_with = "no_model")]
    model: String,

    /// Use no model: every record and query brings its own embedding
    #[arg(long)]
    no_model: bool,

    /// Metadata, as a JSON object; Chroma's old keys such as hnsw:space are understood
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,

    /// Succeed without changes if the collection exists
    #[arg(long)]
    get_or_create: bool,

    /// When to build the graph index: from 4,000,000 records if clusters find too little, at every import, or only on request
    #[arg(long, value_parser = one_of!(IndexMode), default_value = "auto")]
    index: IndexMode,

    /// Candidates considered while building the graph [default: 128]
    #[arg(long, value_name = "N", value_parser = candidates)]
    ef_construction: Option<usize>,

    /// How to keep embeddings: f32 as they are given, f16 rounded to half the bytes
    ///
    /// With f16 every number is rounded to the nearest of 16 bits, and every distance is that of what is kept. Numbers
    /// larger than 65,504 are refused. It is fixed once the collection is made.
    #[arg(long, value_parser = one_of!(EmbeddingPrecision), default_value = "f32", hide_default_value = true)]
    precision: EmbeddingPrecision,

    /// Also index the words of documents, for `query --hybrid`
    #[arg(long)]
    hybrid: bool,

    /// Weigh the terms of documents with this sparse model, for `query --hybrid`
    ///
    /// The model is installed with `huedb model add DIR --sparse`. Each document is read by both models, and the weights are
    /// kept under the metadata key `sparse_embedding`. Their product with those of a query stands in the place of BM25.
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["no_model", "hybrid"])]
    sparse_model: Option<String>,

    /// Candidates considered while searching the graph [default: 128]
    #[arg(long, value_name = "N", value_parser = candidates)]
    ef_search: Option<usize>,

    /// Edges per vector in the graph; at least 8 are built [default: 16]
    #[arg(long, value_name = "N", value_parser = edges)]
    max_neighbors: Option<usize>,

    #[command(flatten)]
    shards: ShardArgs,

    #[command(flatten)]
    file: NewFileArgs,

    /// Configuration in Chroma's form, as a JSON object such as {"hnsw": {"space": "l2"}}
    #[arg(long, value_name = "JSON")]
    #[arg(conflicts_with_all = ["space", "ef_construction", "ef_search", "max_neighbors"])]
    configuration: Option<String>,
}

impl CreateArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let name = CollectionName::parse(self.name)?;
        let metadata = self.metadata.as_deref().map(|json| metadata_from_json(json)?.into_metadata()).transpose()?;
        if metadata.as_ref().is_some_and(huedb::record::Metadata::is_empty) {
            return Err(Error::argument("a collection's metadata is not empty; leave --metadata out instead"));
        }
        let legacy = metadata.as_ref().map(Configuration::from_metadata).transpose()?.unwrap_or_default();
        let said = self.configuration.as_deref().map(configuration).transpose()?.unwrap_or_default();
        let said = said.with_old_keys(&legacy);
        let embedder = if self.no_model { None } else { Some(fingerprint(&self.model, &context.models)?) };
        if said.function == Some(BuiltIn) && EmbeddingFunction::of(embedder.as_ref()) != Some(BuiltIn) {
            let other = embedder.map_or("--no-model says none".into(), |model| format!("--model says {}", model.model));
            let why = format!("the configuration's embedding function is the model {DEFAULT_MODEL}, and {other}");
            return Err(Error::InvalidArgument { why, hint: Some("leave one of the two out".into()) });
        }
        let sparse =
            self.sparse_model.as_deref().map(|model| sparse_fingerprint(model, &context.models)).transpose()?;
        let sparse = sparse.map(SparseSettings::new);
        let usual = Hnsw::default();
        let new = NewCollection {
            space: self.space.or(said.space).unwrap_or_default(),
            precision: self.precision,
            embedder,
            metadata,
            hnsw: Hnsw {
                ef_construction: self.ef_construction.or(said.ef_construction).unwrap_or(usual.ef_construction),
                ef_search: self.ef_search.or(said.ef_search).unwrap_or(usual.ef_search),
                max_neighbors: self.max_neighbors.or(said.max_neighbors).unwrap_or(usual.max_neighbors),
            },
            index: self.index,
            chroma: said.chroma,
            bm25: self.hybrid,
            sparse,
            client: ClientSettings::default(),
        };
        let shards = self.shards.shards(&context.place())?;
        for passed_over in &said.passed_over {
            context.printer.warning(passed_over);
        }
        context.prepare(self.file)?;
        // What is refused is found without touching the file, and without making one.
        if context.may_exist() || *context.scope() != Scope::default() {
            match context.look(name.as_str()) {
                Ok(_) if !self.get_or_create => {
                    return Err(Error::CollectionExists { name: name.to_string() });
                }
                Err(
                    e @ (Error::FileNotFound { .. } | Error::TenantNotFound { .. } | Error::DatabaseNotFound { .. }),
                ) => return Err(e),
                _ => {}
            }
        }
        let place = spread(context.open_or_make()?, shards.clone())?;
        let said = match place.create_collection(name.clone(), new) {
            Ok(info) => {
                let model = info.embedder.map_or("no model".to_owned(), |embedder| {
                    format!("model {}, {} dimensions", embedder.model, embedder.dimension)
                });
                format!("created {name} in {} ({model}, {})", context.place(), info.space)
            }
            Err(Error::CollectionExists { .. }) if self.get_or_create => {
                if shards.is_some() {
                    context.printer.warning(stays(name.as_str()));
                }
                format!("{name} exists")
            }
            Err(error) => return Err(error),
        };
        place.close()?;
        context.printer.notice(said);
        Ok(Status::Done)
    }
}
