//! `huedb model`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use huedb::embed::{
    ModelOrigin, ModelOverrides, ModelSpec, PullRequest, PullStep, install, models, pull, remove, verify,
};
use huedb::error::{Error, Result};
use huedb::record::Pooling;

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::{ProgressKind, Properties};

/// List, add, pull, verify and remove embedding models
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    verb: ModelVerb,
}

#[derive(Debug, Subcommand)]
enum ModelVerb {
    List(ModelListArgs),
    Add(ModelAddArgs),
    Pull(ModelPullArgs),
    Verify(ModelVerifyArgs),
    Remove(ModelRemoveArgs),
}

/// List the models there are
#[derive(Debug, Args)]
struct ModelListArgs {}

/// Install a sentence-embedding model from a folder
///
/// The folder holds an ONNX graph, tokenizer.json and, as Hugging Face lays them out, the config files that
/// pooling and the greatest number of tokens are read from. The graph is tried with the longest text that they allow (of
/// 2048 tokens at the most); what it takes less of is told, and is the limit from then on.
#[derive(Debug, Args)]
struct ModelAddArgs {
    /// The folder
    dir: PathBuf,

    /// The name it is to have [default: the folder's]
    #[arg(long)]
    name: Option<String>,

    #[command(flatten)]
    settings: OverrideArgs,
}

/// Fetch a sentence-embedding model from Hugging Face and install it
///
/// Of all ONNX graphs of a model `model.onnx` is taken, --file chooses another. `HF_ENDPOINT` is the address of another
/// hub, `HF_TOKEN` opens private models, and with `HF_HUB_OFFLINE=1` the model is taken from the cache of Hugging
/// Face's own tools. The token goes to the hub alone, not to where it keeps large files. A request that brings nothing for
/// `HF_HUB_DOWNLOAD_TIMEOUT` seconds (30) is made again, four times. A pull that was interrupted has installed nothing,
/// and goes on when it is run again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb model pull intfloat/e5-small-v2 --query-prefix 'query: ' --document-prefix 'passage: '
  huedb model pull Xenova/bge-small-en-v1.5 --file onnx/model_quantized.onnx --pooling cls")]
struct ModelPullArgs {
    /// The model on the hub: ORGANISATION/MODEL
    #[arg(value_name = "MODEL")]
    repo: String,

    /// The name it is to have here [default: MODEL without the organisation]
    #[arg(long)]
    name: Option<String>,

    /// Branch, tag or commit [default: main]
    #[arg(long)]
    revision: Option<String>,

    #[command(flatten)]
    settings: OverrideArgs,
}

/// What is taken from the user instead of from the model's files.
#[derive(Debug, Args)]
struct OverrideArgs {
    /// The ONNX graph among its files, as in `onnx/model_quantized.onnx`
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,

    /// How token vectors become one [default: as its files say, else mean]
    #[arg(long, value_enum)]
    pooling: Option<PoolingName>,

    /// Whether vectors are scaled to length 1 [default: as its files say]
    #[arg(long, value_name = "BOOL")]
    normalize: Option<bool>,

    /// Tokens read from a text [default: as its files say]
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,

    /// Put before a question, as in "query: " [default: as its files say]
    #[arg(long, value_name = "TEXT")]
    query_prefix: Option<String>,

    /// Put before a document, as in "passage: " [default: as its files say]
    #[arg(long, value_name = "TEXT")]
    document_prefix: Option<String>,
}

/// Compare the files of a model with their checksums
#[derive(Debug, Args)]
struct ModelVerifyArgs {
    /// The model
    name: String,
}

/// Remove an installed model
#[derive(Debug, Args)]
struct ModelRemoveArgs {
    /// The model
    name: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PoolingName {
    Mean,
    Cls,
    Last,
}

impl ModelArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        match self.verb {
            ModelVerb::List(ModelListArgs {}) => {
                let found = models(&context.models)?;
                context.list(&found.iter().map(facts).collect::<Vec<_>>())?;
            }
            ModelVerb::Add(verb) => verb.run(context)?,
            ModelVerb::Pull(verb) => verb.run(context)?,
            ModelVerb::Verify(ModelVerifyArgs { name }) => {
                let model = verify(&name, &context.models)?;
                context.printer.notice(format!("{} is what it was: sha256 {}", model.name, model.fingerprint.sha256));
            }
            ModelVerb::Remove(ModelRemoveArgs { name }) => {
                remove(&name, &context.models)?;
                context.printer.notice(format!("removed {name}"));
            }
        }
        Ok(Status::Done)
    }
}

impl ModelAddArgs {
    fn run(self, context: &mut Context) -> Result<()> {
        // The last part of `.` or `models/..` is in its absolute path.
        let absolute = || self.dir.canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = self.name.clone().or_else(absolute).unwrap_or_default();
        if !self.dir.is_dir() {
            return Err(Error::argument(format!("{} is no folder", self.dir.display())));
        }
        let model = install(&self.dir, &name, &self.settings.into(), &context.models)?;
        tell(context, &model);
        context.facts(&facts(&model))?;
        Ok(())
    }
}

impl ModelPullArgs {
    fn run(self, context: &mut Context) -> Result<()> {
        let Self { repo, name, revision, settings } = self;
        let request = PullRequest { repo, name, revision, overrides: settings.into() };
        let progress = context.printer.progress("pull", ProgressKind::Bytes, None);
        let mut bytes = 0;
        let model = pull(&request, &context.models, &mut |step| match step {
            PullStep::Fetching { graph, bytes: total } => {
                progress.set_total(total);
                progress.suspend(|| context.printer.notice(format!("fetching {} with {graph}", request.repo)));
            }
            PullStep::Fetched(more) => {
                bytes += more;
                progress.set_bytes(bytes);
            }
            PullStep::Waiting => {
                let said = format!("another process is pulling {}; waiting until it is done", request.repo);
                progress.suspend(|| context.printer.notice(said));
            }
            PullStep::Installing => {}
        })?;
        progress.finish();
        tell(context, &model);
        context.facts(&facts(&model))?;
        Ok(())
    }
}

impl From<OverrideArgs> for ModelOverrides {
    fn from(settings: OverrideArgs) -> Self {
        let OverrideArgs { file, pooling, normalize, max_tokens, query_prefix, document_prefix } = settings;
        Self { graph: file, pooling: pooling.map(Pooling::from), normalize, max_tokens, query_prefix, document_prefix }
    }
}

/// Says what was found out about a model.
fn tell(context: &mut Context, model: &ModelSpec) {
    for note in &model.notes {
        context.printer.warning(format!("{}: {note}", model.name));
    }
}

fn facts(model: &ModelSpec) -> Properties {
    let origin = match &model.origin {
        ModelOrigin::BuiltIn => "built in".to_owned(),
        ModelOrigin::Installed(dir) | ModelOrigin::Folder(dir) => dir.display().to_string(),
        ModelOrigin::Hash => "no model: hashed words".to_owned(),
    };
    Properties::new()
        .with("name", model.name.as_str())
        .with("dimension", model.fingerprint.dimension)
        .with("max_tokens", model.fingerprint.max_tokens)
        .with("pooling", model.fingerprint.pooling.as_str())
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
