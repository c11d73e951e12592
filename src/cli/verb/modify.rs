//! `huedb modify`.

use clap::{ArgGroup, Args};
use huedb::error::{Error, Result};
use huedb::input::metadata_from_json;
use huedb::record::{CollectionInfo, CollectionName, Configuration, EmbeddingFunction, IndexMode, Metadata};
use huedb::store::CollectionChange;

use crate::cli::arguments::collection::{candidates, configuration};
use crate::cli::arguments::one_of;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// Change the name, metadata, search settings or prefixes of a collection
///
/// What is not given stays as it is. Metadata is replaced as a whole. The distance function is fixed when a collection is
/// created; the model is changed by `huedb reembed`.
#[derive(Debug, Args)]
#[command(override_usage = "huedb modify <COLLECTION> <OPTIONS>")]
#[command(group = ArgGroup::new("change").required(true).multiple(true)
    .args(["name", "metadata", "ef_search", "index", "query_prefix", "document_prefix", "configuration"]))]
#[command(after_help = "Examples:
  huedb modify notes --name articles
  huedb modify notes --metadata '{\"owner\": \"docs\"}' --ef-search 256
  huedb modify notes --configuration '{\"hnsw\": {\"ef_search\": 256}}'
  huedb modify notes --query-prefix 'query: '")]
pub(crate) struct ModifyArgs {
    /// Collection
    collection: String,

    /// New name
    #[arg(long)]
    name: Option<String>,

    /// New metadata, as a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,

    /// Candidates considered while searching the graph
    #[arg(long, value_name = "N", value_parser = candidates)]
    ef_search: Option<usize>,

    /// When to build the graph index
    #[arg(long, value_parser = one_of!(IndexMode))]
    index: Option<IndexMode>,

    /// Prefix for queries
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    query_prefix: Option<String>,

    /// Prefix for documents; only while there are no records, afterwards use `huedb reembed`
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    document_prefix: Option<String>,

    /// Configuration changes in Chroma's form, as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "ef_search")]
    configuration: Option<String>,
}

impl ModifyArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let said = self.configuration.as_deref().map(configuration).transpose()?.unwrap_or_default();
        check_fixed(&said)?;
        let metadata = self.metadata.as_deref().map(metadata).transpose()?;
        let change = CollectionChange {
            name: self.name.map(CollectionName::parse).transpose()?,
            metadata,
            ef_search: self.ef_search.or(said.ef_search),
            max_neighbors: said.max_neighbors,
            index: self.index,
            query_prefix: self.query_prefix,
            document_prefix: self.document_prefix,
            chroma: said.chroma,
            embedding_function: None,
        };
        // A name that is taken is found without touching the file.
        if let Some(new) = &change.name {
            let taken = new.as_str() != self.collection && context.look(new.as_str()).is_ok();
            if taken && context.look(&self.collection).is_ok() {
                return Err(Error::CollectionExists { name: new.to_string() });
            }
        }
        let view = context.look(&self.collection)?;
        change.check(view.info(), &view.counts())?;
        check_function(view.info(), said.function)?;
        drop(view);
        for passed_over in &said.passed_over {
            context.printer.warning(passed_over);
        }
        for (key, _) in change.metadata.iter().flat_map(Metadata::iter).filter(|(key, _)| key.starts_with("hnsw:")) {
            context.printer.warning(format!("{key} in the metadata changes nothing once a collection is made"));
        }
        let now = context.change(|place| place.collection(self.collection.as_str().into()).modify(change))?;
        context.printer.notice(if now.name.as_str() == self.collection {
            format!("modified {}", now.name)
        } else {
            format!("modified {}, now {}", self.collection, now.name)
        });
        Ok(Status::Done)
    }
}

/// Refuses an embedding function other than the collection's.
fn check_function(collection: &CollectionInfo, given: Option<EmbeddingFunction>) -> Result<()> {
    if given.is_none() || given == EmbeddingFunction::of(collection.embedder.as_ref()) {
        return Ok(());
    }
    let name = &collection.name;
    let has =
        collection.embedder.as_ref().map_or("has no model".into(), |model| format!("has the model {}", model.model));
    Err(Error::InvalidArgument {
        why: format!("the embedding function cannot be modified: collection {:?} {has}", name.as_str()),
        hint: Some(format!("`huedb reembed {name} --model MODEL` re-embeds its documents with another model").into()),
    })
}

/// Refuses what would need every vector to be compared anew.
fn check_fixed(said: &Configuration) -> Result<()> {
    let fixed = [(said.space.is_some(), "space"), (said.ef_construction.is_some(), "ef_construction")];
    match fixed.into_iter().find(|(given, _)| *given) {
        None => Ok(()),
        Some((_, name)) => Err(Error::InvalidArgument {
            why: format!("{name} is fixed when a collection is made"),
            hint: Some(
                "of hnsw, ef_search and max_neighbors can change; for the others make another collection".into(),
            ),
        }),
    }
}

/// Reads metadata as Chroma's modify does: keys that are null are left out, and nothing need remain.
fn metadata(text: &str) -> Result<Metadata> {
    let metadata = metadata_from_json(text)?;
    if metadata.is_empty() {
        return Err(Error::argument("a collection's metadata is not empty; leave --metadata out to keep it"));
    }
    let metadata = metadata.into_metadata_dropping_nulls();
    if metadata.get("hnsw:space").is_some() {
        let why = "the space is fixed when a collection is made".into();
        return Err(Error::InvalidMetadata { key: "hnsw:space".into(), why });
    }
    Ok(metadata)
}
