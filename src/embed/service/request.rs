//! What is sent to each API for some texts.
//!
//! Sends nothing. Invariant: a service is told not to cut texts, wherever it can be told, unless the settings let it: what
//! was cut silently would not be found.

use serde_json::{Value as Json, json};

use super::settings::{ServiceApi, ServiceSettings};
use crate::embed::TextRole;

/// Returns the body of a request. `as_floats` asks for no base64, which some services of that form refuse.
pub(super) fn body(settings: &ServiceSettings, as_floats: bool, texts: &[&str], role: TextRole) -> String {
    let ServiceSettings { remote_model: model, dimensions, truncate, normalize, .. } = settings;
    let mut body = match settings.api {
        ServiceApi::OpenAi if as_floats => json!({"model": model, "input": texts}),
        ServiceApi::OpenAi => json!({"model": model, "input": texts, "encoding_format": "base64"}),
        ServiceApi::Ollama => json!({"model": model, "input": texts, "truncate": truncate}),
        ServiceApi::Tei => json!({"inputs": texts, "truncate": truncate}),
        ServiceApi::Cohere => json!({
            "model": model,
            "texts": texts,
            "input_type": if role == TextRole::Query { "search_query" } else { "search_document" },
            "embedding_types": ["float"],
            "truncate": if *truncate { "END" } else { "NONE" },
        }),
        ServiceApi::Voyage => json!({
            "model": model,
            "input": texts,
            "input_type": if role == TextRole::Query { "query" } else { "document" },
            "truncation": truncate,
        }),
    };
    let mut set = |name: &str, value: Option<Json>| {
        if let (Some(body), Some(value)) = (body.as_object_mut(), value) {
            body.insert(name.to_owned(), value);
        }
    };
    let name = match settings.api {
        ServiceApi::OpenAi | ServiceApi::Ollama | ServiceApi::Tei => "dimensions",
        ServiceApi::Cohere | ServiceApi::Voyage => "output_dimension",
    };
    set(name, dimensions.map(|dimensions| dimensions.get().into()));
    if settings.api == ServiceApi::Tei {
        set("normalize", normalize.map(Json::from));
    }
    body.to_string()
}
