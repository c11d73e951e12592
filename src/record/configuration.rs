//! Chroma's configuration of a collection: its `hnsw` object, and the metadata keys it had before (`hnsw:space`).
//!
//! Only what the texts say; what a collection makes of it is the store's business. Invariant: every number that is
//! here is within the bounds of [`Hnsw`], and no field was passed over in silence.

use serde_json::{Map, Value as Json};

use super::{ChromaSettings, Hnsw, Metadata, Space};
use crate::error::{Error, Result};

/// What a configuration says; a part that is `None` is not given.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Configuration {
    /// How distances are measured.
    pub space: Option<Space>,
    /// Candidates kept while a vector is added to the graph.
    pub ef_construction: Option<usize>,
    /// Candidates kept while the graph is searched.
    pub ef_search: Option<usize>,
    /// Edges of a vector.
    pub max_neighbors: Option<usize>,
    /// What means nothing here.
    pub chroma: ChromaSettings,
}

/// Chroma's fields of `hnsw`, each with the name it had as a metadata key.
const FIELDS: [(&str, &str); 8] = [
    ("space", "space"),
    ("ef_construction", "construction_ef"),
    ("ef_search", "search_ef"),
    ("max_neighbors", "M"),
    ("num_threads", "num_threads"),
    ("batch_size", "batch_size"),
    ("sync_threshold", "sync_threshold"),
    ("resize_factor", "resize_factor"),
];

/// Embedding functions of Chroma that are the built-in model.
const BUILT_IN: [&str; 2] = ["default", "onnx_mini_lm_l6_v2"];

const LEGACY: &str = "hnsw:";

impl Configuration {
    /// Reads Chroma's `configuration` object; null says nothing.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a field that is not one of Chroma's, with those there are, or for a bad value.
    pub fn from_json(json: &Json) -> Result<Self> {
        let mut found = Self::default();
        for (name, value) in fields_of("the configuration", json)? {
            match (name.as_str(), value) {
                ("hnsw" | "spann" | "embedding_function", Json::Null) => {}
                ("hnsw", value) => {
                    for (field, value) in fields_of("hnsw", value)? {
                        let known = FIELDS.iter().any(|(known, _)| known == field);
                        if !known {
                            let known = FIELDS.map(|(known, _)| known).join(", ");
                            return Err(unknown("hnsw", field, &known));
                        }
                        found.set(field, value).map_err(|why| Error::argument(format!("hnsw.{field} {why}")))?;
                    }
                }
                // A local Chroma takes only the space from it.
                ("spann", value) => {
                    if json.get("hnsw").is_some_and(|hnsw| !hnsw.is_null()) {
                        return Err(Error::argument("the configuration has both hnsw and spann; give one"));
                    }
                    if let Some(space) = fields_of("spann", value)?.get("space") {
                        found.set("space", space).map_err(|why| Error::argument(format!("spann.space {why}")))?;
                    }
                }
                ("embedding_function", value) => check_function(value)?,
                (other, _) => return Err(unknown("the configuration", other, "hnsw, spann, embedding_function")),
            }
        }
        Ok(found)
    }

    /// Reads the metadata keys that start with `hnsw:`; other keys say nothing.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`] for such a key that is not one of Chroma's, or for a bad value.
    pub fn from_metadata(metadata: &Metadata) -> Result<Self> {
        let mut found = Self::default();
        for (key, value) in metadata.iter() {
            let Some(legacy) = key.strip_prefix(LEGACY) else { continue };
            let invalid = |why| Error::InvalidMetadata { key: key.to_owned(), why };
            let Some((field, _)) = FIELDS.iter().find(|(_, known)| *known == legacy) else {
                let known = FIELDS.map(|(_, known)| format!("{LEGACY}{known}")).join(", ");
                return Err(invalid(format!("is no setting of the index; there are {known}")));
            };
            found.set(field, &value.to_json()).map_err(invalid)?;
        }
        Ok(found)
    }

    fn set(&mut self, field: &str, value: &Json) -> Result<(), String> {
        let whole = || value.as_u64().ok_or_else(|| format!("is a whole number, not {value}"));
        let within = |range: std::ops::RangeInclusive<usize>| {
            let number = usize::try_from(whole()?).unwrap_or(usize::MAX);
            let outside = || format!("is a number from {} to {}, not {value}", range.start(), range.end());
            if range.contains(&number) { Ok(Some(number)) } else { Err(outside()) }
        };
        match field {
            "space" => {
                let known = value.as_str().and_then(|name| name.parse().ok());
                let why = || format!("is one of {}, not {value}", Space::ALL.map(Space::as_str).join(", "));
                self.space = Some(known.ok_or_else(why)?);
            }
            "ef_construction" => self.ef_construction = within(Hnsw::CANDIDATES)?,
            "ef_search" => self.ef_search = within(Hnsw::CANDIDATES)?,
            "max_neighbors" => self.max_neighbors = within(Hnsw::NEIGHBORS)?,
            "num_threads" => self.chroma.num_threads = Some(whole()?),
            "batch_size" => self.chroma.batch_size = Some(whole()?),
            "sync_threshold" => self.chroma.sync_threshold = Some(whole()?),
            _ => self.chroma.resize_factor = Some(value.as_f64().ok_or_else(|| format!("is a number, not {value}"))?),
        }
        Ok(())
    }
}

/// Refuses an embedding function that is not the built-in model.
fn check_function(function: &Json) -> Result<()> {
    let text = |field| function.get(field).and_then(Json::as_str);
    match (text("type"), text("name")) {
        (Some("legacy" | "unknown"), _) => Ok(()),
        (Some("known"), Some(name)) if BUILT_IN.contains(&name) => Ok(()),
        (Some("known"), Some(name)) => Err(Error::InvalidArgument {
            why: format!("Chroma's embedding function {name:?} is not part of huedb"),
            hint: Some("leave it out and name a model with --model; `huedb model list` says which there are".into()),
        }),
        _ => Err(Error::argument("embedding_function is an object with a type: known, legacy or unknown")),
    }
}

fn fields_of<'j>(what: &str, json: &'j Json) -> Result<&'j Map<String, Json>> {
    json.as_object().ok_or_else(|| Error::argument(format!("{what} is a JSON object, not {json}")))
}

fn unknown(what: &str, field: &str, known: &str) -> Error {
    Error::InvalidArgument {
        why: format!("{what} has no field {field:?}"),
        hint: Some(format!("its fields are {known}")),
    }
}
