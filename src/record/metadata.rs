//! Metadata of a record or a collection, and a change to it.
//!
//! Invariant: keys are not empty and do not start with `#`, `$` or `chroma:`. Keys are kept in order, so the
//! same metadata is always written the same way.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::Value;
use super::value::beyond_integers;
use crate::error::{Error, Result};

/// Keys and values; an empty map is Chroma's `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metadata(BTreeMap<String, Value>);

/// A change to metadata: a value sets its key, `None` removes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MetadataPatch(BTreeMap<String, Option<Value>>);

/// The longest metadata key, which stands in every entry of the index of its values.
pub const MAX_METADATA_KEY_BYTES: usize = 64 << 10;

/// Refuses a key that no metadata can have.
///
/// # Errors
/// [`Error::InvalidMetadata`] with the rule it breaks.
pub fn check_key(key: &str) -> Result<()> {
    let why = if key.is_empty() {
        "a key has at least one character"
    } else if key.starts_with(['#', '$']) {
        "a key must not start with '#' or '$'"
    } else if key.len() > MAX_METADATA_KEY_BYTES {
        let start: String = key.chars().take(64).collect();
        let why = format!("it has {} bytes; the maximum is {MAX_METADATA_KEY_BYTES}", key.len());
        return Err(Error::InvalidMetadata { key: format!("{start}..."), why });
    } else if key.starts_with("chroma:") {
        "keys that start with 'chroma:' are Chroma's own"
    } else {
        return Ok(());
    };
    Err(Error::InvalidMetadata { key: key.to_owned(), why: why.into() })
}

impl Metadata {
    /// Sets a key.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`] for a key that is not allowed.
    pub fn insert(&mut self, key: impl Into<String>, value: Value) -> Result<()> {
        let key = key.into();
        check_key(&key)?;
        self.0.insert(key, value);
        Ok(())
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Takes a key away.
    #[cfg(feature = "foreign")]
    pub(crate) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Returns whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Visits keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// Merges a change: set keys replace, null keys delete (Chroma's update and upsert rule).
    pub fn merge(&mut self, patch: MetadataPatch) {
        for (key, value) in patch.0 {
            match value {
                Some(value) => drop(self.0.insert(key, value)),
                None => drop(self.0.remove(&key)),
            }
        }
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`] for a key or a value that is not allowed, null among them.
    pub fn from_json(json: Json) -> Result<Self> {
        MetadataPatch::from_json(json)?.into_metadata()
    }

    /// Returns the metadata as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::Object(self.0.iter().map(|(k, v)| (k.clone(), v.to_json())).collect())
    }
}

impl MetadataPatch {
    /// Sets a key, or removes it with `None`.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`] for a key that is not allowed.
    pub fn insert(&mut self, key: impl Into<String>, value: Option<Value>) -> Result<()> {
        let key = key.into();
        check_key(&key)?;
        self.0.insert(key, value);
        Ok(())
    }

    /// Leaves a key as it is.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Returns whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Visits keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&Value>)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_ref()))
    }

    /// Reads a JSON object whose values may be null, or JSON null for no change.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`] for a key or a value that is not allowed.
    pub fn from_json(json: Json) -> Result<Self> {
        let object = match json {
            Json::Null => return Ok(Self::default()),
            Json::Object(object) => object,
            other => {
                return Err(Error::argument(format!("metadata is a JSON object of keys and values, not {other}")));
            }
        };
        let mut patch = Self::default();
        for (key, value) in object {
            let value = match value {
                Json::Null => None,
                json => Some(Value::from_json(json).map_err(|why| Error::InvalidMetadata { key: key.clone(), why })?),
            };
            patch.insert(key, value)?;
        }
        Ok(patch)
    }

    /// Reads a JSON object as it is written, so that an integer of any length is seen whole.
    ///
    /// # Errors
    /// `Err` of `serde_json` for what is no JSON; else as [`MetadataPatch::from_json`].
    pub fn from_json_text(text: &str) -> serde_json::Result<Result<Self>> {
        if !text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map(Self::from_json);
        }
        if beyond_integers(text).is_none() {
            let EachOnce(fields): EachOnce<Json> = serde_json::from_str(text)?;
            return Ok(Self::from_json(Json::Object(fields.into_iter().collect())));
        }
        let EachOnce(fields): EachOnce<&RawValue> = serde_json::from_str(text)?;
        let mut patch = Self::default();
        for (key, value) in fields {
            let value = match value.get() {
                "null" => None,
                text => match Value::from_json_text(text) {
                    Ok(value) => Some(value),
                    Err(why) => return Ok(Err(Error::InvalidMetadata { key, why })),
                },
            };
            if let Err(error) = patch.insert(key, value) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(patch))
    }

    /// Returns whether a key is to be set or removed.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Refuses what a new record cannot have.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`] when a value is null: there is nothing to delete.
    pub fn check_new(&self) -> Result<()> {
        match self.iter().find(|(_, value)| value.is_none()) {
            Some((key, _)) => {
                Err(Error::InvalidMetadata { key: key.to_owned(), why: "is null; leave the key out instead".into() })
            }
            None => Ok(()),
        }
    }

    /// Returns the metadata of a new record.
    ///
    /// # Errors
    /// As [`MetadataPatch::check_new`].
    pub fn into_metadata(self) -> Result<Metadata> {
        self.check_new()?;
        Ok(self.into_metadata_dropping_nulls())
    }

    /// Returns the metadata of a new record, without the keys that are null (Chroma's upsert of a new id).
    #[must_use]
    pub fn into_metadata_dropping_nulls(self) -> Metadata {
        Metadata(self.0.into_iter().filter_map(|(k, v)| v.map(|v| (k, v))).collect())
    }
}

/// The fields of a JSON object, in which no key may stand twice: which of the two is meant nobody can know.
pub(crate) struct EachOnce<V>(pub(crate) BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for EachOnce<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EachOnceVisitor(PhantomData))
    }
}

struct EachOnceVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for EachOnceVisitor<V> {
    type Value = EachOnce<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EachOnce<V>, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, V>()? {
            match fields.entry(key) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(place) => return Err(A::Error::custom(format!("has the key {:?} twice", place.key()))),
            };
        }
        Ok(EachOnce(fields))
    }
}

impl From<Metadata> for MetadataPatch {
    fn from(metadata: Metadata) -> Self {
        Self(metadata.0.into_iter().map(|(k, v)| (k, Some(v))).collect())
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for MetadataPatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merge_sets_and_deletes() {
        let mut metadata = Metadata::from_json(json!({"a": 1, "b": "x"})).unwrap();
        metadata.merge(MetadataPatch::from_json(json!({"a": null, "c": [1, 2]})).unwrap());
        assert_eq!(metadata.to_json(), json!({"b": "x", "c": [1, 2]}));
    }

    #[test]
    fn keys_of_chroma_and_of_the_filters_are_refused() {
        for key in ["", "#id", "$and", "chroma:document"] {
            assert!(Metadata::default().insert(key, Value::Bool(true)).is_err(), "{key}");
        }
        assert!(Metadata::from_json(json!({"a": null})).is_err());
    }
}
