//! Chroma's configuration of a collection: its `hnsw` object, and the metadata keys it had before (`hnsw:space`).
//!
//! Only what the texts say; what a collection makes of it is the store's business. Invariant: every number that is
//! here is within the bounds of [`Hnsw`], and a field that was passed over is in [`Configuration::passed_over`].

use serde_json::{Map, Value as Json, json};

use super::{ChromaSettings, Fingerprint, Hnsw, Metadata, Space};
use crate::error::{Advice, Error, Result};

/// What a configuration says; a part that is `None` is not given.
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// What embeds its texts.
    pub function: Option<EmbeddingFunction>,
    /// Whether it is in Chroma's other form, of which only the space counts.
    pub is_spann: bool,
    /// What it says that nobody reads, a sentence each.
    pub passed_over: Vec<String>,
}

/// An embedding function, as Chroma's configuration tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddingFunction {
    /// Chroma's default one, which is the built-in model.
    BuiltIn,
    /// One that cannot be written down.
    Unknown,
    /// One from before functions were written down.
    Legacy,
}

impl EmbeddingFunction {
    /// Returns what Chroma is told of a collection's model.
    #[must_use]
    pub fn of(embedder: Option<&Fingerprint>) -> Option<Self> {
        embedder.map(|embedder| if embedder.model == BUILT_IN_MODEL { Self::BuiltIn } else { Self::Unknown })
    }

    /// Reads Chroma's JSON of one, and refuses one that is not the built-in model.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn from_json(function: &Json) -> Result<Self> {
        let text = |field| function.get(field).and_then(Json::as_str);
        match (text("type"), text("name")) {
            (Some("legacy"), _) => Ok(EmbeddingFunction::Legacy),
            (Some("unknown"), _) => Ok(EmbeddingFunction::Unknown),
            (Some("known"), Some(name)) if BUILT_IN.contains(&name) => Ok(EmbeddingFunction::BuiltIn),
            (Some("known"), Some(name)) => Err(Error::InvalidArgument {
                why: format!("Chroma's embedding function {name:?} is not part of huedb"),
                hint: Some(Advice::NameModel),
            }),
            _ => Err(Error::argument("embedding_function is an object with a type: known, legacy or unknown")),
        }
    }

    /// Returns Chroma's JSON of it.
    #[must_use]
    pub fn to_json(self) -> Json {
        match self {
            Self::BuiltIn => json!({"type": "known", "name": "default", "config": {}}),
            Self::Unknown => json!({"type": "unknown"}),
            Self::Legacy => json!({"type": "legacy"}),
        }
    }
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

/// Fields of `spann`.
const SPANN_FIELDS: [&str; 9] = [
    "search_nprobe",
    "write_nprobe",
    "space",
    "ef_construction",
    "ef_search",
    "max_neighbors",
    "reassign_neighbor_count",
    "split_threshold",
    "merge_threshold",
];

/// The model whose embeddings Chroma's default embedding function makes.
const BUILT_IN_MODEL: &str = "all-MiniLM-L6-v2";

/// Embedding functions of Chroma that are the built-in model.
const BUILT_IN: [&str; 2] = ["default", "onnx_mini_lm_l6_v2"];

const LEGACY: &str = "hnsw:";

/// What Chroma checks of its old keys, and not of the configuration.
const AT_LEAST_TWO: [&str; 2] = ["batch_size", "sync_threshold"];

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
                    // Null is the default.
                    for (field, value) in fields_of("hnsw", value)?.iter().filter(|(_, value)| !value.is_null()) {
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
                    found.is_spann = true;
                    let fields = fields_of("spann", value)?;
                    if let Some(field) = fields.keys().find(|field| !SPANN_FIELDS.contains(&field.as_str())) {
                        return Err(unknown("spann", field, &SPANN_FIELDS.join(", ")));
                    }
                    if let Some(space) = fields.get("space").filter(|space| !space.is_null()) {
                        found.set("space", space).map_err(|why| Error::argument(format!("spann.space {why}")))?;
                    }
                }
                ("embedding_function", value) => found.function = Some(EmbeddingFunction::from_json(value)?),
                // As in Chroma.
                (other, _) => found.passed_over.push(format!(
                    "the configuration has no field {other:?}, and it is ignored; its fields are hnsw, spann, \
                     embedding_function"
                )),
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
            let value = value.to_json();
            if AT_LEAST_TWO.contains(field) && value.as_u64().is_some_and(|number| number < 2) {
                return Err(invalid(format!("is a number from 2, not {value}")));
            }
            found.set(field, &value).map_err(invalid)?;
        }
        Ok(found)
    }

    /// Takes a collection's metadata keys into account: as in Chroma they count where all that the configuration says of
    /// the index is Chroma's default, and else none of them does.
    #[must_use]
    pub fn with_old_keys(mut self, old: &Self) -> Self {
        if self.is_chromas_default() {
            return Self {
                space: old.space.or(self.space),
                ef_construction: old.ef_construction.or(self.ef_construction),
                ef_search: old.ef_search.or(self.ef_search),
                max_neighbors: old.max_neighbors.or(self.max_neighbors),
                chroma: old.chroma.or(self.chroma),
                ..self
            };
        }
        let differ = [
            ("space", old.space.is_some() && old.space != self.space),
            ("construction_ef", old.ef_construction.is_some() && old.ef_construction != self.ef_construction),
            ("search_ef", old.ef_search.is_some() && old.ef_search != self.ef_search),
            ("M", old.max_neighbors.is_some() && old.max_neighbors != self.max_neighbors),
        ];
        for (key, _) in differ.into_iter().filter(|(_, differs)| *differs) {
            self.passed_over.push(format!(
                "{LEGACY}{key} in the metadata changes nothing beside a configuration of the index, as in Chroma"
            ));
        }
        self
    }

    /// Returns whether what is said of the index is what Chroma takes when nothing is said.
    fn is_chromas_default(&self) -> bool {
        let ChromaSettings { num_threads, batch_size, sync_threshold, resize_factor } = self.chroma;
        !self.is_spann
            && self.space.is_none_or(|space| space == Space::L2)
            && self.ef_construction.is_none_or(|ef| ef == 100)
            && self.ef_search.is_none_or(|ef| ef == 100)
            && self.max_neighbors.is_none_or(|neighbors| neighbors == 16)
            && num_threads.is_none()
            && batch_size.is_none_or(|size| size == 100)
            && sync_threshold.is_none_or(|threshold| threshold == 1000)
            && resize_factor.is_none_or(|factor| factor.total_cmp(&1.2).is_eq())
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

fn fields_of<'j>(what: &str, json: &'j Json) -> Result<&'j Map<String, Json>> {
    json.as_object().ok_or_else(|| Error::argument(format!("{what} is a JSON object, not {json}")))
}

