//! Sparse vectors: term numbers and their weights, as Chroma writes them in metadata.
//!
//! Invariant: indices ascend strictly, weights are finite, and every index has one weight (and one token, where
//! tokens are kept).

use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value as Json, json};

/// What marks a JSON object as a sparse vector.
pub(crate) const TYPE_KEY: &str = "#type";
const TYPE_NAME: &str = "sparse_vector";

/// Weights of some of 2^32 dimensions; the others are zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseVector {
    indices: Vec<u32>,
    values: Vec<f32>,
    tokens: Option<Vec<String>>,
}

impl SparseVector {
    /// Takes indices, their weights and, where they are kept, the tokens they stand for.
    ///
    /// # Errors
    /// A sentence that names the rule broken.
    pub fn new(indices: Vec<u32>, values: Vec<f32>, tokens: Option<Vec<String>>) -> Result<Self, String> {
        if indices.len() != values.len() {
            return Err(format!("has {} indices and {} values", indices.len(), values.len()));
        }
        if let Some(tokens) = tokens.as_ref().filter(|tokens| tokens.len() != indices.len()) {
            return Err(format!("has {} indices and {} tokens", indices.len(), tokens.len()));
        }
        if !indices.is_sorted_by(|a, b| a < b) {
            return Err("has indices that do not ascend strictly".into());
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err("has a value that is not a finite number".into());
        }
        Ok(Self { indices, values, tokens })
    }

    /// Reads Chroma's JSON: `{"indices": [..], "values": [..]}`, with or without `#type` and `tokens`.
    ///
    /// # Errors
    /// A sentence that names the rule broken.
    pub fn from_json(json: Json) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct SparseParts {
            #[serde(rename = "#type")]
            kind: Option<String>,
            indices: Vec<u32>,
            values: Vec<f64>,
            tokens: Option<Vec<String>>,
        }
        let parts: SparseParts = serde_json::from_value(json).map_err(|e| format!("is not a sparse vector: {e}"))?;
        match parts.kind {
            Some(kind) if kind != TYPE_NAME => Err(format!("has the unknown type {kind:?}; there is {TYPE_NAME:?}")),
            _ => Self::new(parts.indices, parts.values.into_iter().map(rounded_once).collect(), parts.tokens)
                .map_err(|why| format!("is a sparse vector that {why}")),
        }
    }

    /// Returns the vector as JSON, its weights as the shortest decimals that are these f32.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let values: Vec<f64> = self.values.iter().copied().map(short).collect();
        let mut object = json!({ TYPE_KEY: TYPE_NAME, "indices": self.indices, "values": values });
        if let (Some(tokens), Some(object)) = (&self.tokens, object.as_object_mut()) {
            object.insert("tokens".into(), tokens.clone().into());
        }
        object
    }

    /// Returns the numbers of the terms.
    #[must_use]
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// Returns the weights, in the order of the indices.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns the tokens the indices stand for, where they are kept.
    #[must_use]
    pub fn tokens(&self) -> Option<&[String]> {
        self.tokens.as_deref()
    }

    /// Visits the terms: number and weight.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.indices.iter().copied().zip(self.values.iter().copied())
    }
}

/// Returns the f64 that is written like an f32: 0.1, not 0.10000000149011612.
#[must_use]
pub fn short(x: f32) -> f64 {
    x.to_string().parse().unwrap_or_else(|_| f64::from(x))
}

/// Rounds the decimal that a number was written as. The f64 nearest to it may lie halfway between two f32 where the
/// decimal itself does not, as that of `7.038531e-26` does.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn rounded_once(x: f64) -> f32 {
    let rounded = x as f32;
    let other = if f64::from(rounded) < x { rounded.next_up() } else { rounded.next_down() };
    let halfway = f64::from(rounded).midpoint(f64::from(other));
    if halfway.total_cmp(&x).is_eq() { x.to_string().parse().unwrap_or(rounded) } else { rounded }
}

impl<'de> Deserialize<'de> for SparseVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for SparseVector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SparseVector", 3 + usize::from(self.tokens.is_some()))?;
        object.serialize_field(TYPE_KEY, TYPE_NAME)?;
        object.serialize_field("indices", &self.indices)?;
        object.serialize_field("values", &self.values)?;
        if let Some(tokens) = &self.tokens {
            object.serialize_field("tokens", tokens)?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_rounded_once() {
        for bits in [0x15ae_43fd, 1, 0x7f7f_ffff, 0x3dcc_cccd] {
            let vector = SparseVector::new(vec![1], vec![f32::from_bits(bits)], None).unwrap();
            let again = SparseVector::from_json(serde_json::to_value(&vector).unwrap()).unwrap();
            let text = serde_json::to_string(&vector).unwrap();
            assert_eq!(vector.to_json().to_string(), text);
            let from_text = SparseVector::from_json(serde_json::from_str(&text).unwrap()).unwrap();
            let from_json = SparseVector::from_json(vector.to_json()).unwrap();
            let read = [again, from_text, from_json].map(|vector| vector.values()[0].to_bits());
            assert_eq!(read, [bits; 3], "{text}");
        }
    }

    #[test]
    fn section_1_5_of_the_contract() {
        for good in [
            json!({"#type": "sparse_vector", "indices": [1, u32::MAX], "values": [0.1, -2.5]}),
            json!({"#type": "sparse_vector", "indices": [7], "values": [1.0], "tokens": ["fox"]}),
            json!({"#type": "sparse_vector", "indices": [], "values": []}),
        ] {
            let vector = SparseVector::from_json(good.clone()).unwrap();
            assert_eq!(serde_json::to_string(&vector).unwrap(), good.to_string());
        }
        for (bad, why) in [
            (json!({"indices": [1], "values": []}), "1 indices and 0 values"),
            (json!({"indices": [1], "values": [1.0], "tokens": []}), "0 tokens"),
            (json!({"indices": [2, 1], "values": [1.0, 1.0]}), "ascend"),
            (json!({"indices": [1, 1], "values": [1.0, 1.0]}), "ascend"),
            (json!({"indices": [-1], "values": [1.0]}), "-1"),
            (json!({"indices": [1], "values": [1e39]}), "finite"),
            (json!({"#type": "dense", "indices": [], "values": []}), "unknown type"),
            (json!({"indices": []}), "values"),
        ] {
            let error = SparseVector::from_json(bad).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
