//! `huedb model`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::context::Context;
use super::exit::Status;
use crate::embed::{ModelOrigin, ModelOverrides, ModelSpec, add, models, remove, verify};
use crate::output::Facts;
use crate::record::Pooling;

/// List, add, verify and remove embedding models
#[derive(Debug, Args)]
pub(super) struct Model {
    #[command(subcommand)]
    verb: ModelVerb,
}

#[derive(Debug, Subcommand)]
enum ModelVerb {
    List(ModelList),
    Add(ModelAdd),
    Verify(ModelVerify),
    Remove(ModelRemove),
}

/// List the models there are
#[derive(Debug, Args)]
struct ModelList {}

/// Install a sentence-embedding model from a folder
///
/// The folder holds an ONNX graph, tokenizer.json and, as Hugging Face lays them out, the config files that
/// pooling and the greatest number of tokens are read from.
#[derive(Debug, Args)]
struct ModelAdd {
    /// The folder
    dir: PathBuf,

    /// The name it is to have [default: the folder's]
    #[arg(long)]
    name: Option<String>,

    /// How token vectors become one
    #[arg(long, value_enum)]
    pooling: Option<PoolingName>,

    /// Tokens read from a text
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,

    /// Put before a question, as in "query: "
    #[arg(long, value_name = "TEXT")]
    query_prefix: Option<String>,

    /// Put before a document, as in "passage: "
    #[arg(long, value_name = "TEXT")]
    document_prefix: Option<String>,
}

/// Compare a model's file with its checksum
#[derive(Debug, Args)]
struct ModelVerify {
    /// The model
    name: String,
}

/// Remove an installed model
#[derive(Debug, Args)]
struct ModelRemove {
    /// The model
    name: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PoolingName {
    Mean,
    Cls,
    Last,
}

impl Model {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        match self.verb {
            ModelVerb::List(ModelList {}) => {
                let found = models(&context.models)?;
                context.list(&found.iter().map(facts).collect::<Vec<_>>())?;
            }
            ModelVerb::Add(verb) => verb.run(context)?,
            ModelVerb::Verify(ModelVerify { name }) => {
                let model = verify(&name, &context.models)?;
                context.printer.notice(format!("{} is what it was: sha256 {}", model.name, model.fingerprint.sha256));
            }
            ModelVerb::Remove(ModelRemove { name }) => {
                remove(&name, &context.models)?;
                context.printer.notice(format!("removed {name}"));
            }
        }
        Ok(Status::Done)
    }
}

impl ModelAdd {
    fn run(self, context: &mut Context) -> anyhow::Result<()> {
        let overrides = ModelOverrides {
            pooling: self.pooling.map(Pooling::from),
            max_tokens: self.max_tokens,
            query_prefix: self.query_prefix,
            document_prefix: self.document_prefix,
            ..ModelOverrides::default()
        };
        let of_folder = || self.dir.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = self.name.or_else(of_folder).unwrap_or_default();
        let model = add(&self.dir, &name, &overrides, &context.models)?;
        context.facts(&facts(&model))?;
        Ok(())
    }
}

fn facts(model: &ModelSpec) -> Facts {
    let origin = match &model.origin {
        ModelOrigin::BuiltIn => "built in".to_owned(),
        ModelOrigin::Installed(dir) | ModelOrigin::Folder(dir) => dir.display().to_string(),
        ModelOrigin::Hash => "no model: hashed words".to_owned(),
    };
    Facts::new()
        .with("name", model.name.as_str())
        .with("dimension", model.fingerprint.dimension)
        .with("max_tokens", model.fingerprint.max_tokens)
        .with_bytes("size", model.bytes)
        .with("from", origin)
        .with("sha256", model.fingerprint.sha256.as_str())
}

impl From<PoolingName> for Pooling {
    fn from(name: PoolingName) -> Self {
        match name {
            PoolingName::Mean => Self::Mean,
            PoolingName::Cls => Self::Cls,
            PoolingName::Last => Self::Last,
        }
    }
}
