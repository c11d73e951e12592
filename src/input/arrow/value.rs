//! A cell of a column as JSON, from which metadata values are made.
//!
//! Null, and NaN, which data frames say for null, are JSON's null. Dates and times are strings in ISO 8601, points in time of a zone in UTC with a `Z`.
//! A decimal is an integer where it has no fraction digits, else a float, and refused where that would not have its digits.
//! A float of 32 or 16 bits is the f64 of its shortest decimal, so that a filter finds it as it is written. Invariant: an
//! integer keeps its digits, a float of 64 bits its bits.

use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{AnyDictionaryArray, Array, ArrayRef, ArrowPrimitiveType, StructArray};
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Map, Number, Value as Json};

use crate::input::json::Refused;
use crate::record::too_long;

/// Returns whether columns of this type are read.
pub(super) fn is_read(kind: &DataType) -> bool {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_read(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().all(|field| is_read(field.data_type())),
        DataType::Map(entries, _) => is_read(entries.data_type()),
        DataType::Dictionary(_, values) => is_read(values),
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..) => true,
        _ => kind.is_numeric(),
    }
}

/// Reads a cell as text, with the digits that it has; the error is a sentence without its subject.
pub(super) fn written(array: &dyn Array, row: usize) -> Result<String, Refused> {
    if array.is_null(row) {
        return Ok("null".into());
    }
    let list = |array: &ArrayRef| -> Result<String, Refused> {
        let items = (0..array.len()).map(|row| written(array, row)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("[{}]", items.join(",")))
    };
    match array.data_type() {
        DataType::List(_) => list(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row)),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            written(dictionary.values(), key_of(dictionary, row)?)
        }
        _ => decimal_text(array, row).map_or_else(|| at(array, row).map(|json| json.to_string()), Ok),
    }
}

fn decimal_text(array: &dyn Array, row: usize) -> Option<String> {
    Some(match array.data_type() {
        DataType::Decimal32(..) => array.as_primitive::<Decimal32Type>().value_as_string(row),
        DataType::Decimal64(..) => array.as_primitive::<Decimal64Type>().value_as_string(row),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row),
        _ => return None,
    })
}

