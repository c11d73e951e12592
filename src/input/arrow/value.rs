//! A cell of a column as JSON, from which metadata values are made.
//!
//! Null, and NaN, which data frames say for null, are JSON's null. Dates and times are strings in ISO 8601, points in time of a zone in UTC with a `Z`.
//! A decimal is an integer where it has no fraction digits, else the nearest float. Invariant: an integer keeps its
//! digits, a float its bits.

use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Map, Number, Value as Json};

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

/// Reads a cell; the error is a sentence without its subject.
pub(super) fn at(array: &dyn Array, row: usize) -> Result<Json, String> {
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
        DataType::Float16 => float(primitive!(Float16Type).to_f64())?,
        DataType::Float32 => float(primitive!(Float32Type).into())?,
        DataType::Float64 => float(primitive!(Float64Type))?,
        DataType::Decimal32(_, scale) => decimal(&array.as_primitive::<Decimal32Type>().value_as_string(row), *scale)?,
        DataType::Decimal64(_, scale) => decimal(&array.as_primitive::<Decimal64Type>().value_as_string(row), *scale)?,
        DataType::Decimal128(_, scale) => {
            decimal(&array.as_primitive::<Decimal128Type>().value_as_string(row), *scale)?
        }
        DataType::Decimal256(_, scale) => {
            decimal(&array.as_primitive::<Decimal256Type>().value_as_string(row), *scale)?
        }
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
            let key = at(dictionary.keys(), row)?.as_u64().and_then(|key| usize::try_from(key).ok());
            let values = dictionary.values();
            let key = key.filter(|&key| key < values.len()).ok_or("has a key that its dictionary lacks")?;
            at(values, key)?
        }
        DataType::List(_) => items(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => items(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => items(&array.as_fixed_size_list().value(row))?,
        DataType::Struct(_) => Json::Object(fields(array.as_struct(), row)?),
        DataType::Map(..) => Json::Object(entries(&array.as_map().value(row))?),
        kind => return Err(format!("has the type {kind}, which cannot be read")),
    })
}

fn items(array: &ArrayRef) -> Result<Json, String> {
    (0..array.len()).map(|row| at(array, row)).collect::<Result<Vec<_>, _>>().map(Json::Array)
}

fn fields(array: &StructArray, row: usize) -> Result<Map<String, Json>, String> {
    let named = array.column_names().into_iter().zip(array.columns());
    named.map(|(name, column)| Ok((name.to_owned(), at(column, row)?))).collect()
}

fn entries(array: &StructArray) -> Result<Map<String, Json>, String> {
    let [keys, values] = array.columns() else { return Err("is a map that is damaged".into()) };
    let entry = |row| match at(keys, row)? {
        Json::String(key) => Ok((key, at(values, row)?)),
        key => Err(format!("has the key {key}, which is no string")),
    };
    (0..array.len()).map(entry).collect()
}

fn float(x: f64) -> Result<Json, String> {
    match Number::from_f64(x) {
        Some(number) => Ok(Json::Number(number)),
        None if x.is_nan() => Ok(Json::Null),
        None => Err("holds infinity".into()),
    }
}

fn decimal(text: &str, scale: i8) -> Result<Json, String> {
    match text.parse::<i64>() {
        Ok(integer) if scale <= 0 => Ok(integer.into()),
        _ => float(text.parse().map_err(|_| format!("holds {text}, which is no number"))?),
    }
}

/// Writes a date or time of chrono, whose debug text is ISO 8601.
fn iso(time: Option<impl fmt::Debug>) -> Result<Json, String> {
    time.map(|time| format!("{time:?}").into()).ok_or_else(|| "holds a time that no calendar has".into())
}
