//! A cell of a table as a metadata value: what it looks like, and how it is read as a type.
//!
//! Knows nothing of columns. Invariant: what looks like a number prints back as it stands (`007`, `+49`, `1.10`, `1e3` and
//! integers of twenty digits do not).

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::text_columns::split_names;
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
    /// A finite float written with a decimal comma, its thousands apart by a point, a blank or an apostrophe: `1.249,00`.
    DecimalComma,
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

    /// Returns whether no type was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        let parts = split_names(text).unwrap_or_default();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            let named =
                part.rsplit_once(':').and_then(|(name, kind)| Some((name.trim(), CellType::named(kind.trim())?)));
            let Some((name, kind)) = named.filter(|(name, _)| !name.is_empty()) else {
                let why = format!(
                    "{part:?} is not a column and a type: write NAME:TYPE with one of the types str, int, float, \
                     decimal-comma, bool and array, as in year:int,zip:str"
                );
                return Err(Error::argument(why));
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
            "decimal-comma" => Self::DecimalComma,
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
            Self::DecimalComma => {
                (with_point(trimmed).and_then(|text| float(text.parse().ok()?)), "a number with a decimal comma")
            }
            Self::Bool => (boolean(trimmed), "true or false"),
            Self::Array => {
                let is_array = trimmed.starts_with('[');
                (is_array.then(|| Value::from_json_text(trimmed).ok()).flatten(), "a JSON array of values of one type")
            }
        };
        read.ok_or_else(|| format!("holds {cell:?}, which is not {wanted}"))
    }

    /// Makes a JSON value this type; `written` is the value as the input has it, whose digits a string keeps.
    pub(super) fn convert(self, json: Json, written: &str) -> Result<Value, String> {
        match (self, json) {
            (Self::Str, Json::String(text)) => Ok(Value::Str(text)),
            (Self::Bool, Json::Bool(bool)) => Ok(Value::Bool(bool)),
            (_, Json::String(text)) => self.read(&text),
            _ => self.read(written),
        }
    }
}

/// Writes a number that has a decimal comma with a point; `None` when it is none. Thousands are in groups of three.
fn with_point(text: &str) -> Option<String> {
    let (sign, digits) =
        text.strip_prefix('-').map_or(("", text.strip_prefix('+').unwrap_or(text)), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once(',').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let groups: Vec<&str> = whole.split(['.', ' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}']).collect();
    let (first, rest) = groups.split_first()?;
    let is_grouped = rest.is_empty() || first.len() <= 3 && rest.iter().all(|group| group.len() == 3);
    let is_number = is_grouped && groups.iter().all(|group| is_digits(group)) && fraction.is_none_or(is_digits);
    is_number.then(|| format!("{sign}{}.{}", groups.concat(), fraction.unwrap_or("0")))
}

/// What a cell looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Int,
    Float,
    /// A number that would not print back as written.
    Inexact,
    /// A number with a decimal comma.
    Comma,
    Bool,
    Array,
    Other,
}

impl Look {
    pub(super) const COUNT: usize = 7;
}

/// Says what a cell looks like; `None` when it is blank.
pub(super) fn look(cell: &str) -> Option<Look> {
    let trimmed = cell.trim();
    Some(match trimmed.as_bytes().first()? {
        b'-' | b'+' | b'.' | b'0'..=b'9' => number(trimmed),
        b't' | b'T' | b'f' | b'F' if boolean(trimmed).is_some() => Look::Bool,
        b'[' if array(trimmed).is_some() => Look::Array,
        _ => Look::Other,
    })
}

fn number(text: &str) -> Look {
    let is_same = |value: Value| value.to_string() == text;
    let is_integer = !text.contains(['.', 'e', 'E']);
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(int), _) if is_same(Value::Int(int)) => Look::Int,
        (_, Ok(x)) if !is_integer && float(x).is_some_and(is_same) => Look::Float,
        (_, Ok(x)) if x.is_finite() => Look::Inexact,
        _ if text.contains(',') && with_point(text).is_some() => Look::Comma,
        _ => Look::Other,
    }
}

