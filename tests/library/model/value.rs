//! Metadata values as section 1.5 of the contract has them, and how two of them compare (section 3).

use std::cmp::Ordering;

use serde_json::{Value as Json, json};

/// One value of a metadata key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bools(Vec<bool>),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Texts(Vec<String>),
    Sparse(Vec<(u32, f32)>),
}

impl Value {
    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Bool(b) => json!(b),
            Self::Int(i) => json!(i),
            Self::Float(f) => json!(f),
            Self::Text(s) => json!(s),
            Self::Bools(a) => json!(a),
            Self::Ints(a) => json!(a),
            Self::Floats(a) => json!(a),
            Self::Texts(a) => json!(a),
            Self::Sparse(terms) => {
                let (indices, values): (Vec<u32>, Vec<f32>) = terms.iter().copied().unzip();
                json!({"#type": "sparse_vector", "indices": indices, "values": values})
            }
        }
    }

    /// The elements of an array, as scalars of the array's type.
    pub(crate) fn elements(&self) -> Vec<Self> {
        match self {
            Self::Bools(a) => a.iter().map(|b| Self::Bool(*b)).collect(),
            Self::Ints(a) => a.iter().map(|i| Self::Int(*i)).collect(),
            Self::Floats(a) => a.iter().map(|f| Self::Float(*f)).collect(),
            Self::Texts(a) => a.iter().map(|s| Self::Text(s.clone())).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Float(_))
    }

    /// Compares two numbers exactly; `None` where one is none.
    pub(crate) fn compare_numbers(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Float(b)) => Some(int_with_float(*a, *b)),
            (Self::Float(a), Self::Int(b)) => Some(int_with_float(*b, *a).reverse()),
            _ => None,
        }
    }

    /// Whether two scalars are one value: integers and floats are one kind, all else is strict.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => self.compare_numbers(other) == Some(Ordering::Equal),
        }
    }
}

/// Every float between -2^63 and 2^63 has a floor that 128 bits hold, so nothing is rounded here.
fn int_with_float(int: i64, float: f64) -> Ordering {
    let beyond = 2_f64.powi(63);
    if float >= beyond {
        return Ordering::Less;
    }
    if float < -beyond {
        return Ordering::Greater;
    }
    let floor = float.floor();
    let fraction = if float > floor { Ordering::Less } else { Ordering::Equal };
    i128::from(int).cmp(&(floor as i128)).then(fraction)
}