/// Reads a cell; the error is a sentence without its subject.
pub(super) fn at(array: &dyn Array, row: usize) -> Result<Json, Refused> {
    if array.is_null(row) {
        return Ok(Json::Null);
    }
    macro_rules! primitive {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row)
        };
    }
    macro_rules! time {
        ($kind:ty, $read:ident) => {
            iso(array.as_primitive::<$kind>().$read(row))?
        };
    }
    Ok(match array.data_type() {
        DataType::Null => Json::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => primitive!(Int8Type).into(),
        DataType::Int16 => primitive!(Int16Type).into(),
        DataType::Int32 => primitive!(Int32Type).into(),
        DataType::Int64 => primitive!(Int64Type).into(),
        DataType::UInt8 => primitive!(UInt8Type).into(),
        DataType::UInt16 => primitive!(UInt16Type).into(),
        DataType::UInt32 => primitive!(UInt32Type).into(),
        DataType::UInt64 => primitive!(UInt64Type).into(),
        DataType::Float16 => float(shortest(primitive!(Float16Type).to_f64(), |x| half(x).to_f64()))?,
        DataType::Float32 => float(shortest(primitive!(Float32Type).into(), |x| narrow(x).into()))?,
        DataType::Float64 => float(primitive!(Float64Type))?,
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Date32 => time!(Date32Type, value_as_date),
        DataType::Date64 => time!(Date64Type, value_as_date),
        DataType::Time32(TimeUnit::Second) => time!(Time32SecondType, value_as_time),
        DataType::Time32(_) => time!(Time32MillisecondType, value_as_time),
        DataType::Time64(TimeUnit::Microsecond) => time!(Time64MicrosecondType, value_as_time),
        DataType::Time64(_) => time!(Time64NanosecondType, value_as_time),
        DataType::Timestamp(unit, zone) => {
            let text = match unit {
                TimeUnit::Second => time!(TimestampSecondType, value_as_datetime),
                TimeUnit::Millisecond => time!(TimestampMillisecondType, value_as_datetime),
                TimeUnit::Microsecond => time!(TimestampMicrosecondType, value_as_datetime),
                TimeUnit::Nanosecond => time!(TimestampNanosecondType, value_as_datetime),
            };
            if zone.is_some() { format!("{}Z", text.as_str().unwrap_or_default()).into() } else { text }
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            at(dictionary.values(), key_of(dictionary, row)?)?
        }
        DataType::List(_) => items(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => items(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => items(&array.as_fixed_size_list().value(row))?,
        DataType::Struct(_) => Json::Object(fields(array.as_struct(), row)?),
        DataType::Map(..) => Json::Object(entries(&array.as_map().value(row))?),
        kind => match decimal_text(array, row) {
            Some(text) => decimal(&text)?,
            None => return Err(Refused::Unfit(format!("has the type {kind}, which cannot be read"))),
        },
    })
}

/// Returns the place in a dictionary of a cell that is not null.
fn key_of(dictionary: &dyn AnyDictionaryArray, row: usize) -> Result<usize, Refused> {
    let key = at(dictionary.keys(), row)?.as_u64().and_then(|key| usize::try_from(key).ok());
    let lacks = || Refused::Unfit("has a key that its dictionary lacks".into());
    key.filter(|&key| key < dictionary.values().len()).ok_or_else(lacks)
}

fn items(array: &ArrayRef) -> Result<Json, Refused> {
    (0..array.len()).map(|row| at(array, row)).collect::<Result<Vec<_>, _>>().map(Json::Array)
}

fn fields(array: &StructArray, row: usize) -> Result<Map<String, Json>, Refused> {
    let named = array.column_names().into_iter().zip(array.columns());
    named.map(|(name, column)| Ok((name.to_owned(), at(column, row)?))).collect()
}

fn entries(array: &StructArray) -> Result<Map<String, Json>, Refused> {
    let [keys, values] = array.columns() else { return Err(Refused::Unfit("is a map that is damaged".into())) };
    let entry = |row| match at(keys, row)? {
        Json::String(key) => Ok((key, at(values, row)?)),
        key => Err(Refused::Unfit(format!("has the key {key}, which is not a string"))),
    };
    (0..array.len()).map(entry).collect()
}

fn float(x: f64) -> Result<Json, Refused> {
    match Number::from_f64(x) {
        Some(number) => Ok(Json::Number(number)),
        None if x.is_nan() => Ok(Json::Null),
        None => Err(Refused::Unfit("holds infinity".into())),
    }
}

/// Returns the f64 of the shortest decimal that is this number again when it is made narrow.
fn shortest(x: f64, narrow: impl Fn(f64) -> f64) -> f64 {
    /// Digits after the first that any float of 32 bits is told apart by.
    const MOST_DIGITS: usize = 8;
    let candidates = (0..=MOST_DIGITS).filter_map(|digits| format!("{x:.digits$e}").parse::<f64>().ok());
    candidates.into_iter().find(|candidate| narrow(*candidate).to_bits() == x.to_bits()).unwrap_or(x)
}

#[expect(clippy::cast_possible_truncation, reason = "it is to be seen what is lost")]
fn narrow(x: f64) -> f32 {
    x as f32
}

fn half(x: f64) -> <Float16Type as ArrowPrimitiveType>::Native {
    <Float16Type as ArrowPrimitiveType>::Native::from_f64(x)
}

fn decimal(text: &str) -> Result<Json, Refused> {
    if !text.contains('.') {
        return match text.parse::<i64>() {
            Ok(integer) => Ok(integer.into()),
            Err(_) => Err(Refused::Lossy(too_long(text).into())),
        };
    }
    let x: f64 = text.parse().map_err(|_| Refused::Unfit(format!("holds {text}, which is not a number")))?;
    // Zeros at the end are none of its digits.
    let digits = text.trim_end_matches('0').trim_end_matches('.');
    if x.to_string() == digits || digits.trim_start_matches('-') == "0" {
        return float(x + 0.0);
    }
    Err(Refused::Lossy(
        format!("is the decimal {text}, which no type here holds; as a string it keeps its digits").into(),
    ))
}

/// Writes a date or time of chrono, whose debug text is ISO 8601.
fn iso(time: Option<impl fmt::Debug>) -> Result<Json, Refused> {
    let unfit = || Refused::Unfit("holds a time that no calendar has".into());
    time.map(|time| format!("{time:?}").into()).ok_or_else(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_floats_are_their_shortest_decimals() {
        for text in ["0.1", "0.3", "16777216", "3.4028235e38", "1e-45", "-0.7", "0", "123456.79", "1.1754944e-38"] {
            let x: f32 = text.parse().unwrap();
            let wide = shortest(x.into(), |x| narrow(x).into());
            assert_eq!(wide.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
            assert_eq!(narrow(wide).to_bits(), x.to_bits(), "{text}");
        }
        let tenth = half(0.1).to_f64();
        assert_eq!(shortest(tenth, |x| half(x).to_f64()).to_bits(), 0.1_f64.to_bits());
        assert!(shortest(f64::NAN, |x| narrow(x).into()).is_nan());
    }

    #[test]
    fn a_decimal_is_a_number_where_that_has_its_digits() {
        let read = |text: &str| decimal(text).map_err(Refused::why);
        for (text, json) in [
            ("12", Json::from(12)),
            ("12.50", Json::from(12.5)),
            ("-0.00", Json::from(0.0)),
            ("0.1", Json::from(0.1)),
            ("1000000.000001", Json::from(1_000_000.000_001)),
            ("123456789012345.00", Json::from(123_456_789_012_345.0)),
        ] {
            assert_eq!(read(text), Ok(json), "{text}");
        }
        for text in ["12345678901234567890.12", "12345678901234567890", "0.12345678901234567890", "9007199254740993.0"]
        {
            let why = read(text).unwrap_err();
            assert!(why.text.contains(text) && why.text.contains("no type here holds"), "{why}");
        }
    }
}
