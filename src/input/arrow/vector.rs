//! A cell of a column as an embedding.
//!
//! Invariant: f32 keep their bits; other numbers are rounded once.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use serde_json::Value as Json;

use super::value;
use crate::input::embedding;
use crate::input::json::Refused;

/// Reads a list of numbers, or what a csv would hold: their JSON or base64; the error is a sentence without its subject.
pub(super) fn at(array: &dyn Array, row: usize) -> Result<Option<Vec<f32>>, String> {
    if array.is_null(row) {
        return Ok(None);
    }
    let numbers = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        _ => {
            return match value::at(array, row).map_err(|refused| refused.why().text)? {
                Json::Null => Ok(None),
                Json::String(text) if text.trim().is_empty() => Ok(None),
                Json::String(text) => embedding::parse(&text).map(Some).map_err(|why| format!("is bad: {why}")),
                _ => Err("is not a list of numbers".into()),
            };
        }
    };
    if numbers.data_type() == &DataType::Float32 && numbers.null_count() == 0 {
        return checked(numbers.as_primitive::<Float32Type>().values().to_vec()).map(Some);
    }
    (0..numbers.len()).map(|at| number(&numbers, at)).collect::<Result<_, _>>().and_then(checked).map(Some)
}

fn checked(numbers: Vec<f32>) -> Result<Vec<f32>, String> {
    embedding::checked(numbers).map_err(|why| format!("is bad: {why}"))
}

fn number(numbers: &ArrayRef, at: usize) -> Result<f32, String> {
    let number = match numbers.data_type() {
        _ if numbers.is_null(at) => None,
        DataType::Float32 => return Ok(numbers.as_primitive::<Float32Type>().value(at)),
        DataType::Float16 => return Ok(numbers.as_primitive::<Float16Type>().value(at).to_f32()),
        _ => match value::at(numbers, at) {
            Ok(json) => json.as_f64(),
            // Here a number is rounded in any case.
            Err(Refused::Lossy(_)) => value::written(numbers, at).ok().and_then(|text| text.parse().ok()),
            Err(Refused::Unfit(why)) => return Err(why),
        },
    };
    #[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest f32")]
    number.map(|number| number as f32).ok_or_else(|| format!("holds null or no number at index {at}"))
}
