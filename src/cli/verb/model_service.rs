//! The flags of `huedb model add` that describe a service.
//!
//! Invariant: none of them takes a key.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use huedb::embed::{KeySource, ServiceApi, ServiceLimits, ServiceSettings};
use huedb::error::{Error, Result};

use crate::cli::arguments::one_of;

/// Where a service is, how it is asked, and what it can take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(super) struct ServiceArgs {
    /// Address of the service, such as `https://api.openai.com/v1` or `http://localhost:11434`
    #[arg(long, value_name = "URL", conflicts_with_all = ["name", "file", "pooling", "precision", "reranker", "sparse"])]
    endpoint: Option<String>,

    /// API it answers: openai also for Azure, vLLM, llama.cpp, LM Studio, Mistral, Together and others
    #[arg(long, value_parser = one_of!(ServiceApi), default_value = "openai", requires = "endpoint")]
    api: ServiceApi,

    /// Name of the model at the service, such as text-embedding-3-small [default: NAME]
    #[arg(long, value_name = "MODEL", requires = "endpoint")]
    remote_model: Option<String>,

    /// Environment variable that holds the key, such as `OPENAI_API_KEY`
    #[arg(long, value_name = "VARIABLE", requires = "endpoint", conflicts_with = "api_key_command")]
    api_key_env: Option<String>,

    /// Shell command that prints the key, such as 'pass openai'; run again when the key is refused
    #[arg(long, value_name = "COMMAND", requires = "endpoint")]
    api_key_command: Option<String>,

    /// Dimensions to ask for, of models that can shorten their embeddings, such as 512
    #[arg(long, value_name = "N", requires = "endpoint")]
    dimensions: Option<NonZeroUsize>,

    /// Let the service cut texts that are too long for the model, without notice; not with openai
    #[arg(long, requires = "endpoint")]
    truncate: bool,

    /// Texts per request [default: openai 256, ollama 64, tei 32, cohere 96, voyage 128]
    #[arg(long, value_name = "N", requires = "endpoint")]
    batch_texts: Option<NonZeroUsize>,

    /// Tokens per request, estimated as a third of the bytes [default: 100000]
    #[arg(long, value_name = "N", requires = "endpoint")]
    batch_tokens: Option<NonZeroUsize>,

    /// Requests at the same time [default: 4]
    #[arg(long, value_name = "N", requires = "endpoint")]
    concurrency: Option<NonZeroUsize>,

    /// Requests per minute and process, such as 500 [default: no limit]
    #[arg(long, value_name = "N", requires = "endpoint")]
    requests_per_minute: Option<NonZeroU64>,

    /// Tokens per minute and process, estimated, such as 1000000 [default: no limit]
    #[arg(long, value_name = "N", requires = "endpoint")]
    tokens_per_minute: Option<NonZeroU64>,

    /// Seconds that a request may take [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "endpoint")]
    timeout: Option<f64>,

    /// How often a request that failed in passing (408, 429, 5xx, connection) is repeated [default: 5]
    #[arg(long, value_name = "N", requires = "endpoint")]
    retries: Option<u32>,

    /// Seconds before the first repetition, doubled each time; a longer `Retry-After` goes first [default: 0.5]
    #[arg(long, value_name = "SECONDS", requires = "endpoint")]
    retry_wait: Option<f64>,
}

impl ServiceArgs {
    /// Returns the settings of a service with this name here; `None` when no service is described.
    pub(super) fn settings(&self, name: &Path) -> Result<Option<ServiceSettings>> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let remote = self.remote_model.clone().unwrap_or_else(|| name.to_string_lossy().into_owned());
        let variable = self.api_key_env.clone().map(KeySource::Env);
        let key = variable.or_else(|| self.api_key_command.clone().map(KeySource::Command));
        let usual = ServiceLimits::default();
        let limits = ServiceLimits {
            texts: self.batch_texts,
            tokens: self.batch_tokens.unwrap_or(usual.tokens),
            concurrency: self.concurrency.unwrap_or(usual.concurrency),
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            timeout_ms: self.timeout.map_or(Ok(usual.timeout_ms), |seconds| milliseconds("--timeout", seconds))?,
            retries: self.retries.unwrap_or(usual.retries),
            retry_wait_ms: self
                .retry_wait
                .map_or(Ok(usual.retry_wait_ms), |seconds| milliseconds("--retry-wait", seconds))?,
        };
        let settings = ServiceSettings::new(self.api, endpoint, remote);
        Ok(Some(ServiceSettings { key, dimensions: self.dimensions, truncate: self.truncate, limits, ..settings }))
    }
}

fn milliseconds(flag: &str, seconds: f64) -> Result<u64> {
    let duration = Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration < Duration::from_hours(24));
    let milliseconds = duration.and_then(|duration| u64::try_from(duration.as_millis()).ok()).filter(|ms| *ms > 0);
    milliseconds.ok_or_else(|| Error::argument(format!("{flag} is a number of seconds from .001 to a day")))
}
