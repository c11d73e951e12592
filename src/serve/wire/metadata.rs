//! Metadata of a request.
//!
//! A value of no type that is known is 422 with its place, as in Chroma; a key that may not be is the handler's to refuse, with
//! 400. Integers beyond 64 bits are refused, which Chroma makes floats of: two ids of twenty digits would become equal.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value as Json;

use crate::record::{MetadataPatch, Value, check_key};

/// Metadata as it was sent, or a change to it: values in the order they came, `None` for null.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::serve) struct SentMetadata(Vec<(String, Option<Value>)>);

impl SentMetadata {
    /// Returns it as a change; `None` where a key may not be.
    pub(in crate::serve) fn patch(self) -> Option<MetadataPatch> {
        let mut patch = MetadataPatch::default();
        for (key, value) in self.0 {
            patch.insert(key, value).ok()?;
        }
        Some(patch)
    }

    /// Returns the first key that may not be.
    pub(in crate::serve) fn bad_key(&self) -> Option<&str> {
        self.0.iter().find(|(key, _)| check_key(key).is_err()).map(|(key, _)| key.as_str())
    }

    /// Leaves out the keys whose value is null.
    pub(in crate::serve) fn without_nulls(mut self) -> Self {
        self.0.retain(|(_, value)| value.is_some());
        self
    }

    /// Returns the first key whose value is null.
    pub(in crate::serve) fn null_key(&self) -> Option<&str> {
        self.0.iter().find(|(_, value)| value.is_none()).map(|(key, _)| key.as_str())
    }
}

impl<'de> Deserialize<'de> for SentMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetadataVisitor)
    }
}

struct MetadataVisitor;

impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = SentMetadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SentMetadata, A::Error> {
        let mut values: Vec<(String, Option<Value>)> = Vec::with_capacity(map.size_hint().unwrap_or(4));
        while let Some(key) = map.next_key::<String>()? {
            let SentValue(value) = map.next_value()?;
            if values.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format!("duplicate field `{key}`")));
            }
            values.push((key, value));
        }
        Ok(SentMetadata(values))
    }
}

struct SentValue(Option<Value>);

impl<'de> Deserialize<'de> for SentValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Null => Ok(Self(None)),
            json => Value::from_json(json).map(|value| Self(Some(value))).map_err(|why| {
                D::Error::custom(format!("data did not match any variant of untagged enum MetadataValue: it {why}"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_typed_and_nulls_kept_apart() {
        let sent: SentMetadata = serde_json::from_str(r#"{"a":1,"b":null,"c":["x"],"d":1.0}"#).unwrap();
        assert_eq!(sent.null_key(), Some("b"));
        let patch = MetadataPatch::from_json(json!({"a": 1, "b": null, "c": ["x"], "d": 1.0})).unwrap();
        assert_eq!(sent.patch(), Some(patch));
        assert_eq!(SentMetadata(vec![("#id".into(), None)]).patch(), None);
    }

    #[test]
    fn what_is_no_metadata_is_refused_with_its_place() {
        for (json, why) in [
            ("[]", "invalid type: sequence, expected a map"),
            (r#"{"a":{"b":1}}"#, "a: data did not match any variant of untagged enum MetadataValue"),
            (r#"{"a":[1,"x"]}"#, "a: data did not match"),
            (r#"{"a":[]}"#, "a: data did not match"),
            (r#"{"a":18446744073709551615}"#, "a: data did not match"),
            (r#"{"a":1,"a":2}"#, "duplicate field `a`"),
        ] {
            let mut reader = serde_json::Deserializer::from_str(json);
            let error = serde_path_to_error::deserialize::<_, SentMetadata>(&mut reader).unwrap_err().to_string();
            assert!(error.contains(why), "{json}: {error}");
        }
    }
}
