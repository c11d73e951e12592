//! A number of either kind, compared exactly, and its key in the order of the numbers.
//!
//! Comparing an `i64` with an `f64` by casting is wrong beyond 2^53, where neighbouring integers become the
//! same float; nothing here rounds. Invariant: floats are finite and never `-0.0`, as in [`Value`].

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::Value;

/// An integer or a float; `==` tells the kinds apart, [`Number::compare`] does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A 64-bit integer.
    Int(i64),
    /// A finite 64-bit float.
    Float(f64),
}

/// Ten bytes whose order is the order of the numbers they stand for; equal numbers have equal keys.
pub type NumberKey = [u8; 10];

/// 2^63, the first float above every `i64`.
const ABOVE_INTEGERS: f64 = 9_223_372_036_854_775_808.0;

impl Number {
    /// Takes a float that is finite, with `-0.0` made `0.0`.
    #[must_use]
    pub fn float(f: f64) -> Option<Self> {
        f.is_finite().then_some(Self::Float(f + 0.0))
    }

    /// Returns the number a metadata value is; arrays, strings and booleans are none.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(i) => Some(Self::Int(*i)),
            Value::Float(f) => Self::float(*f),
            _ => None,
        }
    }

    /// Compares by the exact numbers meant: `1` equals `1.0`, and 2^53 + 1 is above the float 2^53.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b).unwrap_or_else(|| a.total_cmp(&b)),
            (Self::Int(a), Self::Float(b)) => int_with_float(a, b),
            (Self::Float(a), Self::Int(b)) => int_with_float(b, a).reverse(),
        }
    }

    /// Returns the key the number has in an index.
    ///
    /// Eight bytes are the nearest float, its bits arranged so that bytes sort as floats do; the last two are what
    /// an integer lacks to that float, plus 2^15. Rounding keeps the order, so numbers with different nearest
    /// floats are in order by these, and numbers with the same one by the remainder, which is at most 512.
    #[must_use]
    pub fn key(self) -> NumberKey {
        let (nearest, remainder) = match self {
            Self::Int(i) => {
                #[expect(clippy::cast_precision_loss, reason = "what the cast loses is the remainder")]
                let nearest = i as f64;
                #[expect(clippy::cast_possible_truncation, reason = "the float is an integer of 64 bits or 2^63")]
                let rounded = nearest as i128;
                (nearest, i128::from(i) - rounded)
            }
            Self::Float(f) => (f + 0.0, 0),
        };
        let bits = nearest.to_bits();
        // A negative float is larger in its bits the smaller it is: flip them all; else set the top bit.
        let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
        let biased = u16::try_from(remainder + 0x8000).unwrap_or(0x8000);
        let mut key = NumberKey::default();
        let (float, rest) = key.split_at_mut(8);
        float.copy_from_slice(&ordered.to_be_bytes());
        rest.copy_from_slice(&biased.to_be_bytes());
        key
    }

    /// Returns the number a key stands for, a whole one as an integer where 64 bits hold it; `None` for bytes that are
    /// no key.
    #[must_use]
    pub fn from_key(key: NumberKey) -> Option<Self> {
        let [float @ .., high, low] = key;
        let ordered = u64::from_be_bytes(float);
        let nearest = f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered });
        let remainder = i128::from(u16::from_be_bytes([high, low])) - 0x8000;
        #[expect(clippy::cast_possible_truncation, reason = "a float beyond 128 bits is no 64-bit integer either")]
        let whole = (nearest.fract() == 0.0).then(|| i64::try_from((nearest as i128).saturating_add(remainder)).ok());
        whole.flatten().map_or_else(|| Self::float(nearest), |i| Some(Self::Int(i)))
    }

    /// Returns the number as JSON; a float keeps its decimal point.
    #[must_use]
    pub fn to_json(self) -> Json {
        match self {
            Self::Int(i) => i.into(),
            Self::Float(f) => f.into(),
        }
    }
}

/// Compares an integer with a finite float, exactly.
fn int_with_float(i: i64, f: f64) -> Ordering {
    if f >= ABOVE_INTEGERS {
        return Ordering::Less;
    }
    if f < -ABOVE_INTEGERS {
        return Ordering::Greater;
    }
    let whole = f.trunc();
    #[expect(clippy::cast_possible_truncation, reason = "whole is an integer within -2^63 .. 2^63")]
    let ordering = i.cmp(&(whole as i64));
    // With equal whole parts the sign of the fraction decides.
    ordering.then_with(|| whole.partial_cmp(&f).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
#[path = "number_tests.rs"]
mod tests;