fn float(x: f64) -> Option<Value> {
    // Adding zero makes -0.0 the 0.0 that a Value holds.
    x.is_finite().then_some(Value::Float(x + 0.0))
}

fn boolean(text: &str) -> Option<Value> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") { Some(Value::Bool(true)) } else { is("false").then_some(Value::Bool(false)) }
}

/// Reads an array whose numbers print back as they stand.
fn array(text: &str) -> Option<Value> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let is_exact = |item: &&RawValue| {
        let text = item.get();
        !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) || number(text) != Look::Inexact
    };
    items.iter().all(is_exact).then(|| Value::from_json_text(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_what_they_look_like() {
        for (look_is, cells) in [
            (Look::Int, &["12", " -7 ", "0", "9223372036854775807", "-9223372036854775808"][..]),
            (Look::Float, &["1.5", "-0.25", "0.1", "1.0"]),
            (
                Look::Inexact,
                &[
                    "007",
                    "+49",
                    "1.50",
                    "1.",
                    ".5",
                    "1e3",
                    "-0",
                    "-0.0",
                    "12345678901234567890",
                    "9223372036854775808",
                    "0.1000000000000000055",
                ],
            ),
            (Look::Bool, &["true", "False", " TRUE"]),
            (Look::Array, &["[1,2]", "[\"a\"]", "[true]", " [ 1.5 , 2 ]"]),
            (Look::Comma, &["1,5", "-1.249,00", "1 249,5", "1'249'000,25", "1.249.000,0"]),
            (
                Look::Other,
                &[
                    "1,2,3",
                    "1,249.5",
                    "12.49,00",
                    "1e",
                    "-",
                    "0x1f",
                    "1e999",
                    "[draft] notes",
                    "[]",
                    "[1,\"a\"]",
                    "[1.10]",
                    "[18446744073709551615]",
                    "2020-01-02",
                    "truely",
                    " a ",
                    "nan",
                    "inf",
                    "-inf",
                    "１２",
                ],
            ),
        ] {
            for cell in cells {
                assert_eq!(look(cell), Some(look_is), "{cell}");
            }
        }
        assert_eq!((look(""), look("  ")), (None, None));
    }

    #[test]
    fn a_type_overrides_the_looks() {
        let types: Types = "year:int, zip:str,a:b:float".parse().unwrap();
        assert_eq!(types.names().collect::<Vec<_>>(), ["a:b", "year", "zip"]);
        assert_eq!(types.get("zip").unwrap().read("01234"), Ok(Value::Str("01234".into())));
        assert_eq!(types.get("a:b").unwrap().read("3"), Ok(Value::Float(3.0)));
        assert_eq!(CellType::Int.read("+49"), Ok(Value::Int(49)));
        let prices: Types = "Price (EUR):decimal-comma,\"a,b\":int".parse().unwrap();
        assert_eq!(prices.get("Price (EUR)"), Some(CellType::DecimalComma));
        for (cell, number) in [("49,90", 49.9), ("-1.249,00", -1249.0), (" 1\u{a0}249,5", 1249.5), ("7", 7.0)] {
            assert_eq!(CellType::DecimalComma.read(cell), Ok(Value::Float(number)), "{cell}");
        }
        for bad in ["1,249.50", "12.49", "1,", "x", ""] {
            assert!(CellType::DecimalComma.read(bad).is_err(), "{bad}");
        }
        assert!(CellType::Int.read("1.5").is_err());
        assert!(CellType::Float.read("nan").is_err());
        let digits = "18446744073709551615.10";
        assert_eq!(CellType::Str.convert(Json::from(1.8e19), digits), Ok(Value::Str(digits.into())));
        assert_eq!(CellType::Str.convert(Json::from("x"), "\"x\""), Ok(Value::Str("x".into())));
        assert_eq!(CellType::Float.convert(Json::from(2), "2"), Ok(Value::Float(2.0)));
        assert_eq!(CellType::Int.convert(Json::from("2"), "\"2\""), Ok(Value::Int(2)));
        for bad in ["year", "year:date", ":int"] {
            assert!(bad.parse::<Types>().is_err(), "{bad}");
        }
    }
}
