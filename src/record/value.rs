//! A metadata value: Chroma's scalars, homogeneous arrays and sparse vectors (`rust/types/src/metadata.rs`).
//!
//! Invariant: floats are finite and never `-0.0`, arrays are not empty. JSON integers beyond `i64`, which Chroma rounds to
//! floats, are refused: two ids of twenty digits would become equal.

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

    /// Reads a value from JSON as it is written, so that an integer of any length is seen whole.
    ///
    /// # Errors
    /// As [`Value::from_json`], and for what is no JSON.
    pub fn from_json_text(text: &str) -> Result<Self, String> {
        if let Some(integer) = beyond_integers(text) {
            return Err(too_long(integer));
        }
        serde_json::from_str(text).map_err(|e| format!("is not JSON: {e}")).and_then(Self::from_json)
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
        None if n.is_u64() => Err(too_long(&n.to_string())),
        None => n.as_f64().ok_or_else(|| "is not a finite number".to_owned()).and_then(finite).map(Value::Float),
    }
}

/// Says of an integer that no value is.
#[must_use]
pub fn too_long(integer: &str) -> String {
    format!(
        "is the integer {integer}, which no type here holds (they end at {} and {}); as a string it keeps its digits",
        i64::MIN,
        i64::MAX
    )
}

/// Finds an integer in a JSON text that an `i64` cannot hold.
#[must_use]
pub fn beyond_integers(json: &str) -> Option<&str> {
    /// An integer of fewer digits always fits.
    const SAFE_DIGITS: usize = 18;
    let bytes = json.as_bytes();
    let (mut at, mut in_string) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            b'0'..=b'9' if !in_string => {
                let more = bytes.get(at..).unwrap_or_default();
                at += more.iter().take_while(|b| b.is_ascii_digit()).count();
                let is_float = bytes.get(at).is_some_and(|b| matches!(b, b'.' | b'e' | b'E'));
                let start = start - usize::from(start > 0 && bytes.get(start - 1) == Some(&b'-'));
                let integer = json.get(start..at).unwrap_or_default();
                if !is_float && integer.len() > SAFE_DIGITS && integer.parse::<i64>().is_err() {
                    return Some(integer);
                }
                // The digits of a fraction or an exponent are no integer.
                let rest = bytes.get(at..).unwrap_or_default();
                at += rest.iter().take_while(|b| b.is_ascii_digit() || b"+-.eE".contains(b)).count();
            }
            _ => {}
        }
    }
    None
}

/// Returns an integer as a float, as Chroma reads a mixed array of numbers, where that is the same number.
fn as_float(i: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "what is lost is seen")]
    let float = i as f64;
    #[expect(clippy::cast_possible_truncation, reason = "the float is an integer of at most 64 bits")]
    (float as i128 == i128::from(i)).then_some(float)
}

fn array(items: Vec<Json>) -> Result<Value, String> {
    let mut scalars = Vec::with_capacity(items.len());
    for item in items {
        let is_number = item.is_number();
        match Value::from_json(item) {
            Ok(scalar @ (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_))) => scalars.push(scalar),
            Err(why) if is_number => return Err(why),
            _ => return Err("holds an array element that is not a string, number or boolean".into()),
        }
    }
    let mixed = || "mixes types in one array".to_owned();
    let float = |v: Value| match v {
        Value::Float(f) => Ok(f),
        Value::Int(i) => {
            as_float(i).ok_or_else(|| format!("mixes the integer {i} with floats, where it would lose its last digits"))
        }
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
        Some(_) => scalars.into_iter().map(float).collect::<Result<_, _>>().map(Value::FloatArray),
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
        let Ok(Value::Float(zero)) = read("-0.0") else { panic!() };
        assert!(zero.is_sign_positive());
        assert_eq!(read("[1,2.5]"), Ok(Value::FloatArray(vec![1.0, 2.5])));
        assert_eq!(read("[1,2]"), Ok(Value::IntArray(vec![1, 2])));
        assert_eq!(read("[\"a\"]"), Ok(Value::StrArray(vec!["a".into()])));
        for bad in ["null", "{}", "[]", "[1,\"a\"]", "[true,1]", "[[1]]", "[null]"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_integer_that_no_type_holds_is_refused_with_its_digits() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551615",
            "18446744073709551616",
            "1000000000000000000000000000000",
            "[1, 9223372036854775808]",
            "[36893488147419103232]",
        ] {
            let digits = text.trim_matches(|c: char| "[] 1,".contains(c) && text.starts_with('['));
            let why = Value::from_json_text(text).unwrap_err();
            assert!(why.contains(digits) && why.contains("no type here holds"), "{text}: {why}");
        }
        assert_eq!(read("[9007199254740992, 0.5]"), Ok(Value::FloatArray(vec![9_007_199_254_740_992.0, 0.5])));
        assert!(read("[9007199254740993, 0.5]").unwrap_err().contains("9007199254740993 with floats"));
        assert!(read("18446744073709551615").is_err() && read("[9223372036854775808]").is_err());
        for text in [
            "9223372036854775807",
            "-9223372036854775808",
            "\"18446744073709551615\"",
            "\"a\\\"18446744073709551615\"",
            "1e30",
            "18446744073709551616.0",
            "0.18446744073709551616",
            "1e-10",
            "[1.18446744073709551616e+20, \"99999999999999999999\"]",
        ] {
            assert_eq!(Value::from_json_text(text), read(text), "{text}");
        }
    }
}
