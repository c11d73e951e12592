//! What is known of a service: where it is, how it is asked, and what it can take.
//!
//! Invariant: there is no key in it, only where a key is to be got.

use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Deserialize, Serialize};

/// How a service is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceApi {
    /// `/v1/embeddings` of `OpenAI`, which most services and servers have, Azure's among them.
    #[default]
    OpenAi,
    /// Ollama's `/api/embed`.
    Ollama,
    /// `/embed` of Hugging Face's Text Embeddings Inference.
    Tei,
    /// Cohere's `/v2/embed`.
    Cohere,
    /// Voyage's `/v1/embeddings`.
    Voyage,
}

named!(pub ServiceApi { OpenAi: "openai", Ollama: "ollama", Tei: "tei", Cohere: "cohere", Voyage: "voyage" });

impl ServiceApi {
    /// Returns the texts of one request, where nobody says how many: what the service takes, or fewer where it takes more
    /// than one would lose.
    #[must_use]
    pub fn texts_at_once(self) -> NonZeroUsize {
        let texts = match self {
            Self::OpenAi => 256,
            Self::Ollama => 64,
            Self::Tei => 32,
            Self::Cohere => 96,
            Self::Voyage => 128,
        };
        NonZeroUsize::new(texts).unwrap_or(NonZeroUsize::MIN)
    }

    /// Whether it embeds questions otherwise than documents.
    pub(super) fn tells_roles(self) -> bool {
        matches!(self, Self::Cohere | Self::Voyage)
    }
}

/// Where a key is to be got; it is kept in memory alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// The environment variable of this name.
    Env(String),
    /// What this command of the shell prints; run again where the service no longer takes the key.
    Command(String),
}

/// A service and the model of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSettings {
    /// Its address, with or without the path of its API.
    pub endpoint: String,
    /// How it is asked.
    #[serde(default)]
    pub api: ServiceApi,
    /// The model's name there.
    pub remote_model: String,
    /// Where its key is; `None` for a service that needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeySource>,
    /// The components to ask for, of models that can shorten their embeddings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<NonZeroUsize>,
    /// Whether embeddings are scaled to length 1; `None` leaves them as the service gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    /// Whether the service may cut what is too long for the model, which it does not tell; else it refuses it.
    #[serde(default)]
    pub truncate: bool,
    /// What it can take.
    #[serde(default)]
    pub limits: ServiceLimits,
}

impl ServiceSettings {
    /// Describes a model of a service that needs no key; the other fields say what else there is.
    ///
    /// ```
    /// use huedb::embed::{ServiceApi, ServiceSettings};
    ///
    /// let ollama = ServiceSettings::new(ServiceApi::Ollama, "http://localhost:11434", "nomic-embed-text");
    /// assert!(ollama.key.is_none() && !ollama.truncate);
    /// ```
    #[must_use]
    pub fn new(api: ServiceApi, endpoint: impl Into<String>, remote_model: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            api,
            remote_model: remote_model.into(),
            key: None,
            dimensions: None,
            normalize: None,
            truncate: false,
            limits: ServiceLimits::default(),
        }
    }

    pub(super) fn texts_at_once(&self) -> NonZeroUsize {
        self.limits.texts.unwrap_or_else(|| self.api.texts_at_once())
    }
}

/// What a service can take, and how long it is waited for. Rates are those of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceLimits {
    /// Texts of one request; that of the API when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<NonZeroUsize>,
    /// Tokens of one request, as estimated from the bytes of its texts.
    pub tokens: NonZeroUsize,
    /// Requests at once.
    pub concurrency: NonZeroUsize,
    /// Requests in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU64>,
    /// Tokens in a minute, estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<NonZeroU64>,
    /// Milliseconds that a request may take.
    pub timeout_ms: u64,
    /// How often a request that failed is made again.
    pub retries: u32,
    /// Milliseconds to wait before it is; each wait is twice as long as the one before.
    pub retry_wait_ms: u64,
}

impl Default for ServiceLimits {
    /// 100,000 tokens a request, 4 requests at once, 60 s for each, made again up to 5 times after .5 s and longer.
    fn default() -> Self {
        let number = |n| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        Self {
            texts: None,
            tokens: number(100_000),
            concurrency: number(4),
            requests_per_minute: None,
            tokens_per_minute: None,
            timeout_ms: 60_000,
            retries: 5,
            retry_wait_ms: 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_another_version_are_read() {
        let old: ServiceSettings =
            serde_json::from_str(r#"{"endpoint": "http://e", "remote_model": "m", "later": 1}"#).unwrap();
        assert_eq!(old, ServiceSettings::new(ServiceApi::OpenAi, "http://e", "m"));
        let limits: ServiceLimits = serde_json::from_str(r#"{"retries": 1}"#).unwrap();
        assert_eq!(limits, ServiceLimits { retries: 1, ..ServiceLimits::default() });
        let written = serde_json::to_string(&old).unwrap();
        assert_eq!(serde_json::from_str::<ServiceSettings>(&written).unwrap(), old);
    }
}
