//! A metadata value: Chroma's scalars, homogeneous arrays and sparse vectors (`rust/types/src/metadata.rs`).
//!
//! Invariant: floats are finite and never `-0.0`, arrays are not empty. JSON integers beyond `i64` become
//! floats, as in Chroma.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use super::SparseVector;
use super::sparse::TYPE_KEY;

/// One metadata value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A finite 64-bit float.
    Float(f64),
    /// A string.
    Str(String),
    /// Truth values.
    BoolArray(Vec<bool>),
    /// Integers.
    IntArray(Vec<i64>),
    /// Finite floats.
    FloatArray(Vec<f64>),
    /// Strings.
    StrArray(Vec<String>),
    /// A sparse vector.
    Sparse(SparseVector),
}

impl Value {
    /// Reads a value from JSON.
    ///
    /// # Errors
    /// A sentence that names the rule broken: null, an object, an empty, nested or mixed array, a number out of range.
    pub fn from_json(json: Json) -> Result<Self, String> {
        match json {
            Json::Null => Err("is null; leave the key out instead".into()),
            Json::Bool(b) => Ok(Self::Bool(b)),
            Json::Number(n) => number(&n),
            Json::String(s) => Ok(Self::Str(s)),
            Json::Array(items) => array(items),
            Json::Object(object) if object.contains_key(TYPE_KEY) => {
                SparseVector::from_json(Json::Object(object)).map(Self::Sparse)
            }
            Json::Object(_) => {
                Err("is an object; values are strings, numbers, booleans and arrays of one of these".into())
            }
        }
    }

    /// Returns the value as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool(b) => (*b).into(),
            Self::Int(i) => (*i).into(),
            Self::Float(f) => (*f).into(),
            Self::Str(s) => s.as_str().into(),
            Self::BoolArray(a) => a.clone().into(),
            Self::IntArray(a) => a.clone().into(),
            Self::FloatArray(a) => a.clone().into(),
            Self::StrArray(a) => a.clone().into(),
            Self::Sparse(vector) => vector.to_json(),
        }
    }
}

/// Returns a finite float with `-0.0` made `0.0`.
fn finite(f: f64) -> Result<f64, String> {
    if f.is_finite() { Ok(f + 0.0) } else { Err("is not a finite number".into()) }
}

fn number(n: &serde_json::Number) -> Result<Value, String> {
    match n.as_i64() {
        Some(i) => Ok(Value::Int(i)),
        None => n.as_f64().ok_or_else(|| "is not a finite number".to_owned()).and_then(finite).map(Value::Float),
    }
}

fn array(items: Vec<Json>) -> Result<Value, String> {
    let mut scalars = Vec::with_capacity(items.len());
    for item in items {
        match Value::from_json(item) {
            Ok(scalar @ (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_))) => scalars.push(scalar),
            _ => return Err("holds an array element that is not a string, number or boolean".into()),
        }
    }
    let mixed = || "mixes types in one array".to_owned();
    let as_float = |v: Value| match v {
        Value::Float(f) => Ok(f),
        #[expect(clippy::cast_precision_loss, reason = "Chroma reads a mixed array of numbers as floats")]
        Value::Int(i) => Ok(i as f64),
        _ => Err(mixed()),
    };
    match scalars.first() {
        None => Err("is an empty array; leave the key out instead".into()),
        Some(Value::Bool(_)) => {
            let bools = scalars.into_iter().map(|v| if let Value::Bool(b) = v { Ok(b) } else { Err(mixed()) });
            bools.collect::<Result<_, _>>().map(Value::BoolArray)
        }
        Some(Value::Str(_)) => {
            let strings = scalars.into_iter().map(|v| if let Value::Str(s) = v { Ok(s) } else { Err(mixed()) });
            strings.collect::<Result<_, _>>().map(Value::StrArray)
        }
        Some(_) if scalars.iter().all(|v| matches!(v, Value::Int(_))) => {
            let ints = scalars.into_iter().map(|v| if let Value::Int(i) = v { Ok(i) } else { Err(mixed()) });
            ints.collect::<Result<_, _>>().map(Value::IntArray)
        }
        Some(_) => scalars.into_iter().map(as_float).collect::<Result<_, _>>().map(Value::FloatArray),
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(Json::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Value {
    /// Writes a string as it is and everything else as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(s) => f.write_str(s),
            Self::Sparse(vector) => f.write_str(&serde_json::to_string(vector).map_err(|_| fmt::Error)?),
            other => write!(f, "{}", other.to_json()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Value, String> {
        Value::from_json(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn section_1_5_of_the_contract() {
        assert_eq!(read("true"), Ok(Value::Bool(true)));
        assert_eq!(read("9223372036854775807"), Ok(Value::Int(i64::MAX)));
        assert_eq!(read("18446744073709551615"), Ok(Value::Float(1.844_674_407_370_955_2e19)));
        let Ok(Value::Float(zero)) = read("-0.0") else { panic!() };
        assert!(zero.is_sign_positive());
        assert_eq!(read("[1,2.5]"), Ok(Value::FloatArray(vec![1.0, 2.5])));
        assert_eq!(read("[1,2]"), Ok(Value::IntArray(vec![1, 2])));
        assert_eq!(read("[\"a\"]"), Ok(Value::StrArray(vec!["a".into()])));
        for bad in ["null", "{}", "[]", "[1,\"a\"]", "[true,1]", "[[1]]", "[null]"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
