//! `huedb create`.

use clap::{Args, ValueEnum};

use super::context::Context;
use super::exit::Status;
use crate::embed::{DEFAULT_MODEL, fingerprint};
use crate::error::Error;
use crate::input::metadata_from_json;
use crate::record::{CollectionName, Hnsw, IndexMode, Space};
use crate::store::{Access, NewCollection};

/// Make a collection, and the file when there is none
///
/// Without options: the built-in model all-MiniLM-L6-v2 and cosine distance. (Chroma's own default is l2; on the
/// unit vectors of the model the order is the same, and cosine reads better.)
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "get_or_create is Chroma's name")]
#[command(after_help = "Examples:
  huedb create notes
  huedb create vectors --no-model --space l2
  huedb create notes --get-or-create --metadata '{\"owner\": \"docs\"}'")]
pub(super) struct Create {
    /// Its name: 3 to 512 characters from [a-zA-Z0-9._-], a letter or digit first and last
    name: String,

    /// Distance: cosine, l2 (squared) or ip (inner product)
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Space::ALL.map(Space::as_str)))]
    #[arg(default_value = Space::default().as_str())]
    space: String,

    /// Model that embeds its texts: a name from `huedb model list` or a folder
    #[arg(long, default_value = DEFAULT_MODEL, conflicts_with = "no_model")]
    model: String,

    /// No model: embeddings are always given
    #[arg(long)]
    no_model: bool,

    /// Its metadata, a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,

    /// Do nothing when the collection exists
    #[arg(long)]
    get_or_create: bool,

    /// When the graph index is built: by itself from 4,000,000 records on, at every import, or only when asked for
    #[arg(long, value_enum, default_value = "auto")]
    index: When,

    /// Index the words of its documents as well, for `query --hybrid`
    #[arg(long)]
    hybrid: bool,

    /// Candidates kept while the graph is built
    #[arg(long, value_name = "N", default_value_t = Hnsw::default().ef_construction, value_parser = candidates)]
    ef_construction: usize,

    /// Candidates kept while the graph is searched
    #[arg(long, value_name = "N", default_value_t = Hnsw::default().ef_search, value_parser = candidates)]
    ef_search: usize,

    /// Edges of a vector in the graph
    #[arg(long, value_name = "N", default_value_t = Hnsw::default().max_neighbors, value_parser = edges)]
    max_neighbors: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    Auto,
    Hnsw,
    Flat,
}

/// Numbers that size memory: 2, as Chroma's client asks for, to 4,096.
fn candidates(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 2..=4096) => Ok(n),
        _ => Err("a number from 2 to 4096".into()),
    }
}

/// With fewer edges than 8, vectors were lost to the search once others had been removed.
fn edges(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 8..=4096) => Ok(n),
        _ => Err("a number from 8 to 4096".into()),
    }
}

impl Create {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let name = CollectionName::parse(self.name)?;
        let metadata = self.metadata.as_deref().map(|json| metadata_from_json(json)?.into_metadata()).transpose()?;
        if metadata.as_ref().is_some_and(crate::record::Metadata::is_empty) {
            return Err(Error::argument("a collection's metadata is not empty; leave --metadata out instead").into());
        }
        let new = NewCollection {
            space: self.space.parse()?,
            embedder: if self.no_model { None } else { Some(fingerprint(&self.model, &context.models)?) },
            metadata,
            hnsw: Hnsw {
                ef_construction: self.ef_construction,
                ef_search: self.ef_search,
                max_neighbors: self.max_neighbors,
            },
            index: match self.index {
                When::Auto => IndexMode::Auto,
                When::Hnsw => IndexMode::Hnsw,
                When::Flat => IndexMode::Flat,
            },
            bm25: self.hybrid,
        };
        // A name that is taken is found without touching the file.
        if !self.get_or_create && context.db.exists() && context.look(name.as_str()).is_ok() {
            return Err(Error::CollectionExists { name: name.to_string() }.into());
        }
        let store = context.open(Access::Create)?;
        let said = match store.create_collection(name.clone(), new) {
            Ok(info) => {
                let model = info.embedder.map_or("no model".to_owned(), |embedder| {
                    format!("model {}, {} dimensions", embedder.model, embedder.dimension)
                });
                format!("created {name} in {} ({model}, {})", context.db.display(), info.space)
            }
            Err(Error::CollectionExists { .. }) if self.get_or_create => format!("{name} exists"),
            Err(error) => return Err(error.into()),
        };
        store.close()?;
        context.printer.notice(said);
        Ok(Status::Done)
    }
}
