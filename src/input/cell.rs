//! A cell of a table as a metadata value: inferred, or read as the type that was asked for.
//!
//! Knows nothing of columns. Invariant: inference never fails and never loses characters of what it cannot read
//! back exactly as a number (`007`, `+49`, twenty-digit ids stay strings).

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value as Json;

use crate::error::Error;
use crate::record::Value;

/// A type to read a column as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellType {
    /// A string, as it stands.
    Str,
    /// A 64-bit integer.
    Int,
    /// A finite float.
    Float,
    /// `true` or `false`.
    Bool,
    /// A JSON array.
    Array,
}

/// Types by the name of the column or field, as in `year:int,zip:str`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Types(BTreeMap<String, CellType>);

impl Types {
    /// Returns the type asked for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<CellType> {
        self.0.get(name).copied()
    }

    /// Visits the names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromStr for Types {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut types = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let named =
                part.rsplit_once(':').and_then(|(name, kind)| Some((name.trim(), CellType::named(kind.trim())?)));
            let Some((name, kind)) = named.filter(|(name, _)| !name.is_empty()) else {
                return Err(Error::InvalidArgument {
                    why: format!("{part:?} is not a column and a type"),
                    hint: Some(
                        "write NAME:TYPE with a type of str, int, float, bool, array, as in year:int,zip:str".into(),
                    ),
                });
            };
            types.insert(name.to_owned(), kind);
        }
        Ok(Self(types))
    }
}

impl CellType {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "str" | "string" | "text" => Self::Str,
            "int" | "integer" => Self::Int,
            "float" | "number" => Self::Float,
            "bool" | "boolean" => Self::Bool,
            "array" | "list" => Self::Array,
            _ => return None,
        })
    }

    /// Reads a cell as this type; the error is a sentence without its subject.
    pub(super) fn read(self, cell: &str) -> Result<Value, String> {
        let trimmed = cell.trim();
        let (read, wanted) = match self {
            Self::Str => (Some(Value::Str(cell.to_owned())), "a string"),
            Self::Int => (trimmed.parse().ok().map(Value::Int), "an integer"),
            Self::Float => (trimmed.parse().ok().and_then(float), "a finite number"),
            Self::Bool => (boolean(trimmed), "true or false"),
            Self::Array => (array(trimmed), "a JSON array of values of one type"),
        };
        read.ok_or_else(|| format!("holds {cell:?}, which is not {wanted}"))
    }

    /// Makes a JSON value this type.
    pub(super) fn convert(self, value: Value) -> Result<Value, String> {
        match (self, &value) {
            (Self::Str, Value::Str(_)) | (Self::Int, Value::Int(_)) | (Self::Bool, Value::Bool(_)) => Ok(value),
            (Self::Array, Value::BoolArray(_) | Value::IntArray(_) | Value::FloatArray(_) | Value::StrArray(_)) => {
                Ok(value)
            }
            _ => self.read(&value.to_string()),
        }
    }
}

/// Reads a cell as what it looks like; `None` when it is blank.
///
/// An integer, a float written as JSON writes it, `true`/`false` in any case, a JSON array of one type, else a string.
pub(super) fn infer(cell: &str) -> Option<Value> {
    let trimmed = cell.trim();
    let inferred = match trimmed.as_bytes().first()? {
        b'-' | b'0'..=b'9' => number(trimmed),
        b't' | b'T' | b'f' | b'F' => boolean(trimmed),
        b'[' => array(trimmed),
        _ => None,
    };
    Some(inferred.unwrap_or_else(|| Value::Str(cell.to_owned())))
}

fn number(text: &str) -> Option<Value> {
    if !is_json_number(text) {
        return None;
    }
    // An integer beyond i64 stays text: as a float it would lose its last digits.
    if text.bytes().all(|b| b == b'-' || b.is_ascii_digit()) {
        return text.parse().ok().map(Value::Int);
    }
    text.parse().ok().and_then(float)
}

fn is_json_number(text: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

fn float(x: f64) -> Option<Value> {
    // Adding zero makes -0.0 the 0.0 that a Value holds.
    x.is_finite().then_some(Value::Float(x + 0.0))
}

fn boolean(text: &str) -> Option<Value> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") { Some(Value::Bool(true)) } else { is("false").then_some(Value::Bool(false)) }
}

fn array(text: &str) -> Option<Value> {
    let json: Json = serde_json::from_str(text).ok()?;
    json.is_array().then(|| Value::from_json(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_what_they_look_like() {
        for (cell, value) in [
            ("12", Value::Int(12)),
            (" -7 ", Value::Int(-7)),
            ("0", Value::Int(0)),
            ("1.50", Value::Float(1.5)),
            ("1e3", Value::Float(1000.0)),
            ("-0.0", Value::Float(0.0)),
            ("true", Value::Bool(true)),
            ("False", Value::Bool(false)),
            ("[1,2]", Value::IntArray(vec![1, 2])),
            ("[\"a\"]", Value::StrArray(vec!["a".into()])),
        ] {
            assert_eq!(infer(cell), Some(value), "{cell}");
        }
        let strings = [
            "007",
            "+49",
            "1,5",
            "1.",
            ".5",
            "1e",
            "-",
            "0x1f",
            "12345678901234567890",
            "1e999",
            "[draft] notes",
            "[]",
            "[1,\"a\"]",
            "2020-01-02",
            "truely",
            " a ",
            "nan",
            "inf",
            "１２",
        ];
        for cell in strings {
            assert_eq!(infer(cell), Some(Value::Str(cell.into())), "{cell}");
        }
        assert_eq!((infer(""), infer("  ")), (None, None));
    }

    #[test]
    fn a_type_overrides_the_looks() {
        let types: Types = "year:int, zip:str,a:b:float".parse().unwrap();
        assert_eq!(types.names().collect::<Vec<_>>(), ["a:b", "year", "zip"]);
        assert_eq!(types.get("zip").unwrap().read("01234"), Ok(Value::Str("01234".into())));
        assert_eq!(types.get("a:b").unwrap().read("3"), Ok(Value::Float(3.0)));
        assert_eq!(CellType::Int.read("+49"), Ok(Value::Int(49)));
        assert!(CellType::Int.read("1.5").is_err());
        assert!(CellType::Float.read("nan").is_err());
        assert_eq!(CellType::Str.convert(Value::Int(1234)), Ok(Value::Str("1234".into())));
        assert_eq!(CellType::Float.convert(Value::Int(2)), Ok(Value::Float(2.0)));
        assert_eq!(CellType::Int.convert(Value::Str("2".into())), Ok(Value::Int(2)));
        for bad in ["year", "year:date", ":int"] {
            assert!(bad.parse::<Types>().is_err(), "{bad}");
        }
    }
}
