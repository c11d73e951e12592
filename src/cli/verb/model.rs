//! `huedb model`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use huedb::embed::{
    KeySource, ModelKind, ModelOrigin, ModelOverrides, ModelSpec, Precision, PullRequest, PullStep, add_service,
    install, models, pull, remove, verify,
};
use huedb::error::{Error, Result};
use huedb::record::{Fingerprint, Pooling};

use crate::cli::arguments::one_of;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::verb::model_service::ServiceArgs;
use crate::output::{ProgressKind, Properties};

/// List, add, pull, verify and remove models
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

/// List the available models
#[derive(Debug, Args)]
struct ModelListArgs {}

/// Install a model from a folder, or an embedding service
///
/// The folder holds an ONNX graph (or, with --precision, model.safetensors), tokenizer.json and, in the layout of Hugging
/// Face, the config files that define pooling and the maximum number of tokens. The graph is tried with the longest text
/// they allow (up to 2048 tokens); if it takes less, that is reported and becomes the limit.
///
/// With --endpoint, the model runs elsewhere and is asked over HTTP: at OpenAI, Azure, Mistral, Together and others, or at
/// a server of your own such as vLLM, llama.cpp, LM Studio, Ollama or Text Embeddings Inference. NAME is its name here. It is
/// asked for the embedding of a probe text, which is kept and compared at the first request of every process: another model
/// behind the same address is an error, not a mix. The key stays where it is: only the name of its variable, or the
/// command that prints it, is stored. Texts are refused, not cut, when they are too long for the model, unless --truncate
/// is given; chunks are counted by the built-in model's tokenizer, up to --max-tokens (8192). Proxies are taken from `HTTPS_PROXY` and the like;
/// `HUEDB_OFFLINE=1` forbids services on other machines.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "names as their owners write them")]
#[command(after_help = "Examples:
  huedb model add ./bge-small --pooling cls
  huedb model add small --endpoint https://api.openai.com/v1 --remote-model text-embedding-3-small \\
    --api-key-env OPENAI_API_KEY
  huedb model add nomic --endpoint http://localhost:11434 --api ollama --remote-model nomic-embed-text \\
    --query-prefix 'search_query: ' --document-prefix 'search_document: '
  huedb model add azure --endpoint 'https://NAME.openai.azure.com/openai/deployments/small?api-version=2024-10-21' \\
    --api-key-command 'pass azure/key'
  huedb model add ./splade --sparse
  huedb model add cohere --endpoint https://api.cohere.com --api cohere --remote-model embed-v4.0 \\
    --api-key-env COHERE_API_KEY --dimensions 512 --requests-per-minute 100")]
struct ModelAddArgs {
    /// Folder; with --endpoint, the name for the model
    #[arg(value_name = "DIR|NAME")]
    source: PathBuf,

    /// Name for the model [default: that of the folder]
    #[arg(long)]
    name: Option<String>,

    #[command(flatten)]
    settings: OverrideArgs,

    #[command(flatten)]
    service: ServiceArgs,
}

/// Fetch a model from Hugging Face and install it
///
/// If the model has several ONNX graphs, `model.onnx` is used; --file chooses another. `HF_ENDPOINT` is the address of
/// another hub, `HF_TOKEN` gives access to private models, and with `HF_HUB_OFFLINE=1` the model is taken from the cache of
/// the Hugging Face tools. The token is sent to the hub only, not to where it keeps large files. A request that receives
/// nothing for `HF_HUB_DOWNLOAD_TIMEOUT` seconds (30) is repeated up to four times. An interrupted pull installs nothing
/// and resumes when it is run again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb model pull intfloat/e5-small-v2 --query-prefix 'query: ' --document-prefix 'passage: '
  huedb model pull Xenova/bge-small-en-v1.5 --file onnx/model_quantized.onnx --pooling cls
  huedb model pull intfloat/multilingual-e5-small --precision int8")]
struct ModelPullArgs {
    /// Model on the hub: ORGANISATION/MODEL
    #[arg(value_name = "MODEL")]
    repo: String,

    /// Local name [default: MODEL without the organisation]
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
    /// ONNX graph to use, such as `onnx/model_quantized.onnx`
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,

    /// Round the weights to this, once, and run them without ONNX Runtime
    ///
    /// For encoders of the kinds of BERT, `RoBERTa`, XLM-R and `MPNet` with `model.safetensors` or an unfused ONNX graph.
    /// The embeddings differ a little from those of the model as it is, so that it counts as another model.
    #[arg(long, value_parser = one_of!(Precision))]
    precision: Option<Precision>,

