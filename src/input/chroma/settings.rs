//! What a collection's configuration says, in every form that Chroma's programs have written it in.
//!
//! A collection that exists is described, not judged: what is missing is Chroma's default, and what is outside of what a
//! graph here can be is brought inside. Invariant: what leaves is within the bounds of [`Hnsw`].

use serde_json::Value as Json;

use crate::record::{ChromaSettings, Hnsw, Metadata, Space, Value};

/// A collection's settings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParsedSettings {
    pub(super) space: Space,
    pub(super) hnsw: Hnsw,
    pub(super) chroma: ChromaSettings,
    /// What embeds its texts, where that is said.
    pub(super) function: Option<String>,
    /// Whether a number was brought inside of its bounds.
    pub(super) is_changed: bool,
}

/// Reads what is stored of a collection: its configuration, its schema and the metadata keys that old programs used.
pub(super) fn settings(
    configuration: Option<&Json>,
    schema: Option<&Json>,
    metadata: Option<&Metadata>,
) -> ParsedSettings {
    let vector_index = |types: &Json| types.pointer("/float_list/vector_index/config").cloned();
    // 1.1 and later.
    let schema = schema.and_then(|schema| {
        schema.pointer("/keys/#embedding").and_then(vector_index).or_else(|| vector_index(schema.get("defaults")?))
    });
    // A server's answer, then what 1.0 wrote.
    let index = schema.as_ref().or_else(|| {
        configuration
            .and_then(|whole| whole.get("vector_index").or_else(|| Some(whole).filter(|c| c.get("hnsw").is_some())))
    });
    let function = schema.as_ref().or(configuration).and_then(|said| said.get("embedding_function"));
    if let Some(index) = index {
        let within = |part: &str, name: &str| index.get(part).and_then(|part| part.get(name));
        return read(function, |name| {
            within("hnsw", name).or_else(|| within("spann", name)).or_else(|| index.get(name)).cloned()
        });
    }
    // Before 1.0 what the metadata said counted, whatever the configuration.
    let old = configuration.and_then(|whole| whole.get("hnsw_configuration"));
    read(function, |name| {
        let key = match name {
            "ef_construction" => "construction_ef",
            "ef_search" => "search_ef",
            "max_neighbors" => "M",
            other => other,
        };
        let said = metadata.and_then(|metadata| metadata.get(&format!("hnsw:{key}"))).map(Value::to_json);
        let old = |name: &str| old.and_then(|old| old.get(name)).cloned();
        said.or_else(|| old(name)).or_else(|| old(key))
    })
}

fn read(function: Option<&Json>, field: impl Fn(&str) -> Option<Json>) -> ParsedSettings {
    let number = |name: &str, usual: usize| {
        field(name).and_then(|n| n.as_u64()).map_or(usual, |n| usize::try_from(n).unwrap_or(usize::MAX))
    };
    // Chroma's defaults.
    let said = Hnsw {
        ef_construction: number("ef_construction", 100),
        ef_search: number("ef_search", 100),
        max_neighbors: number("max_neighbors", 16),
    };
    let inside = |n: usize, range: std::ops::RangeInclusive<usize>| n.clamp(*range.start(), *range.end());
    let hnsw = Hnsw {
        ef_construction: inside(said.ef_construction, Hnsw::CANDIDATES),
        ef_search: inside(said.ef_search, Hnsw::CANDIDATES),
        max_neighbors: inside(said.max_neighbors, Hnsw::NEIGHBORS),
    };
    let whole = |name: &str| field(name).and_then(|n| n.as_u64());
    ParsedSettings {
        space: field("space").and_then(|space| space.as_str()?.parse().ok()).unwrap_or(Space::L2),
        hnsw,
        chroma: ChromaSettings {
            num_threads: whole("num_threads"),
            batch_size: whole("batch_size"),
            sync_threshold: whole("sync_threshold"),
            resize_factor: field("resize_factor").and_then(|n| n.as_f64()),
        },
        function: function.and_then(name_of),
        is_changed: hnsw != said,
    }
}

/// Returns what an embedding function is called, with its model where it has one.
fn name_of(function: &Json) -> Option<String> {
    let name = function.get("name")?.as_str()?;
    let config = function.get("config");
    let model = ["model_name", "model", "model_id"].into_iter().find_map(|key| config?.get(key)?.as_str());
    Some(match (name, model) {
        ("default" | "onnx_mini_lm_l6_v2", _) => "all-MiniLM-L6-v2 in f32".to_owned(),
        (name, Some(model)) => format!("{name} {model}"),
        (name, None) => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(configuration: &Json, schema: &Json, metadata: &Json) -> ParsedSettings {
        let some = |json: &&Json| !json.is_null();
        let metadata = Some(metadata).filter(some).map(|json| Metadata::from_json(json.clone()).unwrap());
        settings(Some(configuration).filter(some), Some(schema).filter(some), metadata.as_ref())
    }

    #[test]
    fn every_form_is_read() {
        let index = json!({"space": "cosine", "hnsw": {"ef_search": 33, "max_neighbors": 24}, "embedding_function": {"type": "known", "name": "default"}});
        let schema = json!({"keys": {"#embedding": {"float_list": {"vector_index": {"config": index}}}}});
        let found = read(&json!({}), &schema, &Json::Null);
        assert_eq!((found.space, found.hnsw.ef_search, found.hnsw.max_neighbors), (Space::Cosine, 33, 24));
        assert_eq!(found.function.as_deref(), Some("all-MiniLM-L6-v2 in f32"));
        let function = json!({"type": "known", "name": "openai", "config": {"model_name": "ada"}});
        let of_a_server =
            json!({"hnsw": {"space": "ip", "ef_construction": 5000}, "spann": null, "embedding_function": function});
        let found = read(&of_a_server, &Json::Null, &json!({"hnsw:space": "l2"}));
        assert_eq!((found.space, found.hnsw.ef_construction, found.is_changed), (Space::Ip, 4096, true));
        assert_eq!(found.function.as_deref(), Some("openai ada"));
        let found = read(&json!({"hnsw": null, "spann": {"space": "cosine"}}), &Json::Null, &Json::Null);
        assert_eq!(found.space, Space::Cosine);
        let of_1_0 =
            json!({"vector_index": {"hnsw": {"space": "cosine", "sync_threshold": 7}}, "embedding_function": null});
        let found = read(&of_1_0, &Json::Null, &Json::Null);
        assert_eq!((found.space, found.chroma.sync_threshold, found.function), (Space::Cosine, Some(7), None));
        let of_0_6 = json!({"hnsw_configuration": {"space": "l2", "ef_search": 10, "M": 16, "num_threads": 2}});
        let found = read(&of_0_6, &Json::Null, &json!({"hnsw:space": "cosine", "hnsw:M": 1, "hnsw:search_ef": 9}));
        assert_eq!((found.space, found.hnsw.ef_search, found.hnsw.max_neighbors), (Space::Cosine, 9, 2));
        assert_eq!((found.chroma.num_threads, found.is_changed), (Some(2), true));
        let found = read(&Json::Null, &Json::Null, &Json::Null);
        assert_eq!((found.space, found.hnsw.ef_search, found.is_changed), (Space::L2, 100, false));
    }
}