fn unknown(what: &str, field: &str, known: &str) -> Error {
    Error::InvalidArgument {
        why: format!("{what} has no field {field:?}"),
        hint: Some(format!("its fields are {known}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Chroma 1.5.9 answered to these; ours is cosine where nothing is said.
    #[test]
    fn old_keys_count_beside_a_default_configuration() {
        use Space::{Cosine, Ip, L2};
        for (metadata, configuration, space, neighbors, told) in [
            (json!({"hnsw:space": "ip"}), json!({}), Some(Ip), None, 0),
            (json!({"hnsw:space": "ip"}), json!({"embedding_function": null}), Some(Ip), None, 0),
            (json!({"hnsw:space": "ip"}), json!({"hnsw": {}}), Some(Ip), None, 0),
            (json!({"hnsw:space": "ip"}), json!({"hnsw": null}), Some(Ip), None, 0),
            (json!({"hnsw:space": "ip"}), json!({"hnsw": {"ef_search": 100, "space": null}}), Some(Ip), None, 0),
            (json!({"hnsw:space": "ip"}), json!({"hnsw": {"space": "l2"}}), Some(Ip), None, 0),
            (json!({"hnsw:M": 9}), json!({"hnsw": {"space": "l2"}}), Some(L2), Some(9), 0),
            (json!({"hnsw:M": 9}), json!({"hnsw": {"space": "cosine"}}), Some(Cosine), None, 1),
            (json!({"hnsw:space": "ip"}), json!({"hnsw": {"space": "cosine"}}), Some(Cosine), None, 1),
            (json!({"hnsw:space": "cosine"}), json!({"hnsw": {"space": "cosine"}}), Some(Cosine), None, 0),
            (json!({"hnsw:space": "ip"}), json!({"hnsw": {"ef_search": 101}}), None, None, 1),
            (json!({"hnsw:space": "ip"}), json!({"hnsw": {"num_threads": 3}}), None, None, 1),
            (json!({"hnsw:space": "ip"}), json!({"hnsw": {"batch_size": 50}}), None, None, 1),
            (json!({"hnsw:space": "ip"}), json!({"spann": {}}), None, None, 1),
            (json!({"hnsw:space": "ip"}), json!({"spann": {"space": "cosine"}}), Some(Cosine), None, 1),
            (json!({"a": 1}), json!({"hnsw": {"space": "l2"}, "more": 1}), Some(L2), None, 1),
        ] {
            let old = Configuration::from_metadata(&Metadata::from_json(metadata.clone()).unwrap()).unwrap();
            let found = Configuration::from_json(&configuration).unwrap().with_old_keys(&old);
            let said = (found.space, found.max_neighbors, found.passed_over.len());
            assert_eq!(said, (space, neighbors, told), "{metadata} {configuration}");
        }
    }

    #[test]
    fn bounds_are_chromas() {
        let configuration = |field: &str, value: Json| Configuration::from_json(&json!({"hnsw": {field: value}}));
        for (field, least) in [("max_neighbors", 2), ("ef_search", 1), ("ef_construction", 1)] {
            assert!(configuration(field, json!(least)).is_ok() && configuration(field, json!(least - 1)).is_err());
            assert_eq!(configuration(field, Json::Null).unwrap(), Configuration::default());
        }
        for (key, least) in
            [("sync_threshold", 2), ("batch_size", 2), ("M", 2), ("search_ef", 1), ("construction_ef", 1)]
        {
            let of = |value: i32| {
                let key = format!("{LEGACY}{key}");
                Configuration::from_metadata(&Metadata::from_json(json!({ key: value })).unwrap())
            };
            assert!(of(least).is_ok() && of(least - 1).is_err(), "{key}");
        }
        assert!(configuration("sync_threshold", json!(1)).is_ok());
        assert!(configuration("ef", json!(1)).is_err());
        assert!(Configuration::from_json(&json!({"spann": {"ef": 1}})).is_err());
    }
}