    /// How token vectors are pooled [default: from its files, else mean]
    #[arg(long, value_parser = one_of!(Pooling))]
    pooling: Option<Pooling>,

    /// Whether vectors are normalised to length 1 [default: from its files]
    #[arg(long, value_name = "BOOL")]
    normalize: Option<bool>,

    /// A cross-encoder, for `query --rerank`: it scores a query and a document together
    #[arg(long, conflicts_with_all = ["pooling", "normalize", "query_prefix", "document_prefix", "precision"])]
    reranker: bool,

    /// A SPLADE-like model, for hybrid queries of collections made with `create --sparse-model`: it weighs the terms of a text
    #[arg(long, conflicts_with_all = ["reranker", "pooling", "normalize", "precision"])]
    sparse: bool,

    /// Maximum number of tokens per text [default: from its files]
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,

    /// Prefix for queries, such as "query: " [default: from its files]
    #[arg(long, value_name = "TEXT")]
    query_prefix: Option<String>,

    /// Prefix for documents, such as "passage: " [default: from its files]
    #[arg(long, value_name = "TEXT")]
    document_prefix: Option<String>,
}

/// Verify the checksums of a model's files, or that a service still has the model that was added
#[derive(Debug, Args)]
struct ModelVerifyArgs {
    /// Model
    name: String,
}

/// Remove an installed model
#[derive(Debug, Args)]
struct ModelRemoveArgs {
    /// Model
    name: String,
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
                let (name, fingerprint) = (&model.name, &model.fingerprint);
                context.printer.notice(match &fingerprint.probe {
                    Some(probe) => format!("{name} answers as when it was added: probe {}", probe.short()),
                    None => format!("{name} is what it was: sha256 {}", fingerprint.sha256),
                });
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
        if let Some(settings) = self.service.settings(&self.source)? {
            let name = self.source.to_string_lossy();
            let model = add_service(&name, &settings, &self.settings.into(), &context.models)?;
            tell(context, &model);
            return context.facts(&facts(&model));
        }
        // The last part of `.` or `models/..` is in its absolute path.
        let absolute = || self.source.canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = self.name.clone().or_else(absolute).unwrap_or_default();
        if !self.source.is_dir() {
            return Err(Error::InvalidArgument {
                why: format!("{} is not a folder", self.source.display()),
                hint: Some("a model of a service is added with --endpoint URL".into()),
            });
        }
        let model = install(&self.source, &name, &self.settings.into(), &context.models)?;
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
        let OverrideArgs {
            file,
            precision,
            pooling,
            normalize,
            reranker,
            sparse,
            max_tokens,
            query_prefix,
            document_prefix,
        } = settings;
        let kind = match (reranker, sparse) {
            (true, _) => ModelKind::Reranker,
            (_, true) => ModelKind::Sparse,
            _ => ModelKind::Embedder,
        };
        Self { graph: file, precision, pooling, normalize, max_tokens, query_prefix, document_prefix, kind }
    }
}

/// Says what was found out about a model.
fn tell(context: &mut Context, model: &ModelSpec) {
    for note in &model.notes {
        context.printer.warning(format!("{}: {note}", model.name));
    }
}

fn facts(model: &ModelSpec) -> Properties {
    let Fingerprint { dimension, max_tokens, pooling, sha256, probe, .. } = &model.fingerprint;
    let origin = match &model.origin {
        ModelOrigin::BuiltIn => "built in".to_owned(),
        ModelOrigin::Installed(dir) | ModelOrigin::Folder(dir) => dir.display().to_string(),
        ModelOrigin::Hash => "no model: hashed words".to_owned(),
        ModelOrigin::Service(service) => {
            let key = match &service.key {
                None => String::new(),
                Some(KeySource::Env(name)) => format!(", key from {name}"),
                Some(KeySource::Command(_)) => ", key from a command".to_owned(),
            };
            format!("{} at {} ({}{key})", service.remote_model, service.endpoint, service.api)
        }
    };
    Properties::new()
        .with("name", model.name.as_str())
        .with("kind", model.kind.as_str())
        .with("dimension", *dimension)
        .with("max_tokens", *max_tokens)
        .with("pooling", probe.is_none().then(|| pooling.as_str()))
        .with_bytes("size", model.bytes)
        .with("from", origin)
        .with("sha256", probe.is_none().then_some(sha256.as_str()))
}
