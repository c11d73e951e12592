//! What kind of encoder a model is, by its `config.json`, and where its weights stand.
//!
//! Invariant: only what the encoder in the program computes as the model's authors do is recognised; whatever else the file
//! says is refused by name.

use serde::Deserialize;
use serde_json::Value;

use super::super::encoder::{DISTANCES, Head};

/// Models whose layers are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// BERT.
    Bert,
    /// `RoBERTa` and XLM-R: positions are counted from the one after the padding's.
    Roberta,
    /// `MPNet`: no segments, and a bias of attention by distance.
    Mpnet,
}

const FAMILIES: [(&str, Family); 5] = [
    ("bert", Family::Bert),
    ("roberta", Family::Roberta),
    ("xlm-roberta", Family::Roberta),
    ("camembert", Family::Roberta),
    ("mpnet", Family::Mpnet),
];

/// An encoder that can be converted.
#[derive(Debug)]
pub(super) struct Architecture {
    pub(super) family: Family,
    pub(super) head: Head,
    /// Rows of the table of segments in the model's files, of which only the first is used.
    pub(super) segments: usize,
}

/// The settings of `config.json` that decide what is computed; those that are missing are as transformers has them.
#[derive(Deserialize)]
struct Config {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "smallest_epsilon")]
    layer_norm_eps: f32,
    #[serde(default = "gelu")]
    hidden_act: Value,
    position_embedding_type: Option<String>,
    pad_token_id: Option<usize>,
    #[serde(default = "distances")]
    relative_attention_num_buckets: usize,
    #[serde(default)]
    is_decoder: bool,
    #[serde(default, rename = "quantization_config")]
    quantization: Value,
}

fn two() -> usize {
    2
}

fn smallest_epsilon() -> f32 {
    1e-12
}

fn gelu() -> Value {
    "gelu".into()
}

fn distances() -> usize {
    DISTANCES
}

impl Architecture {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// What of it the encoder in the program does not do.
    pub(super) fn of_config(json: &[u8]) -> Result<Self, String> {
        let said = |why: String| format!("config.json: {why}");
        let value: Value = serde_json::from_slice(json).map_err(|error| said(error.to_string()))?;
        let kind = value.get("model_type").and_then(Value::as_str).unwrap_or_default();
        let Some((_, family)) = FAMILIES.iter().find(|(name, _)| *name == kind) else {
            let known: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
            return Err(said(format!("its model_type {kind:?} is none of {}", known.join(", "))));
        };
        let config = Config::deserialize(value).map_err(|error| said(error.to_string()))?;
        config.refuse_others().map_err(said)?;
        let head = Head {
            hidden: config.hidden_size,
            feed_forward: config.intermediate_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            rows: [config.vocab_size, config.max_position_embeddings, usize::from(*family != Family::Mpnet)],
            scale_by_row: true,
            first_position: match family {
                Family::Bert => 0,
                Family::Roberta => config.pad_token_id.unwrap_or(1).saturating_add(1),
                Family::Mpnet => 2,
            },
            distances: if *family == Family::Mpnet { config.relative_attention_num_buckets } else { 0 },
            epsilon: config.layer_norm_eps,
            wide: true,
        };
        head.check().map_err(said)?;
        Ok(Self { family: *family, head, segments: config.type_vocab_size })
    }
}

impl Config {
    fn refuse_others(&self) -> Result<(), String> {
        if !["gelu", "gelu_python"].iter().any(|known| self.hidden_act == *known) {
            return Err(format!("its hidden_act {} is not gelu", self.hidden_act));
        }
        match self.position_embedding_type.as_deref() {
            None | Some("absolute") => {}
            Some(other) => return Err(format!("its position_embedding_type {other:?} is not absolute")),
        }
        if self.is_decoder {
            return Err("it is a decoder".to_owned());
        }
        if !self.quantization.is_null() {
            return Err("its weights are quantised already".to_owned());
        }
        Ok(())
    }
}

/// Where the parts of a layer stand.
pub(super) struct Places {
    pub(super) query_key_value: [String; 3],
    pub(super) output: String,
    pub(super) attention_norm: String,
    pub(super) up: String,
    pub(super) down: String,
    pub(super) norm: String,
}

impl Places {
    pub(super) fn of(family: Family, layer: usize) -> Self {
        let place = |part: &str| format!("encoder/layer.{layer}/{part}");
        let (inside, [query, key, value], output, norm) = match family {
            Family::Mpnet => ("attention/attn", ["q", "k", "v"], "attention/attn/o", "attention/LayerNorm"),
            Family::Bert | Family::Roberta => {
                let parts = ["query", "key", "value"];
                ("attention/self", parts, "attention/output/dense", "attention/output/LayerNorm")
            }
        };
        Self {
            query_key_value: [query, key, value].map(|part| place(&format!("{inside}/{part}"))),
            output: place(output),
            attention_norm: place(norm),
            up: place("intermediate/dense"),
            down: place("output/dense"),
            norm: place("output/LayerNorm"),
        }
    }
}
